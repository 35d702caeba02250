import { z } from 'zod';
import { DIALECT_NAMES } from '../../domain/dialect';
import { ENFORCEMENTS, EVENT_TYPE_KINDS } from '../../domain/event-catalogue';
import { isJsonObject, type Json } from '../../domain/json';
import { anyJson, eventType, timeOut } from './shared';

const jsonSchema = z.custom<Json>((value) => isJsonObject(value) || typeof value === 'boolean', 'must be a JSON Schema: an object, true or false')
  .meta({ type: ['object', 'boolean'], additionalProperties: true });
const enforce = z.enum(ENFORCEMENTS)
  .describe('what becomes of an event of this type whose data does not fit the schema: off nothing, warn it is taken and the answer has warnings, reject 422');

/** The body that puts a type into the catalogue: what is absent is as if it were never given. */
export const eventTypePut = z.strictObject({
  description: z.string().max(2_000).nullable().default(null),
  schema: jsonSchema.nullable().default(null).describe('JSON Schema 2020-12 of `data`, at most 64 KiB; references begin with "#"'),
  enforce: enforce.default('off'),
  example: anyJson.optional().describe('an example of `data`; must fit the schema'),
  archived: z.boolean().default(false).describe('new rules and endpoints can not name it'),
}).default({ description: null, schema: null, enforce: 'off', archived: false });

const EVENT_TYPE = {
  type: eventType,
  kind: z.enum(EVENT_TYPE_KINDS).describe('custom: of the workspace; all others are built in'),
  dialects: z.array(z.enum(DIALECT_NAMES)).nullable().describe('the only dialects whose endpoints are owed it; null: any'),
  description: z.string().nullable(),
  schema: jsonSchema.nullable().describe('of `data` in the body of the dialect standard; null: any'),
  enforce,
  example: anyJson.optional().describe('left out where there is none'),
  archived: z.boolean(),
  createdAt: timeOut.nullable().describe('null: built in'),
  updatedAt: timeOut.nullable(),
};

/** A type of event as lists show it. */
export const eventTypeOut = z.strictObject(EVENT_TYPE).meta({ id: 'EventType' });

/** A type of event as it is shown alone. */
export const eventTypeDetailOut = z.strictObject({
  ...EVENT_TYPE, sample: anyJson.optional().describe('the example, else one made from the schema; left out where none can be made'),
}).meta({ id: 'EventTypeDetail' });

/** What a list of types is asked for. */
export const eventTypeQuery = z.strictObject({
  limit: z.coerce.number('must be a whole number from 1 to 250').int('must be a whole number from 1 to 250').min(1).max(250).default(50).describe('rows of a page'),
  cursor: z.string().max(300).optional().describe('`nextCursor` of the page before'),
  kind: z.enum(EVENT_TYPE_KINDS).optional().describe('only these'),
  archived: z.enum(['true', 'false']).transform((text) => text === 'true').optional(),
});
