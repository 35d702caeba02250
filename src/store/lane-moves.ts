import type { Way } from '../domain/delivery';
import type { DeliveryKey } from './attempts';
import type { Sql } from './db';
import { IS_RETRYING, LIVE_OF_ENDPOINT } from './live';
import { spanOf } from './partitions';

/**
 * What a change of an endpoint's status does to the deliveries it is owed, in the transaction of the change. That may be
 * hundreds of thousands of rows: they are written page by page, so that no statement comes near its limit. Rows with an
 * attempt under way are left to its record, which finds the endpoint as it is then; and while rows are moved none of the
 * endpoint's waiting deliveries is begun. So no record ever waits for a move, however long that takes.
 */

/** First key of the advisory locks of endpoints whose deliveries are moved; see {@link MAY_BEGIN}. */
const MOVE_LOCK = 1347376201;

/** Condition under which a waiting delivery of `d.endpoint_id` may be begun: its endpoint's deliveries are not being moved. */
export const MAY_BEGIN = `pg_try_advisory_xact_lock_shared(${MOVE_LOCK}, hashtext(d.endpoint_id))`;

/** Rows of one statement: a second's work on a busy machine. */
const PAGE = 5_000;

const NOT_UNDER_WAY = `(event_id, id) not in (select a.event_id, a.delivery_id from attempts a where a.outcome is null and a.lease_until > now())`;

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

/** How a held row leaves by the endpoint's lane: PENDING where no attempt was made yet, else RETRYING at once. */
export const RELEASED = `status = case when attempt_count = 0 then 'PENDING' else 'RETRYING' end, way = 'lane', reason = 'draining',
  hold_until = null, next_attempt_at = case when attempt_count = 0 then null else now() end`;

/** What is held is to be sent. */
export function releaseHeld(sql: Sql, endpointId: string): Promise<number> {
  return move(sql, `status = 'HELD'`, RELEASED, [endpointId]);
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
export async function keepRetries(sql: Sql, endpointId: string, most: number): Promise<number> {
  const spare = await sql.query<Key>({
    name: 'lane-spare-retries',
    text: `select event_id, id from (
             select event_id, id from deliveries where endpoint_id = $1 and way = 'retry' and ${IS_RETRYING}
             order by next_attempt_at, event_id, id offset $2) spare
           where ${NOT_UNDER_WAY} order by event_id, id limit ${PAGE}`,
    values: [endpointId, most],
  });
  if (spare.length === 0) return 0;
  return movePage(sql, `way = 'retry' and ${IS_RETRYING}`, `way = 'lane', reason = 'endpoint_failing'`, [endpointId], spare);
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

interface Key {
  readonly event_id: string;
  readonly id: string;
}

/** Changes what `filter` names of an endpoint's live rows ($1), as they are found now. Must run in a transaction. */
async function move(sql: Sql, filter: string, change: string, values: readonly unknown[]): Promise<number> {
  const [endpointId] = values;
  await sql.query({ text: 'select pg_advisory_xact_lock($1, hashtext($2))', values: [MOVE_LOCK, endpointId] });
  // A cursor finds them once; by pages of a condition each page would look through all that were moved before it.
  await sql.query({
    text: `declare lane_move no scroll cursor for
           select event_id, id from deliveries where ${LIVE_OF_ENDPOINT} and ${filter} and ${NOT_UNDER_WAY} order by event_id, id`,
    values: [endpointId],
  });
  let count = 0;
  for (;;) {
    const page = await sql.query<Key>({ text: `fetch ${PAGE} from lane_move` });
    if (page.length > 0) count += await movePage(sql, filter, change, values, page);
    if (page.length < PAGE) break;
  }
  await sql.query({ text: 'close lane_move' });
  return count;
}

// Locked in the order of (event, id), so that two changes can't wait for one another, and in a statement that joins nothing: see
// inTheirWeeks for what becomes of one that does. A retry that sleeps in its own workflow belongs to the lane now, or is over: the
// workflow looks, and ends.
async function movePage(sql: Sql, filter: string, change: string, values: readonly unknown[], page: readonly Key[]): Promise<number> {
  const [endpointId] = values;
  const span = spanOf(page.map((key) => key.event_id));
  const locked = await sql.query<Key & { way: Way }>({
    text: `select event_id, id, way from deliveries
           where endpoint_id = $1 and id = any($2) and event_id between $3 and $4 and status in ('PENDING', 'RETRYING', 'HELD') and ${filter}
           order by event_id, id for update`,
    values: [endpointId, page.map(({ id }) => id), ...span],
  });
  const [ids, first, last, sleeping] = [1, 2, 3, 4].map((n) => `$${values.length + n}`);
  await sql.query({
    text: `with moved as (
             update deliveries d set ${change}, updated_at = now()
             where endpoint_id = $1 and id = any(${ids}) and event_id between ${first} and ${last}
             returning workspace_id, event_id, id
           )
           insert into outbox (kind, workspace_id, event_id, delivery_id, signal)
           select 'signal', workspace_id, event_id, id, 'wake' from moved where id = any(${sleeping})`,
    values: [...values, locked.map(({ id }) => id), ...span, locked.filter(({ way }) => way === 'retry').map(({ id }) => id)],
  });
  return locked.length;
}
