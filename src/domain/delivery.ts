import type { Outcome, Verdict } from './attempt';
import type { Policy } from './policy';

/** Where a delivery stands; the last three are final. */
export const DELIVERY_STATUSES = ['PENDING', 'RETRYING', 'HELD', 'DELIVERED', 'EXHAUSTED', 'CANCELLED'] as const;

/** One of {@link DELIVERY_STATUSES}. */
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Why a delivery waits or ended as it did. */
export type DeliveryReason =
  | 'endpoint_failing' | 'endpoint_slow' | 'rate_limited' | 'draining' | 'fifo'
  | 'endpoint_deactivated' | 'drain_paused'
  | 'hold_expired' | 'cancelled' | 'endpoint_deleted' | 'discarded';

/**
 * Which of the three ways out owns a delivery: `fast` the event's own workflow (its first attempt), `retry` its
 * `deliver` workflow, `lane` the endpoint's watcher.
 */
export type Way = 'fast' | 'retry' | 'lane';

/** A delivery that ended as somebody may want to know. */
export interface EndedDelivery {
  readonly workspaceId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly attempts: number;
  /** Of its last attempt; null where none was made. */
  readonly outcome: Outcome | null;
  readonly statusCode: number | null;
}

/** One event owed to one endpoint, until delivered or given up. */
export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly status: DeliveryStatus;
  readonly reason: DeliveryReason | null;
  readonly way: Way;
  /** Requests made, those of unknown outcome and probes included. */
  readonly attemptCount: number;
  /** Places of the retry schedule used up: failed attempts that count. */
  readonly failures: number;
  readonly nextAttemptAt: Date | null;
  readonly resendOf: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Whether no attempt will follow. */
export const isFinal = (status: DeliveryStatus): boolean =>
  status === 'DELIVERED' || status === 'EXHAUSTED' || status === 'CANCELLED';

/** What follows an attempt. */
export type NextStep =
  | { readonly status: 'DELIVERED' }
  | { readonly status: 'EXHAUSTED' }
  | { readonly status: 'RETRYING'; readonly afterMs: number };

/** A receiver's `Retry-After` may put the next attempt off by this much beyond the schedule, not more. */
const RETRY_AFTER_LIMIT_MS = 3_600_000;

/**
 * What follows attempt number `failures` + 1 (counting only those that use up a retry). The delay is the schedule's
 * next one spread by the jitter; an overloaded answer waits at least the policy's floor; a `Retry-After` that is later
 * wins, by at most an hour. `luck` is a number from 0 up to 1. With delays of 5 s and 5 m, jitter 0.2 and luck 0.5:
 * RETRYING after 5000, RETRYING after 300000, EXHAUSTED.
 */
export function nextStep(policy: Policy, failures: number, verdict: Verdict, luck: number): NextStep {
  if (verdict.outcome === 'ok') return { status: 'DELIVERED' };
  const scheduled = policy.delaysMs[failures];
  if (scheduled === undefined) return { status: 'EXHAUSTED' };
  const spread = scheduled * (1 + policy.jitter * (2 * luck - 1));
  const floor = verdict.overloaded ? Math.max(spread, policy.overloadFloorMs) : spread;
  const hint = policy.respectRetryAfter ? (verdict.retryAfterMs ?? 0) : 0;
  return { status: 'RETRYING', afterMs: Math.round(Math.max(floor, Math.min(hint, floor + RETRY_AFTER_LIMIT_MS))) };
}
