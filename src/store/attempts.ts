import type { DeliveryStatus, Way } from '../domain/delivery';
import type { Outcome } from '../domain/attempt';
import type { Event } from '../domain/event';
import type { Db, Sql } from './db';
import { toEvent, type EventRow } from './event-row';
import { MAY_BEGIN } from './lane-moves';
import { spanOf } from './partitions';

/** Names a delivery: the event's id finds its partition. */
export interface DeliveryKey {
  readonly eventId: string;
  readonly id: string;
}

/** A delivery with its newest attempt, as somebody who may have to go on with it finds them. */
export interface DeliveryLook extends DeliveryKey {
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly status: DeliveryStatus;
  readonly way: Way;
  readonly attemptCount: number;
  readonly failures: number;
  readonly isResend: boolean;
  /** Until it is due, in ms by the database's clock; null unless RETRYING. Negative: overdue. */
  readonly dueInMs: number | null;
  readonly attempt: {
    readonly number: number;
    readonly outcome: Outcome | null;
    readonly statusCode: number | null;
    readonly durationMs: number | null;
    /** Until the lease is over, in ms by the database's clock. */
    readonly leaseMs: number;
  } | null;
}

interface LookRow {
  event_id: string; id: string; workspace_id: string; endpoint_id: string; status: DeliveryStatus; way: Way;
  attempt_count: number; failures: number; is_resend: boolean; due_ms: number | null;
  number: number | null; outcome: Outcome | null; status_code: number | null; duration_ms: number | null; lease_ms: number | null;
}

/** Of deliveries `d` of events between `first` and `last`, which are places of the statement's values. */
const look = (deliveries: string, first: string, last: string): string => `
  select d.event_id, d.id, d.workspace_id, d.endpoint_id, d.status, d.way, d.attempt_count, d.failures, d.resend_of is not null as is_resend,
         (extract(epoch from d.next_attempt_at - clock_timestamp()) * 1000)::float8 as due_ms,
         a.number, a.outcome, a.status_code, a.duration_ms, (extract(epoch from a.lease_until - clock_timestamp()) * 1000)::float8 as lease_ms
  from ${deliveries}
  left join lateral (select number, outcome, status_code, duration_ms, lease_until from attempts
                     where event_id = d.event_id and delivery_id = d.id and event_id between ${first} and ${last}
                     order by number desc limit 1) a on true
  where d.event_id between ${first} and ${last}`;

const LOOK = look('unnest($1::text[], $2::text[]) k(event_id, id) join deliveries d on d.event_id = k.event_id and d.id = k.id', '$3', '$4');
const LOOK_AT_FOLD = `${look('deliveries d', '$2', '$3')} and d.event_id = any($1) and d.resend_of is null`;

/** Reads deliveries with their newest attempts; those that are gone are left out. */
export async function lookAtDeliveries(sql: Sql, keys: readonly DeliveryKey[]): Promise<DeliveryLook[]> {
  const eventIds = keys.map((key) => key.eventId);
  const values = [eventIds, keys.map((key) => key.id), ...spanOf(eventIds)];
  return (await sql.query<LookRow>({ name: 'attempts-look', text: LOOK, values })).map(toLook);
}

/** Reads the deliveries that were planned for events, with their newest attempts: all of theirs but resends. */
export async function lookAtFold(sql: Sql, eventIds: readonly string[]): Promise<DeliveryLook[]> {
  const values = [eventIds, ...spanOf(eventIds)];
  return (await sql.query<LookRow>({ name: 'attempts-look-fold', text: LOOK_AT_FOLD, values })).map(toLook);
}

const toLook = (row: LookRow): DeliveryLook => ({
  eventId: row.event_id, id: row.id, workspaceId: row.workspace_id, endpointId: row.endpoint_id, status: row.status,
  way: row.way, attemptCount: row.attempt_count, failures: row.failures, isResend: row.is_resend, dueInMs: row.status === 'RETRYING' ? row.due_ms : null,
  attempt: row.number === null ? null
    : { number: row.number, outcome: row.outcome, statusCode: row.status_code, durationMs: row.duration_ms, leaseMs: row.lease_ms ?? 0 },
});

