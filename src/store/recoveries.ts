import type { DeliveryReason, DeliveryStatus } from '../domain/delivery';
import type { Job, RecoveryResult } from '../domain/job';
import type { LatestDelivery } from '../domain/recovery';
import type { Sql } from './db';
import { DRAINS, IS_PENDING } from './live';
import { spanOf } from './partitions';

/** Locks the plans of these events, so that nobody else adds to their deliveries; answers those that are planned. */
export async function lockPlans(trx: Sql, workspaceId: string, eventIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await trx.query<{ event_id: string }>({
    name: 'recovery-plans',
    text: 'select event_id from plans where event_id = any($2) and event_id between $3 and $4 and workspace_id = $1 order by event_id for update',
    values: [workspaceId, eventIds, ...spanOf(eventIds)],
  });
  return new Set(rows.map((row) => row.event_id));
}

/** Those of these events of which it is decided to whom they are owed. */
export async function plannedAmong(sql: Sql, eventIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ event_id: string }>({
    name: 'recovery-planned', text: 'select event_id from plans where event_id = any($1) and event_id between $2 and $3', values: [eventIds, ...spanOf(eventIds)],
  });
  return new Set(rows.map((row) => row.event_id));
}

/** The newest delivery of each of these events at an endpoint, by event; those without one are left out. */
export async function latestOf(sql: Sql, endpointId: string, eventIds: readonly string[]): Promise<ReadonlyMap<string, LatestDelivery>> {
  const rows = await sql.query<{ event_id: string; id: string; status: DeliveryStatus; reason: DeliveryReason | null }>({
    name: 'recovery-latest',
    text: `select distinct on (event_id) event_id, id, status, reason from deliveries 
           where event_id = any($1) and event_id between $3 and $4 and endpoint_id = $2 order by event_id, id desc`,
    values: [eventIds, endpointId, ...spanOf(eventIds)],
  });
  return new Map(rows.map(({ event_id: eventId, ...latest }) => [eventId, latest]));
}

/** How the deliveries that are handed over together begin. */
export interface Beginning {
  readonly status: 'PENDING' | 'HELD';
  readonly reason: DeliveryReason | null;
  /** How long they are held at most, in ms; null where they are not HELD. */
  readonly holdForMs: number | null;
}

/** A delivery that is handed over. */
export interface RecoveredDelivery {
  readonly eventId: string;
  readonly id: string;
  /** Null: the endpoint was not owed the event before. */
  readonly resendOf: string | null;
}

/**
 * Puts deliveries into an endpoint's lane, all in one statement; those that resend nothing count among what their events
 * are owed. The plans must be locked.
 */
export async function insertRecovered(
  trx: Sql, workspaceId: string, endpointId: string, beginning: Beginning, deliveries: readonly RecoveredDelivery[],
): Promise<void> {
  if (deliveries.length === 0) return;
  const eventIds = deliveries.map((d) => d.eventId);
  await trx.query({
    name: 'recovery-insert',
    text: `with made as (
             insert into deliveries (event_id, id, workspace_id, endpoint_id, status, reason, way, hold_until, resend_of)
             select n.event_id, n.id, $1, $2, $3, $4, 'lane', now() + $5::float8 * interval '1 ms', n.resend_of
             from unnest($6::text[], $7::text[], $8::text[]) n(event_id, id, resend_of) order by n.event_id
             returning event_id, resend_of
           )
           update plans p set owed = owed + 1 from made where p.event_id = made.event_id and made.resend_of is null and p.event_id between $9 and $10`,
    values: [
      workspaceId, endpointId, beginning.status, beginning.reason, beginning.holdForMs,
      eventIds, deliveries.map((d) => d.id), deliveries.map((d) => d.resendOf), ...spanOf(eventIds),
    ],
  });
}

/** Makes those of these deliveries that wait for a retry due now, and tells the workflows that own them. */
export async function wakeAll(trx: Sql, deliveries: readonly { readonly eventId: string; readonly id: string }[]): Promise<void> {
  if (deliveries.length === 0) return;
  const eventIds = deliveries.map((d) => d.eventId);
  const values = [eventIds, deliveries.map((d) => d.id), ...spanOf(eventIds)];
  const waiting = `event_id = any($1) and id = any($2) and event_id between $3 and $4 and status = 'RETRYING'`;
  // In order, so that two of these can't wait for one another, and by itself: see inTheirWeeks.
  await trx.query({ name: 'recovery-wake-lock', text: `select 1 from deliveries where ${waiting} order by event_id, id for update`, values });
  await trx.query({
    name: 'recovery-wake',
    text: `with due as (
             update deliveries set next_attempt_at = least(next_attempt_at, now()), updated_at = now() where ${waiting}
             returning workspace_id, event_id, id, way
           )
           insert into outbox (kind, workspace_id, event_id, delivery_id, signal)
           select 'signal', workspace_id, event_id, id, 'retryNow' from due where way = 'retry'`,
    values,
  });
}

/**
 * How many deliveries wait in an endpoint's lane for their first attempt, counted to `most`: those that drain, beside which
 * what is new leaves; or where its breaker is open, and nothing drains, all others.
 */
export async function countWaiting(sql: Sql, endpointId: string, isFailing: boolean, most: number): Promise<number> {
  const [row] = await sql.query<{ count: number }>({
    name: `recovery-waiting-${isFailing ? 'failing' : 'drain'}`,
    text: `select count(*) as count from (
             select 1 from deliveries where endpoint_id = $1 and way = 'lane' and ${IS_PENDING} and ${DRAINS} = ${isFailing ? 0 : 1} limit $2) waiting`,
    values: [endpointId, most],
  });
  return row?.count ?? 0;
}

/** How far a job is after a page. */
export type Walked = Pick<Job, 'id' | 'done' | 'failed' | 'cursor'> & { readonly total: number; readonly result: RecoveryResult };

/** Writes how far a job is that is locked. Where it has met more than was counted its total is what it has met; at the end exactly that. */
export async function saveWalked(trx: Sql, { id, total, done, failed, cursor, result }: Walked): Promise<void> {
  await trx.query({
    name: 'recovery-walked',
    text: `update jobs set total = case when $5::text is null then $3::int + $4::int else greatest($2::int, $3::int + $4::int) end, done = $3, failed = $4, cursor = $5,
             result = $6, updated_at = now() where id = $1`,
    values: [id, total, done, failed, cursor, JSON.stringify(result)],
  });
}

/** Says that a job lives though it does nothing now: else it would be woken. */
export async function touchJob(sql: Sql, id: string): Promise<void> {
  await sql.query({ name: 'job-touch', text: `update jobs set updated_at = now() where id = $1 and status in ('QUEUED', 'RUNNING')`, values: [id] });
}
