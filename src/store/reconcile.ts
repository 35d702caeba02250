import type { Sql } from './db';
import { endpointsWith, IS_HELD, IS_PENDING, IS_RETRYING } from './live';

/** What a reconciling turn put back into the outbox or ended, by kind; all but `woken` are 0 outside of faults. */
export interface Repairs {
  readonly events: number;
  readonly attempts: number;
  readonly retries: number;
  readonly watchers: number;
  /** Watchers of endpoints that are not ACTIVE, which may have been there all the time. */
  readonly woken: number;
  readonly jobs: number;
  readonly orphans: number;
  /** Attempts that a lost worker left open of deliveries that were over, or held, before anybody took them over: closed as `unknown`. */
  readonly lapsed: number;
}

/** How a turn looks. */
export interface Turn {
  /** How far back events that nobody planned are looked for. */
  readonly lookBackMinutes: number;
  /** Counted from 0. The first wakes the watchers of all endpoints that must be probed, each other one a share of them. */
  readonly turn: number;
  /** How long a row may be without an owner before it is given one; 30 unless told. */
  readonly graceSeconds?: number;
}

/** Only one worker reconciles at a time. */
const RECONCILER_LOCK = 'posthorn.reconciler';

const GRACE_SECONDS = 30;
/** The longest timeout of an endpoint, in seconds: a retry that is due may be under way for so long. */
const LONGEST_ATTEMPT_SECONDS = 30;
/** In so many turns each endpoint that must be probed has its watcher woken once. */
const WATCHER_TURNS = 20;
/** Most rows of each kind a turn. */
const MOST = 500;

const count = async (sql: Sql, text: string): Promise<number> => (await sql.query({ text: `${text} returning 1` })).length;

/**
 * Gives an owner to every row that has lost it: leaves the start or the signal in the outbox again, under the same
 * workflow ids, so that what runs after all is not run twice. Null: another worker is at it. Events that nobody planned
 * have lost their outbox row to a start that was acknowledged.
 */
