import type { EndpointStatus, StatusReason } from './endpoint';
import type { Policy } from './policy';

/** What PostgreSQL knows of an endpoint's last time, with which its status is decided. Times are ages in ms, by the database's clock. */
export interface HealthFacts {
  readonly status: EndpointStatus;
  /** Failures since the last success. */
  readonly consecutiveFailures: number;
  /** Timeouts and connect errors since the last success or the last failure of another kind. */
  readonly consecutiveUnreachable: number;
  /** Deliveries given up since the last success. */
  readonly exhausted: number;
  /** Age of the first failure since the last success; null where there is none. */
  readonly failingForMs: number | null;
  /** Age of the last failure. */
  readonly lastFailureAgoMs: number | null;
  /** Attempts of the last five minutes, or since the status changed if that is shorter. */
  readonly recentAttempts: number;
  readonly recentFailures: number;
}

/** What is to become of an endpoint's status. */
export type HealthDecision =
  | { readonly to: 'ACTIVE' }
  | { readonly to: 'FAILING' }
  | { readonly to: 'DEACTIVATED'; readonly reason: StatusReason }
  | null;

/** Attempts in a row that could not reach the endpoint, and open the breaker. */
export const UNREACHABLE_LIMIT = 5;
/** Or: this share of failures among at least so many recent attempts. */
const FAILURE_SHARE = 0.7;
const FEWEST_ATTEMPTS = 10;
/** First and last failure must lie this share of `afterFailingFor` apart: 12 h of the default 5 days. */
const FAILING_SPREAD = 0.1;

/**
 * The state machine ACTIVE -> FAILING -> DEACTIVATED -> ACTIVE, as far as it moves by itself. A deactivated endpoint
 * only comes back by a person, a signal or a probe. Null: it stays as it is. Replayed.
 */
export function decideHealth(facts: HealthFacts, deactivate: Policy['deactivate']): HealthDecision {
  if (facts.status === 'DEACTIVATED') return null;
  const reason = deactivationReason(facts, deactivate);
  if (reason) return { to: 'DEACTIVATED', reason };
  if (facts.status === 'FAILING') return facts.consecutiveFailures === 0 ? { to: 'ACTIVE' } : null;
  return opensBreaker(facts) ? { to: 'FAILING' } : null;
}

function deactivationReason(facts: HealthFacts, deactivate: Policy['deactivate']): StatusReason | null {
  const { afterConsecutiveFailures, afterExhausted, afterFailingForMs } = deactivate;
  if (afterConsecutiveFailures !== null && facts.consecutiveFailures >= afterConsecutiveFailures) return 'consecutive_failures';
  if (afterExhausted !== null && facts.exhausted >= afterExhausted) return 'exhausted';
  if (afterFailingForMs === null || facts.failingForMs === null || facts.lastFailureAgoMs === null) return null;
  const spreadMs = facts.failingForMs - facts.lastFailureAgoMs;
  return facts.failingForMs >= afterFailingForMs && spreadMs >= afterFailingForMs * FAILING_SPREAD ? 'failing_for' : null;
}

const opensBreaker = (facts: HealthFacts): boolean =>
  facts.consecutiveUnreachable >= UNREACHABLE_LIMIT ||
  (facts.consecutiveFailures > 0 && facts.recentAttempts >= FEWEST_ATTEMPTS && facts.recentFailures >= facts.recentAttempts * FAILURE_SHARE);
