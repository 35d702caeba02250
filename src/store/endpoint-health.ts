import type { Outcome } from '../domain/attempt';
import { idFloor } from '../domain/ids';
import type { Sql } from './db';
import { LIVE_OF_ENDPOINT } from './live';

/** An endpoint's health as it is shown. */
export interface EndpointHealth {
  readonly consecutiveFailures: number;
  readonly lastSuccessAt: Date | null;
  readonly lastFailure: { readonly at: Date; readonly outcome: Outcome | null } | null;
  /** Deliveries that are HELD. */
  readonly held: number;
  /** Deliveries that are PENDING or RETRYING. */
  readonly pending: number;
  /** Of the newest attempts with an answer, at most 1,000 of the last 24 hours; null without any. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Share of attempts that succeeded, 0 to 1, over the newest 10,000 at most; null without any. */
  readonly successRate: { readonly lastHour: number | null; readonly lastDay: number | null };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Newest attempts that rates are counted over, and those that times are. */
const RATED_ATTEMPTS = 10_000;
const TIMED_ATTEMPTS = 1_000;

interface HealthRow {
  consecutive_failures: number; last_success_at: Date | null; last_failure_at: Date | null; last_failure: Outcome | null;
}

interface AttemptStats {
  p50: number | null; p95: number | null; hour_all: number; hour_ok: number; day_all: number; day_ok: number;
}

/** Reads an endpoint's health as of `now`; null where the endpoint is gone. An attempt of unknown outcome, or without a request, does not count. */
export async function readHealth(sql: Sql, endpointId: string, now: Date): Promise<EndpointHealth | null> {
  const [health] = await sql.query<HealthRow>({
    text: 'select consecutive_failures, last_success_at, last_failure_at, last_failure from endpoint_health where endpoint_id = $1',
    values: [endpointId],
  });
  if (!health) return null;
  const [live] = await sql.query<{ held: number; pending: number }>({
    text: `select count(*) filter (where status = 'HELD') as held, count(*) filter (where status <> 'HELD') as pending
           from deliveries where ${LIVE_OF_ENDPOINT}`,
    values: [endpointId],
  });
  const stats = await readAttemptStats(sql, endpointId, now);
  return {
    consecutiveFailures: health.consecutive_failures,
    lastSuccessAt: health.last_success_at,
    lastFailure: health.last_failure_at && { at: health.last_failure_at, outcome: health.last_failure },
    held: live?.held ?? 0,
    pending: live?.pending ?? 0,
    p50Ms: stats?.p50 ?? null,
    p95Ms: stats?.p95 ?? null,
    successRate: { lastHour: share(stats?.hour_ok, stats?.hour_all), lastDay: share(stats?.day_ok, stats?.day_all) },
  };
}

async function readAttemptStats(sql: Sql, endpointId: string, now: Date): Promise<AttemptStats | undefined> {
  const [stats] = await sql.query<AttemptStats>({
    text: `with newest as (
             select id, outcome, duration_ms, row_number() over (order by id desc) as n
             from (select id, outcome, duration_ms from attempts
                   where endpoint_id = $1 and id >= $2 and outcome is not null and outcome <> all ('{unknown,transform_error}')
                   order by id desc limit ${RATED_ATTEMPTS}) kept
           )
           select percentile_disc(0.5) within group (order by duration_ms) filter (where n <= ${TIMED_ATTEMPTS}) as p50,
                  percentile_disc(0.95) within group (order by duration_ms) filter (where n <= ${TIMED_ATTEMPTS}) as p95,
                  count(*) filter (where id >= $3) as hour_all, count(*) filter (where id >= $3 and outcome = 'ok') as hour_ok,
                  count(*) as day_all, count(*) filter (where outcome = 'ok') as day_ok
           from newest`,
    values: [endpointId, idFloor('attempt', now.getTime() - DAY_MS), idFloor('attempt', now.getTime() - HOUR_MS)],
  });
  return stats;
}

const share = (part: number | undefined, whole: number | undefined): number | null => (part === undefined || !whole ? null : part / whole);

/**
 * Forgets an endpoint's failures: it starts anew. When it last succeeded and failed stays. Records of attempts wait for
 * the row: to be done last in a transaction.
 */
export async function resetHealth(sql: Sql, endpointId: string): Promise<void> {
  await sql.query({
    text: `update endpoint_health set consecutive_failures = 0, consecutive_unreachable = 0, exhausted = 0, failing_since = null
           where endpoint_id = $1`,
    values: [endpointId],
  });
}