export async function reconcile(trx: Sql, { lookBackMinutes, turn, graceSeconds = GRACE_SECONDS }: Turn): Promise<Repairs | null> {
  const [lock] = await trx.query<{ taken: boolean }>({ text: 'select pg_try_advisory_xact_lock(hashtext($1)) as taken', values: [RECONCILER_LOCK] });
  if (!lock?.taken) return null;
  return {
    events: await count(trx, `
      insert into outbox (kind, workspace_id, event_id)
      select 'event', e.workspace_id, e.id from events e
      where e.id >= id_floor('evt', now() - interval '${lookBackMinutes} minutes') and e.id < id_floor('evt', now() - interval '${graceSeconds} seconds')
        and not exists (select 1 from plans p where p.event_id = e.id)
        and not exists (select 1 from outbox o where o.kind = 'event' and o.event_id = e.id)
      order by e.id limit ${MOST}`),
    // The way says whose the delivery is: the event's workflow, the delivery's own, or the watcher's.
    attempts: await count(trx, `
      insert into outbox (kind, workspace_id, event_id, delivery_id, endpoint_id, signal)
      select distinct case d.way when 'fast' then 'event' when 'retry' then 'retry' else 'signal' end, d.workspace_id,
        case when d.way <> 'lane' then d.event_id end, case when d.way = 'retry' then d.id end,
        case when d.way <> 'fast' then d.endpoint_id end, case when d.way = 'lane' then 'changed' end
      from attempts a join deliveries d on d.event_id = a.event_id and d.id = a.delivery_id and d.status in ('PENDING', 'RETRYING')
      where a.outcome is null and a.lease_until < now() - interval '${graceSeconds} seconds'
        and not exists (select 1 from outbox o where o.event_id = d.event_id)
      limit ${MOST}`),
    retries: await count(trx, `
      insert into outbox (kind, workspace_id, event_id, delivery_id, endpoint_id)
      select 'retry', d.workspace_id, d.event_id, d.id, d.endpoint_id from deliveries d
      where d.status = 'RETRYING' and d.way = 'retry' and d.next_attempt_at is not null
        and d.next_attempt_at < now() - interval '${Math.min(LONGEST_ATTEMPT_SECONDS, graceSeconds) + graceSeconds} seconds'
        and not exists (select 1 from outbox o where o.event_id = d.event_id and o.delivery_id = d.id)
      limit ${MOST}`),
    watchers: await count(trx, `
      insert into outbox (kind, workspace_id, endpoint_id, signal)
      select 'signal', e.workspace_id, e.id, 'changed' from endpoints e
      where not exists (select 1 from outbox o where o.kind = 'signal' and o.endpoint_id = e.id) and (
        e.status = 'ACTIVE' and exists (
          select 1 from deliveries d where d.endpoint_id = e.id and d.way = 'lane'
            and ((${IS_PENDING} and d.updated_at < now() - interval '${graceSeconds} seconds')
                 or (${IS_RETRYING} and d.next_attempt_at < now() - interval '${graceSeconds} seconds'))
            and not exists (select 1 from attempts a where a.event_id = d.event_id and a.delivery_id = d.id
                            and a.started_at > now() - interval '${graceSeconds} seconds'))
        -- Planned while the endpoint was being reactivated, by what stood before.
        or e.status = 'ACTIVE' and not e.drain_paused and exists (
          select 1 from deliveries d where d.endpoint_id = e.id and ${IS_HELD} and d.updated_at < now() - interval '${graceSeconds} seconds')
      )
      order by e.id limit ${MOST}`),
    // No row tells whether the watcher of an endpoint that must be probed runs: it is woken now and then, which is harmless.
    woken: await count(trx, `
      insert into outbox (kind, workspace_id, endpoint_id, signal)
      select 'signal', e.workspace_id, e.id, 'changed' from endpoints e
      where e.status <> 'ACTIVE' and (${turn} = 0 or abs(hashtext(e.id) % ${WATCHER_TURNS}) = ${turn % WATCHER_TURNS})
        and exists (select 1 from deliveries d where d.endpoint_id = e.id and d.way = 'lane'
                    and ((${IS_PENDING}) or (${IS_RETRYING}) or (${IS_HELD})))
        and not exists (select 1 from outbox o where o.kind = 'signal' and o.endpoint_id = e.id)
      order by e.id limit ${MOST}`),
    // Each page is a sign of life; a page that is tried again may take a while.
    jobs: await count(trx, `
      insert into outbox (kind, workspace_id, job_id)
      select 'job', j.workspace_id, j.id from jobs j
      where j.status in ('QUEUED', 'RUNNING') and j.updated_at < now() - interval '${2 * graceSeconds} seconds'
        and not exists (select 1 from outbox o where o.job_id = j.id)
      order by j.id limit ${MOST}`),
    // Planned or recorded in the moment in which their endpoint was deleted.
    orphans: await count(trx, `
      with recursive ${endpointsWith('pending', IS_PENDING)}, ${endpointsWith('retrying', IS_RETRYING)}, ${endpointsWith('held', IS_HELD)}, gone as (
        select endpoint_id from pending union select endpoint_id from retrying union select endpoint_id from held
        except select id from endpoints
      )
      update deliveries set status = 'CANCELLED', reason = 'endpoint_deleted', next_attempt_at = null, hold_until = null, updated_at = now()
      where (event_id, id) in (select d.event_id, d.id from gone cross join lateral (
        select event_id, id from deliveries where endpoint_id = gone.endpoint_id
          and ((${IS_PENDING}) or (${IS_RETRYING}) or (${IS_HELD})) limit ${MOST}) d)`),
    lapsed: await closeLapsed(trx, graceSeconds),
  };
}

/**
 * Nobody goes on with a delivery that is over, nor with one that is held and not probed; an attempt that is open keeps its week.
 * Locked by a statement of its own: one that joins can not be left to meet what somebody has just changed (see inTheirWeeks).
 */
async function closeLapsed(trx: Sql, graceSeconds: number): Promise<number> {
  const lost = await trx.query<{ event_id: string; delivery_id: string; number: number }>({
    text: `select a.event_id, a.delivery_id, a.number
           from attempts a join deliveries d on d.event_id = a.event_id and d.id = a.delivery_id and d.status <> all ('{PENDING,RETRYING}')
           where a.outcome is null and a.lease_until < now() - interval '${graceSeconds} seconds'
           limit ${MOST} for update of a, d skip locked`,
  });
  if (lost.length === 0) return 0;
  await trx.query({
    text: `with lost as (select * from unnest($1::text[], $2::text[], $3::int[]) lost(event_id, delivery_id, number)),
           closed as (
             update attempts a set outcome = 'unknown' from lost where a.event_id = lost.event_id and a.delivery_id = lost.delivery_id and a.number = lost.number
             returning a.event_id, a.delivery_id, a.number, a.started_at
           )
           update deliveries d set attempt_count = greatest(d.attempt_count, c.number), first_sent_at = coalesce(d.first_sent_at, c.started_at), updated_at = now()
           from closed c where d.event_id = c.event_id and d.id = c.delivery_id`,
    values: [lost.map((one) => one.event_id), lost.map((one) => one.delivery_id), lost.map((one) => one.number)],
  });
  return lost.length;
}
