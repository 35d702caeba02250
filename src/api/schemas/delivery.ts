import { z } from 'zod';
import { OUTCOMES } from '../../domain/attempt';
import { DELIVERY_STATUSES } from '../../domain/delivery';
import { idOf, timeOut } from './shared';

/** A delivery as it is answered. */
export const deliveryOut = z.strictObject({
  id: idOf('delivery'),
  eventId: idOf('event'),
  endpointId: idOf('endpoint'),
  status: z.enum(DELIVERY_STATUSES),
  reason: z.string().nullable(),
  attemptCount: z.int(),
  nextAttemptAt: timeOut.nullable(),
  resendOf: idOf('delivery').nullable(),
  createdAt: timeOut,
  updatedAt: timeOut,
});

const headers = z.record(z.string(), z.string());

/** An attempt as it is answered: `outcome` is null while it is under way. */
export const attemptOut = z.strictObject({
  id: idOf('attempt'),
  number: z.int(),
  startedAt: timeOut,
  durationMs: z.number().nullable(),
  statusCode: z.int().nullable(),
  outcome: z.enum(OUTCOMES).nullable(),
  error: z.string().nullable(),
  request: z.strictObject({ url: z.string(), headers, body: z.string().nullable() }).nullable()
    .describe('null while it is under way, where none was made (transform_error), and where it is not known what was sent; its body is rendered again, null where that can not be done'),
  response: z.strictObject({ headers, body: z.string(), truncated: z.boolean() }).nullable().describe('null without an answer'),
});

/** A delivery with all that was done for it. */
export const deliveryDetail = deliveryOut.extend({
  attempts: z.array(attemptOut),
  workflow: z.strictObject({ id: z.string(), runId: z.string().nullable(), url: z.string() }).nullable(),
});

/** The body of a resend: to whom; without it to everybody who has a delivery of the event. */
export const resendBody = z.strictObject({
  endpointIds: z.array(idOf('endpoint')).min(1).max(100).optional(),
}).default({});

/** What a resend made or woke. */
export const resendOut = z.strictObject({ deliveries: z.array(deliveryOut) });
