import { z } from 'zod';
import { ENDPOINT_STATUSES } from '../../domain/endpoint';
import { idOf, timeIn, timeOut } from './shared';

/** What statistics are asked for. */
export const statsQuery = z.strictObject({
  since: timeIn.optional().describe('from the hour of this time on; 24 hours before `until` unless told'),
  until: timeIn.optional().describe('up to this time; now unless told, and at most now'),
  endpointId: idOf('endpoint').optional().describe('of one endpoint alone'),
});

const count = z.int().min(0);
const times = z.strictObject({ p50Ms: z.number().nullable(), p95Ms: z.number().nullable() });

const counts = {
  events: count.nullable().describe('events that were accepted; null for one endpoint'),
  owed: count.describe('deliveries that were decided on'),
  delivered: count.describe('deliveries that came to their end well'),
  failedAttempts: count,
  exhausted: count.describe('deliveries that were given up'),
  successRate: z.number().min(0).max(1).nullable().describe('share of attempts that succeeded; null without any'),
  deliveredPerSecond: z.number().min(0),
  latency: times.describe('from the event to the answer that made it delivered'),
  duration: times.describe('of one attempt'),
};

/** Statistics as they are answered. */
export const statsOut = z.strictObject({
  since: timeOut,
  until: timeOut,
  endpointId: z.string().nullable(),
  hours: z.array(z.strictObject({ hour: timeOut, ...counts })).describe('every hour, the oldest first, in UTC'),
  total: z.strictObject(counts),
  held: z.strictObject({ count, complete: z.boolean() }).describe('deliveries that are held now; `complete` is false where there are more than were counted'),
  endpoints: z.strictObject({ active: count, failing: count, deactivated: count }).describe('how many have which status now'),
  unwell: z.array(z.strictObject({
    id: idOf('endpoint'), name: z.string().nullable(), url: z.string(), status: z.enum(ENDPOINT_STATUSES), reason: z.string().nullable(), since: timeOut,
    consecutiveFailures: count,
  })).describe('endpoints that are not ACTIVE or whose last attempt failed; at most 50'),
}).meta({ id: 'Stats' });
