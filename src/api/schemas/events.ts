import { z } from 'zod';
import { DELIVERY_STATUSES } from '../../domain/delivery';
import { OBJECT_KINDS } from '../../domain/object';
import { actor } from './objects';
import { anyJson, eventType, idOf, jsonObject, objectId, timeIn, timeOut } from './shared';

/** The caller's own id of an event: the dedupe key. */
export const externalId = z.string().min(1, 'must not be empty').max(255, 'may have at most 255 characters');

/** The body that publishes an event. */
export const publishBody = z.strictObject({
  type: eventType,
  data: anyJson.describe('any JSON, at most 256 KiB; kept and sent byte for byte'),
  id: externalId.optional().describe('your own id; the same again is answered with the first event'),
  objectId: objectId.optional().describe('a record, process or task of the workspace; the event takes its next sequence'),
  occurredAt: timeIn.optional(),
}).meta({ id: 'NewEvent', examples: [{ type: 'invoice.paid', data: { invoice: 'in_1', amount: 1200 }, id: 'in_1-paid' }] });

const warnings = z.array(z.strictObject({ path: z.string(), message: z.string() })).optional()
  .describe('how the data does not fit the schema of its type, which is only warned of; left out where it fits');

/** The answer to a published event. */
export const published = z.strictObject({ id: idOf('event'), externalId: externalId.nullable(), duplicate: z.boolean(), warnings })
  .meta({ id: 'PublishedEvent' });

/** Most events of a batch. */
export const MAX_BATCH = 1_000;

/** The body that publishes a batch; each event is checked by itself, and answered in its place. */
export const batchBody = z.strictObject({
  events: z.array(z.custom<unknown>(() => true).meta({ description: 'as the body of POST /v1/events' }))
    .min(1, 'must hold at least one event').max(MAX_BATCH, `may hold at most ${MAX_BATCH} events`),
});

/** The answer to a batch, in its order. */
export const batchOut = z.strictObject({
  results: z.array(z.union([
    z.strictObject({ id: idOf('event'), duplicate: z.boolean(), warnings }),
    z.strictObject({
      error: z.strictObject({
        code: z.string(), status: z.int(), detail: z.string(),
        errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
      }),
    }),
  ])),
});

const EVENT = {
  id: idOf('event'), externalId: z.string().nullable(), type: z.string(), sequence: z.int().nullable(), causedBy: z.string().nullable(),
  objectKind: z.enum(OBJECT_KINDS).nullable(), objectId: objectId.nullable(), object: jsonObject.nullable(),
  previous: jsonObject.nullable(), changes: z.array(z.string()).nullable(), data: anyJson, actor: actor.nullable(),
  occurredAt: timeOut, createdAt: timeOut, owed: z.int().min(0).nullable(), delivered: z.boolean().nullable(),
};

/** An event as lists show it. */
export const eventOut = z.strictObject(EVENT).meta({ id: 'Event' });

/** An event as it is shown alone. */
export const eventDetailOut = z.strictObject({
  ...EVENT,
  deliveries: z.array(z.strictObject({
    id: idOf('delivery'), endpointId: idOf('endpoint'), status: z.enum(DELIVERY_STATUSES), attemptCount: z.int().min(0),
  })),
  workflow: z.strictObject({ id: z.string(), runId: z.string().nullable(), url: z.url() }).nullable(),
}).meta({ id: 'EventDetail' });

const DELIVERED = { true: true, false: false, null: null } as const;

/** The filter `delivered`: one of `true`, `false`, `null`, or several with commas. */
export const deliveredFilter = z.string()
  .regex(/^(true|false|null)(,(true|false|null))*$/, 'must be true, false or null, or several of them with commas')
  .transform((text) => text.split(',').map((word) => DELIVERED[word as keyof typeof DELIVERED]));
