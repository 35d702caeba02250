import { z } from 'zod';
import { formatDuration, parseDuration } from '../../domain/duration';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** A duration such as `"5s"` from `leastMs` to `mostMs`, both included. */
export const duration = (leastMs: number, mostMs: number): z.ZodString =>
  z.string().superRefine((text, context) => {
    const ms = parseDuration(text);
    const allowed = `from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`;
    if (ms === null) context.addIssue({ code: 'custom', message: `must be a duration ${allowed}, such as "50ms", "5s", "30m", "2h" or "14d"` });
    else if (ms < leastMs || ms > mostMs) context.addIssue({ code: 'custom', message: `must be ${allowed}` });
  }).meta({ description: `a duration from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`, examples: [formatDuration(mostMs)] });

const whole = (least: number, most: number): z.ZodInt => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};

const successCode = whole(200, 599).refine((code) => code < 300 || code > 399, 'must not be a 3xx: a redirect is a failure and never followed');

const success = z.union([z.literal('2xx'), z.array(successCode).min(1).max(50)], 'must be "2xx" or a list of 1 to 50 status codes such as [200]');
const timeout = duration(SECOND_MS, 30 * SECOND_MS);
const connectTimeout = duration(100, 30 * SECOND_MS);
const retry = {
  delays: z.array(duration(10, 7 * DAY_MS)).max(50, 'must have 0 to 50 delays'),
  jitter: z.number().min(0, 'must be 0 to 0.5').max(0.5, 'must be 0 to 0.5'),
  respectRetryAfter: z.boolean(),
};
const count = whole(1, 1_000_000).nullable();
const deactivate = {
  afterFailingFor: duration(10, 90 * DAY_MS).nullable(),
  afterExhausted: count,
  afterConsecutiveFailures: count,
  onGone: z.boolean(),
};
const probe = { every: duration(10, 7 * DAY_MS), max: duration(10, 7 * DAY_MS) };
const plain = {
  whileDeactivated: z.enum(['hold', 'discard']),
  holdFor: duration(10, 90 * DAY_MS),
  maxInFlight: whole(1, 200),
  ratePerSecond: whole(1, 10_000),
  ordering: z.enum(['none', 'fifo']),
};

/** The parts of a policy that a caller sets; each is merged into what was there key by key, a list whole. */
export const policyIn = z.strictObject({
  success, timeout, connectTimeout, ...plain,
  retry: z.strictObject(retry).partial(),
  deactivate: z.union([z.literal('never'), z.strictObject(deactivate).partial()]),
  probe: z.strictObject(probe).partial().nullable(),
}).partial();

/** The policy in effect, whole. */
export const policyOut = z.strictObject({
  success, timeout, connectTimeout,
  retry: z.strictObject(retry),
  deactivate: z.union([z.literal('never'), z.strictObject(deactivate)]),
  ...plain,
  probe: z.strictObject(probe).nullable(),
});
