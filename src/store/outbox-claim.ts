import type { Event } from '../domain/event';
import { idFloor } from '../domain/ids';
import type { Db, Sql } from './db';
import { toEvent, type EventRow } from './event-row';

/** How long a claim lasts unless it is renewed. */
export const CLAIM_SECONDS = 30;

/** First key of the advisory locks that say which workers live; the second is the worker's number. */
export const WORKER_LOCK = 1347376200;

/** An event that this worker has claimed. */
export interface ClaimedEvent {
  readonly outboxId: number;
  readonly event: Event;
  readonly planned: boolean;
  /** The fold that it was given before, by a worker that died before the start was acknowledged; see {@link saveFold}. */
  readonly foldId: string | null;
  /** The workspace's routing revision as of the claim. */
  readonly revision: number;
}

/** The start of a `deliver` workflow, a signal, or the wake of a job, that this worker has claimed. */
export interface ClaimedWake {
  readonly outboxId: number;
  readonly kind: 'retry' | 'signal' | 'job';
  readonly workspaceId: string;
  readonly eventId: string | null;
  readonly deliveryId: string | null;
  readonly endpointId: string | null;
  readonly jobId: string | null;
  readonly signal: string | null;
  /** The event's type, for the search attributes of a `deliver`; null for a signal. */
  readonly eventType: string | null;
}

// Nearly all that is claimed was made just now. Saying so lets PostgreSQL open one partition instead of all; what is older
// (or of a clock that is ahead) is read by a statement of its own.
const RECENT_MS = 86_400_000;
const AHEAD_MS = 60_000;

const CLAIMED_COLUMNS = 'p.event_id is not null as planned, fold_id, w.routing_revision as revision, e.*';

/** Places that a workspace has at most while others wait too, of those that a worker has. */
export const shareOf = (places: number): number => Math.floor(places / 2);

// Finds the waiting workspaces by hopping through the index, so a backlog of one costs the others nothing. While more
// than one waits, none may hold more than its share of all places; the rest are taken in turns, and who holds fewest is first.
// The plan does not know how few will be chosen, and would join them with all of the outbox: as an array each is looked up.
const CLAIM_EVENTS = `
  with recursive waiting as (
    (select workspace_id from outbox where kind = 'event' and claimed_by is null order by workspace_id limit 1)
    union all
    select (select o.workspace_id from outbox o where o.kind = 'event' and o.claimed_by is null and o.workspace_id > w.workspace_id
            order by o.workspace_id limit 1)
    from waiting w where w.workspace_id is not null
  ), shares as (
    select w.workspace_id, coalesce(h.held, 0) as held,
           case when count(*) over () > 1 then greatest(1, $2::int - coalesce(h.held, 0)) else $1::int end as share
    from waiting w left join unnest($3::text[], $4::int[]) h(workspace_id, held) using (workspace_id)
    where w.workspace_id is not null
  ), picked as (
    select o.id, s.held, row_number() over (partition by s.workspace_id order by o.id) as turn
    from shares s cross join lateral (
      select id from outbox where kind = 'event' and claimed_by is null and workspace_id = s.workspace_id
      order by id limit s.share for update skip locked
    ) o
  ), claimed as (
    update outbox o set claimed_by = $5, claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS})
    where o.id = any(array(select id from picked order by turn, held, id limit $1)) returning o.id, o.event_id, o.fold_id
  )
  select c.id as outbox_id, ${CLAIMED_COLUMNS}
  from claimed c
  -- Each by its key, however many of them PostgreSQL expects.
  left join lateral (select * from events where id = c.event_id and id between $6 and $7 limit 1) e on true
  left join lateral (select event_id from plans where event_id = c.event_id and event_id between $6 and $7 limit 1) p on true
  left join workspaces w on w.id = e.workspace_id
  order by c.event_id`;

const READ_CLAIMED = `
  select o.id as outbox_id, ${CLAIMED_COLUMNS}
  from outbox o join events e on e.id = o.event_id left join plans p on p.event_id = o.event_id join workspaces w on w.id = e.workspace_id
  where o.id = any($1)`;

/** Claims up to `limit` events; `places` is how many this worker has in all, `held` how many each workspace holds of them. */
export async function claimEvents(
  sql: Sql, worker: number, limit: number, places: number, held: ReadonlyMap<string, number>,
): Promise<ClaimedEvent[]> {
  const rows = await sql.query<ClaimedRow | UnreadRow>({
    name: 'outbox-claim-events',
    text: CLAIM_EVENTS,
    values: [
      limit, shareOf(places), [...held.keys()], [...held.values()], worker,
      idFloor('event', Date.now() - RECENT_MS), idFloor('event', Date.now() + AHEAD_MS),
    ],
  });
  const recent = rows.filter(isRead);
  if (recent.length === rows.length) return recent.map(toClaimed);
  const unread = rows.filter((row) => !isRead(row)).map((row) => row.outbox_id);
  const older = await sql.query<ClaimedRow>({ name: 'outbox-read-claimed', text: READ_CLAIMED, values: [unread] });
  return [...recent, ...older].map(toClaimed).sort((a, b) => (a.event.id < b.event.id ? -1 : 1));
}

