import type { DeliveryStatus } from '../domain/delivery';
import type { Sql } from './db';

/** A delivery that waits in an endpoint's lane. */
export interface LaneRow {
  readonly eventId: string;
  readonly id: string;
  readonly status: DeliveryStatus;
  readonly attemptCount: number;
  readonly failures: number;
  readonly isResend: boolean;
  /** Number and rest of lease, in ms, of an attempt that is open; null where none is. */
  readonly open: { readonly number: number; readonly leaseMs: number } | null;
}

/** Which rows of a lane may leave: with the breaker open only those attempted before, and those that serve as probes. */
export type LaneMode = 'all' | 'retries' | 'held';

const MODE_STATUSES: Readonly<Record<LaneMode, readonly DeliveryStatus[]>> = {
  all: ['PENDING', 'RETRYING'],
  retries: ['RETRYING'],
  held: ['HELD'],
};

/** The next rows that are due, in event order, without those that are in flight; at most `limit`. */
export async function nextInLane(sql: Sql, endpointId: string, mode: LaneMode, inFlight: readonly string[], limit: number): Promise<LaneRow[]> {
  const rows = await sql.query<{
    event_id: string; id: string; status: DeliveryStatus; attempt_count: number; failures: number; is_resend: boolean; number: number | null; lease_ms: number | null;
  }>({
    name: 'lane-next',
    text: `select d.event_id, d.id, d.status, d.attempt_count, d.failures, d.resend_of is not null as is_resend, a.number,
                  (extract(epoch from a.lease_until - clock_timestamp()) * 1000)::float8 as lease_ms
           from deliveries d
           left join attempts a on a.event_id = d.event_id and a.delivery_id = d.id and a.number = d.attempt_count + 1 and a.outcome is null
           where d.endpoint_id = $1 and d.way = 'lane' and d.waiting and d.status = any($2)
             and (d.status <> 'RETRYING' or d.next_attempt_at <= now()) and d.id <> all($3)
           order by d.event_id, d.id limit $4`,
    values: [endpointId, MODE_STATUSES[mode], inFlight, limit],
  });
  return rows.map(toLaneRow);
}

/** The head of a fifo lane: the oldest delivery that is not over; null where it is not due yet, or an earlier event is not planned. */
export async function headOfLane(sql: Sql, workspaceId: string, endpointId: string): Promise<LaneRow | null> {
  const rows = await sql.query<{
    event_id: string; id: string; status: DeliveryStatus; attempt_count: number; failures: number; is_resend: boolean; number: number | null; lease_ms: number | null; is_due: boolean;
  }>({
    name: 'lane-head',
    text: `select d.event_id, d.id, d.status, d.attempt_count, d.failures, d.resend_of is not null as is_resend, a.number,
                  (extract(epoch from a.lease_until - clock_timestamp()) * 1000)::float8 as lease_ms,
                  (d.status = 'PENDING' or (d.status = 'RETRYING' and d.next_attempt_at <= now()))
                  and not exists (select 1 from outbox o where o.kind = 'event' and o.workspace_id = $2 and o.event_id < d.event_id
                                  and not exists (select 1 from plans p where p.event_id = o.event_id)) as is_due
           from deliveries d
           left join attempts a on a.event_id = d.event_id and a.delivery_id = d.id and a.number = d.attempt_count + 1 and a.outcome is null
           where d.endpoint_id = $1 and d.way = 'lane' and d.waiting
           order by d.event_id, d.id limit 1`,
    values: [endpointId, workspaceId],
  });
  const [row] = rows;
  return row?.is_due ? toLaneRow(row) : null;
}

const toLaneRow = (row: {
  event_id: string; id: string; status: DeliveryStatus; attempt_count: number; failures: number; is_resend: boolean; number: number | null; lease_ms: number | null;
}): LaneRow => ({
  eventId: row.event_id, id: row.id, status: row.status, attemptCount: row.attempt_count, failures: row.failures, isResend: row.is_resend,
  open: row.number === null ? null : { number: row.number, leaseMs: row.lease_ms ?? 0 },
});

/** What waits in a lane. */
export interface LaneCounts {
  /** Whether a row is due now: a first attempt, or a retry whose time has come. */
  readonly hasPending: boolean;
  readonly hasDueRetry: boolean;
  readonly hasHeld: boolean;
  /** Whether the lane's oldest row that may leave was held before: a drain is under way, whoever started it. */
  readonly isDraining: boolean;
  /** Until the next retry of the lane is due, in ms; null where none waits. */
  readonly nextRetryMs: number | null;
}

/** Looks at a lane without counting it: each answer is one step into an index. */
export async function lookAtLane(sql: Sql, endpointId: string): Promise<LaneCounts> {
  const live = (status: string): string =>
    `select 1 from deliveries where endpoint_id = $1 and way = 'lane' and waiting and status = '${status}'`;
  const [row] = await sql.query<{ pending: boolean; held: boolean; draining: boolean; next_ms: number | null }>({
    name: 'lane-look',
    text: `select exists (${live('PENDING')}) as pending, exists (${live('HELD')}) as held,
             coalesce((select reason = 'draining' from deliveries where endpoint_id = $1 and way = 'lane' and waiting and status <> 'HELD'
                       order by event_id, id limit 1), false) as draining,
             (select (extract(epoch from min(next_attempt_at) - clock_timestamp()) * 1000)::float8 from deliveries
              where endpoint_id = $1 and way = 'lane' and waiting and status = 'RETRYING') as next_ms`,
    values: [endpointId],
  });
  const nextMs = row?.next_ms ?? null;
  return {
    hasPending: row?.pending ?? false,
    hasDueRetry: nextMs !== null && nextMs <= 0,
    hasHeld: row?.held ?? false,
    isDraining: row?.draining ?? false,
    nextRetryMs: nextMs === null ? null : Math.max(0, Math.ceil(nextMs)),
  };
}
