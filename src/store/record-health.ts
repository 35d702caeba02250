import { UNREACHABLE_LIMIT } from '../domain/health';
import type { Sql } from './db';

/** How a batch bears on one endpoint's health; counts are those of attempts that count. */
export interface HealthDelta {
  readonly endpointId: string;
  readonly workspaceId: string;
  readonly succeeded: boolean;
  /** Failures since the batch's last success, or all of them. */
  readonly trailingFailures: number;
  readonly trailingUnreachable: number;
  /** Whether all of the batch's failures since its last success were of the unreachable kind. */
  readonly allUnreachable: boolean;
  readonly trailingExhausted: number;
  readonly lastFailure: string | null;
  /** Thresholds of the policy, whose crossing the watcher is told of; null: none. */
  readonly consecutiveLimit: number | null;
  readonly exhaustedLimit: number | null;
}

/** So many failures in a row, and an endpoint is about to be FAILING: its watcher is told, but may take a moment. */
export const SICK_FAILURES = 10;

/** Of a row `h` of endpoint_health: whether a success changes it. That of a healthy endpoint is written at most once a second. */
export const SUCCESS_IS_NEWS =
  `(h.consecutive_failures > 0 or h.exhausted > 0 or h.last_success_at is null or h.last_success_at < now() - interval '1 second')`;

// Rows are locked in the order of their ids, so that two batches can't wait for one another. The watcher is
// told of transitions only, never of each failure.
const RECORD_HEALTH = `
  with x as (
    select * from unnest($1::text[], $2::text[], $3::bool[], $4::int[], $5::int[], $6::bool[], $7::int[], $8::text[], $9::int[], $10::int[])
      x(endpoint_id, workspace_id, succeeded, failures, unreachable, all_unreachable, exhausted, last_failure, consecutive_limit, exhausted_limit)
  ), before as (
    select h.* from endpoint_health h join x using (endpoint_id)
    where x.failures > 0 or ${SUCCESS_IS_NEWS}
    order by h.endpoint_id for update of h
  ), after as (
    update endpoint_health h set
      consecutive_failures = x.failures + case when x.succeeded then 0 else b.consecutive_failures end,
      consecutive_unreachable = x.unreachable + case when x.succeeded or not x.all_unreachable then 0 else b.consecutive_unreachable end,
      exhausted = x.exhausted + case when x.succeeded then 0 else b.exhausted end,
      failing_since = case when x.failures = 0 and x.succeeded then null
                           when x.failures > 0 and (x.succeeded or b.failing_since is null) then now()
                           else b.failing_since end,
      last_failure_at = case when x.failures > 0 then now() else b.last_failure_at end,
      last_failure = coalesce(x.last_failure, b.last_failure),
      last_success_at = case when x.succeeded then now() else b.last_success_at end
    from x join before b using (endpoint_id)
    where h.endpoint_id = x.endpoint_id
    returning h.endpoint_id, x.workspace_id,
      (b.consecutive_failures = 0 and h.consecutive_failures > 0)
      or (x.succeeded and b.consecutive_failures > 0)
      or (b.consecutive_unreachable < ${UNREACHABLE_LIMIT} and h.consecutive_unreachable >= ${UNREACHABLE_LIMIT})
      or (b.consecutive_failures < ${SICK_FAILURES} and h.consecutive_failures >= ${SICK_FAILURES})
      or (b.consecutive_failures < x.consecutive_limit and h.consecutive_failures >= x.consecutive_limit)
      or (b.exhausted < x.exhausted_limit and h.exhausted >= x.exhausted_limit) as is_transition
  )
  insert into outbox (kind, workspace_id, endpoint_id, signal)
  select 'signal', workspace_id, endpoint_id, 'changed' from after where is_transition
  returning endpoint_id`;

/**
 * Adds a batch's successes and failures to the endpoints' health, and leaves a signal for each watcher that must look: answers for
 * how many.
 */
export async function recordHealth(sql: Sql, deltas: readonly HealthDelta[]): Promise<number> {
  if (deltas.length === 0) return 0;
  const signalled = await sql.query({
    name: 'health-record',
    text: RECORD_HEALTH,
    values: [
      deltas.map((d) => d.endpointId), deltas.map((d) => d.workspaceId), deltas.map((d) => d.succeeded), deltas.map((d) => d.trailingFailures),
      deltas.map((d) => d.trailingUnreachable), deltas.map((d) => d.allUnreachable), deltas.map((d) => d.trailingExhausted),
      deltas.map((d) => d.lastFailure), deltas.map((d) => d.consecutiveLimit), deltas.map((d) => d.exhaustedLimit),
    ],
  });
  return signalled.length;
}
