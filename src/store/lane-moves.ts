import type { DeliveryKey } from './attempts';
import type { Sql } from './db';
import { IS_RETRYING, LIVE_OF_ENDPOINT } from './live';

/**
 * What a change of an endpoint's status does to the deliveries it is owed. All lock the rows in the order of
 * (event, id) before they write, so that two changes of one endpoint can't wait for one another.
 */
const lockedRows = (filter: string): string => `
  locked as (select event_id, id, way from deliveries where ${LIVE_OF_ENDPOINT} and ${filter} order by event_id, id for update)`;

const ALL = 'true';

/**
 * An endpoint was deactivated: what waits is HELD for at most `holdForMs`, what was held keeps its time; the attempts
 * made are kept. Answers how many rows.
 */
export function holdLive(sql: Sql, endpointId: string, holdForMs: number): Promise<number> {
  return move(sql, ALL,
    `status = 'HELD', way = 'lane', reason = 'endpoint_deactivated', next_attempt_at = null,
     hold_until = coalesce(d.hold_until, now() + $2 * interval '1 ms')`,
    [endpointId, holdForMs]);
}

/** A drain was paused: what it had not sent yet is HELD again. */
export function holdDraining(sql: Sql, endpointId: string, holdForMs: number): Promise<number> {
  return move(sql, `status in ('PENDING', 'RETRYING') and reason = 'draining'`,
    `status = 'HELD', way = 'lane', reason = 'drain_paused', next_attempt_at = null, hold_until = now() + $2 * interval '1 ms'`,
    [endpointId, holdForMs]);
}

/** What is held stays held though the endpoint is called again. */
export function keepHeld(sql: Sql, endpointId: string): Promise<number> {
  return move(sql, `status = 'HELD'`, `reason = 'drain_paused'`, [endpointId]);
}

/** What is held leaves by the endpoint's lane: PENDING where no attempt was made yet, else RETRYING at once. */
export function releaseHeld(sql: Sql, endpointId: string): Promise<number> {
  return move(sql, `status = 'HELD'`,
    `status = case when attempt_count = 0 then 'PENDING' else 'RETRYING' end, way = 'lane', reason = 'draining', hold_until = null,
     next_attempt_at = case when attempt_count = 0 then null else now() end`,
    [endpointId]);
}

/** The endpoint wants its events in order from now on: retries that have workflows of their own go back into the lane. */
export function gatherRetries(sql: Sql, endpointId: string): Promise<number> {
  return move(sql, `way = 'retry'`, `way = 'lane'`, [endpointId]);
}

/** The breaker opened: what has had no attempt yet waits for it. */
export function waitForBreaker(sql: Sql, endpointId: string): Promise<number> {
  return move(sql, `status = 'PENDING' and way = 'lane'`, `reason = 'endpoint_failing'`, [endpointId]);
}

/** The breaker closed: what waited for it is drained. */
export function drainAfterBreaker(sql: Sql, endpointId: string): Promise<number> {
  return move(sql, `status in ('PENDING', 'RETRYING') and way = 'lane' and reason = 'endpoint_failing'`, `reason = 'draining'`, [endpointId]);
}

/** A failing endpoint has at most `most` workflows: those of the retries that are due first; the rest waits in the lane. */
export function keepRetries(sql: Sql, endpointId: string, most: number): Promise<number> {
  return move(sql,
    `way = 'retry' and ${IS_RETRYING} and (event_id, id) in (
       select event_id, id from deliveries where endpoint_id = $1 and way = 'retry' and ${IS_RETRYING}
       order by next_attempt_at, event_id, id offset $2)
     and not exists (select 1 from attempts a where a.event_id = deliveries.event_id and a.delivery_id = deliveries.id and a.outcome is null)`,
    `way = 'lane', reason = 'endpoint_failing'`, [endpointId, most]);
}

/**
 * A retry found no place at its endpoint: the lane makes it, among the others that wait, and its workflow ends. Nothing
 * happens where it is not its workflow's any more, or an attempt is under way.
 */
export async function passToLane(sql: Sql, { eventId, id }: DeliveryKey, reason: 'rate_limited' | 'endpoint_failing'): Promise<void> {
  await sql.query({
    name: 'lane-pass',
    text: `with passed as (
             update deliveries d set way = 'lane', reason = $3, updated_at = now()
             where d.event_id = $1 and d.id = $2 and d.way = 'retry' and d.status = 'RETRYING'
               and not exists (select 1 from attempts a where a.event_id = d.event_id and a.delivery_id = d.id and a.outcome is null)
             returning d.workspace_id, d.endpoint_id
           )
           insert into outbox (kind, workspace_id, endpoint_id, signal) select 'signal', workspace_id, endpoint_id, 'changed' from passed`,
    values: [eventId, id, reason],
  });
}

/** What is live is CANCELLED: `all` of it, `held` only what is held or being drained. */
export function cancelLive(sql: Sql, endpointId: string, which: 'all' | 'held', reason: 'discarded' | 'endpoint_deleted'): Promise<number> {
  const filter = which === 'all' ? ALL : `(status = 'HELD' or (status in ('PENDING', 'RETRYING') and reason = 'draining'))`;
  return move(sql, filter, `status = 'CANCELLED', reason = $2, next_attempt_at = null, hold_until = null`, [endpointId, reason]);
}

// A retry that sleeps in its own workflow belongs to the lane now, or is over: the workflow looks, and ends.
async function move(sql: Sql, filter: string, change: string, values: readonly unknown[]): Promise<number> {
  const [row] = await sql.query<{ count: number }>({
    text: `with ${lockedRows(filter)}, moved as (
             update deliveries d set ${change}, updated_at = now()
             from locked where d.event_id = locked.event_id and d.id = locked.id
             returning d.workspace_id, d.event_id, d.id, locked.way as way_before
           ), woken as (
             insert into outbox (kind, workspace_id, event_id, delivery_id, signal)
             select 'signal', workspace_id, event_id, id, 'wake' from moved where way_before = 'retry'
           )
           select count(*) as count from moved`,
    values,
  });
  return row?.count ?? 0;
}
