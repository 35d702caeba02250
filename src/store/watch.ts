import type { HealthFacts } from '../domain/health';
import type { EndpointStatus } from '../domain/endpoint';
import type { Sql } from './db';
import { RELEASED } from './lane-moves';
import { IS_HELD, IS_PENDING, IS_RETRYING, isUnderWay } from './live';

/** What a watcher reads of its endpoint's health; null where the endpoint is gone. */
export interface WatchedHealth extends HealthFacts {
  readonly reason: string | null;
  readonly drainPaused: boolean;
}

/** Reads an endpoint's health. Recent attempts are those of the last five minutes, or since its status changed. */
export async function readHealthFacts(sql: Sql, endpointId: string): Promise<WatchedHealth | null> {
  const [row] = await sql.query<{
    status: EndpointStatus; status_reason: string | null; drain_paused: boolean; failures: number; unreachable: number; exhausted: number;
    failing_ms: number | null; failure_ms: number | null; attempts: number; failed: number;
  }>({
    name: 'watch-health',
    text: `select e.status, e.status_reason, e.drain_paused, h.consecutive_failures as failures, h.consecutive_unreachable as unreachable, h.exhausted,
             (extract(epoch from now() - h.failing_since) * 1000)::float8 as failing_ms,
             (extract(epoch from now() - h.last_failure_at) * 1000)::float8 as failure_ms,
             recent.attempts, recent.failed
           from endpoints e join endpoint_health h on h.endpoint_id = e.id
           cross join lateral (
             select count(*)::int as attempts, count(*) filter (where outcome <> 'ok')::int as failed from (
               select outcome from attempts a
               where a.endpoint_id = e.id and a.id >= id_floor('att', greatest(now() - interval '5 minutes', e.status_since)) and a.outcome is not null and a.outcome <> 'transform_error'
               order by a.id desc limit 1000
             ) newest
           ) recent
           where e.id = $1`,
    values: [endpointId],
  });
  return row
    ? {
        status: row.status, reason: row.status_reason, drainPaused: row.drain_paused, consecutiveFailures: row.failures,
        consecutiveUnreachable: row.unreachable, exhausted: row.exhausted, failingForMs: row.failing_ms, lastFailureAgoMs: row.failure_ms,
        recentAttempts: row.attempts, recentFailures: row.failed,
      }
    : null;
}

/**
 * Holds, or with `discard` cancels, what a deactivated endpoint is still owed as PENDING or RETRYING: rows that were
 * planned or recorded while it was being deactivated. Those with an attempt under way are left to its record,
 * while its lease runs.
 */
export async function holdStragglers(sql: Sql, endpointId: string, { holdForMs, discard }: { readonly holdForMs: number; readonly discard: boolean }): Promise<void> {
  await sql.query({
    name: 'watch-hold-stragglers',
    text: `update deliveries d set status = case when $3 then 'CANCELLED' else 'HELD' end,
             reason = case when $3 then 'discarded' else 'endpoint_deactivated' end, way = 'lane', next_attempt_at = null,
             hold_until = case when not $3 then now() + $2::float8 * interval '1 ms' end, updated_at = now()
           where d.endpoint_id = $1 and ((${IS_PENDING}) or (${IS_RETRYING}))
             and exists (select 1 from endpoints e where e.id = $1 and e.status = 'DEACTIVATED')
             and not ${isUnderWay('d')}`,
    values: [endpointId, holdForMs, discard],
  });
}

/** Rows of one look: what was planned in the seconds that a reactivation took, at most. */
const RELEASED_AT_ONCE = 5_000;

/**
 * Lets leave what is HELD though its endpoint is called again and its drain is not paused: rows that were planned or recorded
 * while it was being reactivated, by what stood before. They are drained, as what was held before them is.
 */
export async function releaseStragglers(sql: Sql, endpointId: string): Promise<void> {
  await sql.query({
    name: 'watch-release-stragglers',
    text: `update deliveries d set ${RELEASED}, updated_at = now()
           where (d.event_id, d.id) in (
             select h.event_id, h.id from deliveries h
             where h.endpoint_id = $1 and h.status = 'HELD' and ${IS_HELD}
               and exists (select 1 from endpoints e where e.id = $1 and e.status <> 'DEACTIVATED' and not e.drain_paused)
               and not ${isUnderWay('h')}
             limit ${RELEASED_AT_ONCE} for update of h skip locked
           )`,
    values: [endpointId],
  });
}
