import { z } from 'zod';
import { RECOVERED } from '../../domain/recovery';
import { idOf, timeIn } from './shared';

const RATE_RULE = 'must be a whole number from 1 to 10000';

const asked = {
  since: timeIn.describe('events made from then on'),
  until: timeIn.optional().describe('events made before then; now unless told, and at most now'),
  ratePerSecond: z.int(RATE_RULE).min(1, RATE_RULE).max(10_000, RATE_RULE).optional()
    .describe("most deliveries handed over in a second; unless told as fast as the endpoint's own limits take them"),
  dryRun: z.boolean().default(false).describe('only tell what would be done'),
};

/** The body of a recovery. */
export const recoverBody = z.strictObject({
  only: z.enum(RECOVERED).default('failed')
    .describe('`failed`: what was given up or cancelled; `missing`: what is owed by the subscription and rules of now but has no delivery; `all`: both'),
  ...asked,
});

/** The body of a backfill. */
export const backfillBody = z.strictObject({ endpointId: idOf('endpoint'), ...asked });

const count = z.int().min(0);

/** What came of a recovery or a backfill, or would come of it. */
export const recoveryResult = z.strictObject({
  resent: count.describe('deliveries made for failed ones, which they name in `resendOf`'),
  added: count.describe('deliveries made for events that the endpoint had none of'),
  woken: count.describe('unfinished deliveries that were woken instead'),
}).meta({ id: 'RecoveryResult' });

/** The answer to a dry run. */
export const recoveryEstimate = z.strictObject({
  dryRun: z.literal(true),
  total: count.nullable().describe('what would be looked at: events, or with `only: failed` deliveries of the endpoint; null: more than can be counted in half a second'),
  looked: count.describe('what was looked at for this answer, oldest first'),
  complete: z.boolean().describe('whether that was all'),
  found: recoveryResult.describe('what would come of it'),
  deliveries: count.nullable().describe('requests that this means at least; an estimate where `complete` is false, null without a total'),
  atLeastSeconds: count.nullable().describe("how long they take at the endpoint's `ratePerSecond`, or the one asked for if that is lower"),
}).meta({ id: 'RecoveryEstimate' });
