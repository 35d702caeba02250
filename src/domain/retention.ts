import type { Policy } from './policy';

const DAY_MS = 86_400_000;

/** How long the lines of the audit trail are kept, in days. */
export const AUDIT_DAYS = 365;

/** How long a delivery of this policy can last, in ms: the time that it may be held and, with the most jitter, its whole schedule. */
export const longestDeliveryMs = (policy: Policy): number =>
  (policy.discardWhileDeactivated ? 0 : policy.holdForMs) + policy.delaysMs.reduce((sum, ms) => sum + ms * (1 + policy.jitter) + policy.timeoutMs, policy.timeoutMs);

/** How long events and what became of them are kept at least, in ms: `retentionDays`, or the longest delivery that any endpoint was promised. */
export const keptMs = (retentionDays: number, policies: readonly Policy[]): number =>
  policies.reduce((most, policy) => Math.max(most, longestDeliveryMs(policy)), retentionDays * DAY_MS);