/** The intent of an attempt: committed before its first byte leaves. */
export interface NewAttempt extends DeliveryKey {
  readonly attemptId: string;
  readonly number: number;
  readonly leaseMs: number;
  /** Of a HELD delivery, which nothing else may be begun of. */
  readonly isProbe?: boolean;
}

// Only where the delivery still waits and is not being moved, and where nobody else has begun this number. "Not final" is
// spelled so that the partial index of what is live does not match: see plan.ts.
const BEGIN = `
  insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until)
  select n.event_id, n.attempt_id, n.id, d.workspace_id, d.endpoint_id, n.number, now() + n.lease_ms * interval '1 ms'
  from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::float8[], $8::bool[]) n(event_id, id, attempt_id, number, lease_ms, is_probe)
  join deliveries d on d.event_id = n.event_id and d.id = n.id and d.event_id between $6 and $7
  where d.status <> all ('{DELIVERED,EXHAUSTED,CANCELLED}') and (d.status <> 'HELD' or n.is_probe) and d.attempt_count = n.number - 1
    and ${MAY_BEGIN}
  on conflict (event_id, delivery_id, number) do nothing
  returning delivery_id`;

const columns = (attempts: readonly NewAttempt[]): unknown[] => [
  attempts.map((a) => a.eventId), attempts.map((a) => a.id), attempts.map((a) => a.attemptId),
  attempts.map((a) => a.number), attempts.map((a) => a.leaseMs), ...spanOf(attempts.map((a) => a.eventId)),
];

/** Begins attempts; answers the ids of the deliveries whose attempt this call has begun. */
export async function beginAttempts(sql: Sql, attempts: readonly NewAttempt[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ delivery_id: string }>({ name: 'attempts-begin', text: BEGIN, values: [...columns(attempts), attempts.map((a) => a.isProbe ?? false)] });
  return new Set(rows.map((row) => row.delivery_id));
}

// The process that began the attempt is gone: what came of it is unknown. It counts as made, but uses up no retry.
const TAKE_OVER = `
  with n as (select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::float8[]) n(event_id, id, attempt_id, number, lease_ms)),
  closed as (
    update attempts a set outcome = 'unknown'
    from n where a.event_id = n.event_id and a.delivery_id = n.id and a.number = n.number - 1
      and a.event_id between $6 and $7 and coalesce(a.outcome, '') = '' and a.lease_until < clock_timestamp()
    returning a.event_id, a.delivery_id, a.number, a.started_at
  ), counted as (
    update deliveries d set attempt_count = c.number, first_sent_at = coalesce(d.first_sent_at, c.started_at), updated_at = now()
    from closed c where d.event_id = c.event_id and d.id = c.delivery_id and d.event_id between $6 and $7
    returning d.event_id, d.id, d.workspace_id, d.endpoint_id, d.status
  )
  insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until)
  select n.event_id, n.attempt_id, n.id, c.workspace_id, c.endpoint_id, n.number, now() + n.lease_ms * interval '1 ms'
  from n join counted c on c.event_id = n.event_id and c.id = n.id
  where c.status in ('PENDING', 'RETRYING', 'HELD')
  returning delivery_id`;

const LOCK_ATTEMPT = 'select 1 from attempts where event_id = $1 and delivery_id = $2 and number = $3 for update';
const LOCK_DELIVERY = 'select 1 from deliveries where event_id = $1 and id = $2 for update';

/**
 * Marks an attempt whose lease is over as `unknown` and begins the next number, in one transaction that only one caller
 * can win. Answers whether this one did. What it changes is locked first, in the order of those who record attempts: a statement
 * that joins can not be left to wait for somebody who changes a row (see inTheirWeeks). The attempt would be over, and not counted.
 */
export function takeOverAttempt(db: Pick<Db, 'transaction'>, next: NewAttempt): Promise<boolean> {
  return db.transaction(async (trx) => {
    await lockAttempt(trx, next, next.number - 1);
    return (await trx.query({ name: 'attempts-take-over', text: TAKE_OVER, values: columns([next]) })).length > 0;
  });
}