type ClaimedRow = EventRow & { outbox_id: number; planned: boolean; fold_id: string | null; revision: number };
interface UnreadRow { outbox_id: number; id: null }

const isRead = (row: ClaimedRow | UnreadRow): row is ClaimedRow => row.id !== null;

const toClaimed = (row: ClaimedRow): ClaimedEvent => ({
  outboxId: row.outbox_id, event: toEvent(row), planned: row.planned, foldId: row.fold_id, revision: row.revision,
});

/**
 * Writes which claimed events share a workflow, before its start; the fold is named after the first of them. Their rows
 * go together when the start is acknowledged, so a second start finds the whole set. Answers the rows it was written on.
 */
export async function saveFold(sql: Sql, foldId: string, outboxIds: readonly number[]): Promise<number[]> {
  const rows = await sql.query<{ id: number }>({
    name: 'outbox-fold',
    text: 'update outbox set fold_id = $1 where id = any($2::bigint[]) and fold_id is null returning id',
    values: [foldId, outboxIds],
  });
  return rows.map((row) => row.id);
}

/** All of a fold, whoever holds its rows, in the order of the events' ids. */
export async function readFold(sql: Sql, foldId: string): Promise<{ outboxId: number; eventId: string }[]> {
  const rows = await sql.query<{ id: number; event_id: string }>({
    name: 'outbox-read-fold', text: 'select id, event_id from outbox where fold_id = $1 order by event_id', values: [foldId],
  });
  return rows.map((row) => ({ outboxId: row.id, eventId: row.event_id }));
}

/** Claims up to `limit` starts of `deliver`, signals and wakes of jobs, oldest first. */
export async function claimWakes(sql: Sql, worker: number, limit: number): Promise<ClaimedWake[]> {
  const rows = await sql.query<{
    id: number; kind: 'retry' | 'signal' | 'job'; workspace_id: string; event_id: string | null; delivery_id: string | null;
    endpoint_id: string | null; job_id: string | null; signal: string | null; event_type: string | null;
  }>({
    name: 'outbox-claim-wakes',
    text: `with claimed as (
             update outbox set claimed_by = $1, claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS})
             where id = any(array(select id from outbox where kind <> 'event' and claimed_by is null
                                  order by id limit $2 for update skip locked))
             returning id, kind, workspace_id, event_id, delivery_id, endpoint_id, job_id, signal
           )
           select c.*, (select type from events where id = c.event_id) as event_type from claimed c order by c.id`,
    values: [worker, limit],
  });
  return rows.map((row) => ({
    outboxId: row.id, kind: row.kind, workspaceId: row.workspace_id, eventId: row.event_id, deliveryId: row.delivery_id,
    endpointId: row.endpoint_id, jobId: row.job_id, signal: row.signal, eventType: row.event_type,
  }));
}

/** Takes rows away whose start or signal was acknowledged. */
export async function finishClaims(sql: Sql, outboxIds: readonly number[]): Promise<void> {
  await sql.query({ name: 'outbox-finish', text: 'delete from outbox where id = any($1::bigint[])', values: [outboxIds] });
}

/** Lets others have rows that this worker will not come to. */
export async function returnClaims(sql: Sql, outboxIds: readonly number[]): Promise<void> {
  await sql.query({
    name: 'outbox-return', text: 'update outbox set claimed_by = null, claimed_until = null where id = any($1::bigint[])', values: [outboxIds],
  });
}

/**
 * Renews the claims that a worker knows it holds. One whose answer was lost on its way (the connection broke, or the
 * worker was stopped for longer than it waits) is not among them, and runs out.
 */
export async function renewClaims(sql: Sql, worker: number, outboxIds: readonly number[]): Promise<void> {
  await sql.query({
    name: 'outbox-renew',
    text: `update outbox set claimed_until = now() + make_interval(secs => ${CLAIM_SECONDS}) where claimed_by = $1 and id = any($2::bigint[])`,
    values: [worker, outboxIds],
  });
}

/**
 * Frees the claims of workers that are gone: their advisory lock is free, or their lease is over, which may be one's
 * own, where the answer to a claim was lost. One statement; a worker that lives holds its lock in a session of its own,
 * so the shared try fails and its claims stay.
 */
export async function freeDeadClaims(db: Db, self: number): Promise<number> {
  return db.transaction(async (trx) => {
    const rows = await trx.query<{ id: number }>({
      name: 'outbox-free-dead',
      text: `update outbox set claimed_by = null, claimed_until = null
             where claimed_by is not null and (claimed_until < now() or claimed_by in (
               select claimed_by from (select distinct claimed_by from outbox where claimed_by is not null and claimed_by <> $1) others
               where pg_try_advisory_xact_lock_shared(${WORKER_LOCK}, claimed_by)
             ))
             returning id`,
      values: [self],
    });
    return rows.length;
  });
}

/** How many workers live, this one included. */
export async function countWorkers(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ count: number }>({
    name: 'workers-count',
    text: `select count(*) as count from pg_locks where locktype = 'advisory' and classid = ${WORKER_LOCK} and mode = 'ExclusiveLock' and granted
           and database = (select oid from pg_database where datname = current_database())`,
  });
  return Math.max(1, row?.count ?? 1);
}