async function lockAttempt(trx: Sql, { eventId, id }: DeliveryKey, number: number): Promise<void> {
  await trx.query({ name: 'attempts-lock', text: LOCK_ATTEMPT, values: [eventId, id, number] });
  await trx.query({ name: 'deliveries-lock', text: LOCK_DELIVERY, values: [eventId, id] });
}

const HOLD = `
  with closed as (
    update attempts a set outcome = 'unknown'
    where a.event_id = $1 and a.delivery_id = $2 and a.number = $3 and a.outcome is null and a.lease_until < clock_timestamp()
      and exists (select 1 from endpoints e where e.id = a.endpoint_id and e.status = 'DEACTIVATED')
      and exists (select 1 from deliveries d where d.event_id = $1 and d.id = $2 and d.status in ('PENDING', 'RETRYING'))
    returning a.number, a.started_at
  )
  update deliveries d set attempt_count = c.number, first_sent_at = coalesce(d.first_sent_at, c.started_at), way = 'lane', next_attempt_at = null, updated_at = now(),
    status = case when $5 then 'CANCELLED' else 'HELD' end, reason = case when $5 then 'discarded' else 'endpoint_deactivated' end,
    hold_until = case when not $5 then now() + $4::float8 * interval '1 ms' end
  from closed c where d.event_id = $1 and d.id = $2
  returning d.status`;

/**
 * Marks an attempt whose lease is over as `unknown` and begins no other, since its endpoint is deactivated: the delivery is HELD for
 * at most `holdForMs`, or with `discard` CANCELLED. Answers which; null where another has gone on with it, or the endpoint is called again.
 */
export function holdLostAttempt(
  db: Pick<Db, 'transaction'>, key: DeliveryKey, number: number, { holdForMs, discard }: { readonly holdForMs: number; readonly discard: boolean },
): Promise<'HELD' | 'CANCELLED' | null> {
  return db.transaction(async (trx) => {
    await lockAttempt(trx, key, number);
    const [row] = await trx.query<{ status: 'HELD' | 'CANCELLED' }>({ name: 'attempts-hold-lost', text: HOLD, values: [key.eventId, key.id, number, holdForMs, discard] });
    return row?.status ?? null;
  });
}

/**
 * Counts an attempt that is over and was not counted: no other can be begun before. Happens where nothing was begun though
 * nothing is under way; without it such a delivery would wait for ever. Answers whether there was one.
 */
export async function countLastAttempt(sql: Sql, { eventId, id }: DeliveryKey): Promise<boolean> {
  const rows = await sql.query({
    name: 'attempts-count-last',
    text: `update deliveries d set attempt_count = a.number, updated_at = now(),
             status = case when a.outcome = 'ok' then 'DELIVERED' else d.status end,
             next_attempt_at = case when a.outcome <> 'ok' then d.next_attempt_at end, hold_until = case when a.outcome <> 'ok' then d.hold_until end
           from attempts a
           where d.event_id = $1 and d.id = $2 and d.status <> all ('{DELIVERED,EXHAUSTED,CANCELLED}')
             and a.event_id = $1 and a.delivery_id = $2 and a.number = d.attempt_count + 1 and a.outcome is not null
           returning 1`,
    values: [eventId, id],
  });
  return rows.length > 0;
}

/** Ends a delivery whose endpoint was deleted in the moment in which it was planned. */
export async function cancelOrphan(sql: Sql, { eventId, id }: DeliveryKey): Promise<void> {
  await sql.query({
    name: 'deliveries-cancel-orphan',
    text: `update deliveries set status = 'CANCELLED', reason = 'endpoint_deleted', next_attempt_at = null, hold_until = null, updated_at = now()
           where event_id = $1 and id = $2 and status <> all ('{DELIVERED,EXHAUSTED,CANCELLED}')
             and not exists (select 1 from endpoints e where e.id = endpoint_id)`,
    values: [eventId, id],
  });
}

/** Reads events in the order of their ids; those that are gone (their time was over) are left out. */
export async function readEvents(sql: Sql, eventIds: readonly string[]): Promise<Event[]> {
  const rows = await sql.query<EventRow>({
    name: 'events-read', text: 'select * from events where id = any($1) and id between $2 and $3 order by id', values: [eventIds, ...spanOf(eventIds)],
  });
  return rows.map(toEvent);
}
