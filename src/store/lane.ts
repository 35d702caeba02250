import type { DeliveryStatus } from '../domain/delivery';
import type { Sql } from './db';
import { IS_HELD, IS_PENDING, IS_RETRYING } from './live';

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

interface LaneColumns {
  event_id: string; id: string; status: DeliveryStatus; attempt_count: number; failures: number; is_resend: boolean; number: number | null; lease_ms: number | null;
}

const COLUMNS = `d.event_id, d.id, d.status, d.attempt_count, d.failures, d.resend_of is not null as is_resend, a.number,
  (extract(epoch from a.lease_until - clock_timestamp()) * 1000)::float8 as lease_ms`;

const OPEN_ATTEMPT = `left join attempts a on a.event_id = d.event_id and a.delivery_id = d.id and a.number = d.attempt_count + 1 and a.outcome is null`;

/** One kind of rows of a lane ($1) in its own order, without those in flight ($2), at most $3; each branch is one step into an index. */
const kind = (condition: string, order: string): string => `
  (select event_id, id, status, attempt_count, failures, resend_of, row_number() over (order by ${order}) as turn
   from deliveries where endpoint_id = $1 and way = 'lane' and ${condition} and id <> all($2) order by ${order} limit $3)`;

const PENDING = kind(IS_PENDING, 'event_id, id');
const DUE = kind(`${IS_RETRYING} and next_attempt_at <= now()`, 'next_attempt_at, event_id, id');
const HELD = kind(IS_HELD, 'event_id, id');

const next = (rows: string, order: string): string =>
  `select ${COLUMNS} from (select * from (${rows}) kinds order by ${order} limit $3) d ${OPEN_ATTEMPT} order by ${order.replace(/(\w+)/g, 'd.$1')}`;

/** What may leave, in event order: for a drain. */
const IN_EVENT_ORDER: Readonly<Record<LaneMode, string>> = {
  all: next(`${PENDING} union all ${DUE}`, 'event_id, id'),
  retries: next(DUE, 'turn'),
  held: next(HELD, 'event_id, id'),
};

/** Retries and first attempts in turns, so that a flood of the ones never keeps the others waiting. */
const IN_TURNS = next(`${PENDING} union all ${DUE}`, 'turn, event_id, id');

/**
 * The next rows that are due, without those that are in flight; at most `limit`. Of all of a lane in event order, or with
 * `inTurns` first attempts and retries by turns; retries alone as they come due.
 */
export async function nextInLane(
  sql: Sql, endpointId: string, mode: LaneMode, inFlight: readonly string[], limit: number, inTurns = false,
): Promise<LaneRow[]> {
  const isMixed = inTurns && mode === 'all';
  const rows = await sql.query<LaneColumns>({
    name: `lane-next-${isMixed ? 'in-turns' : mode}`, text: isMixed ? IN_TURNS : IN_EVENT_ORDER[mode], values: [endpointId, inFlight, limit],
  });
  return rows.map(toLaneRow);
}

/** The head of a fifo lane: the oldest delivery that is not over; null where it is not due yet, or an earlier event is not planned. */
export async function headOfLane(sql: Sql, workspaceId: string, endpointId: string): Promise<LaneRow | null> {
  const oldest = (condition: string): string =>
    `(select * from deliveries where endpoint_id = $1 and way = 'lane' and ${condition} order by event_id, id limit 1)`;
  const rows = await sql.query<LaneColumns & { is_due: boolean }>({
    name: 'lane-head',
    text: `select ${COLUMNS},
                  (d.status = 'PENDING' or (d.status = 'RETRYING' and d.next_attempt_at <= now()))
                  and not exists (select 1 from outbox o where o.kind = 'event' and o.workspace_id = $2 and o.event_id < d.event_id
                                  and not exists (select 1 from plans p where p.event_id = o.event_id)) as is_due
           from (select * from (${[IS_PENDING, IS_RETRYING, IS_HELD].map(oldest).join(' union all ')}) heads order by event_id, id limit 1) d
           ${OPEN_ATTEMPT}`,
    values: [endpointId, workspaceId],
  });
  const [row] = rows;
  return row?.is_due ? toLaneRow(row) : null;
}

const toLaneRow = (row: LaneColumns): LaneRow => ({
  eventId: row.event_id, id: row.id, status: row.status, attemptCount: row.attempt_count, failures: row.failures, isResend: row.is_resend,
  open: row.number === null ? null : { number: row.number, leaseMs: row.lease_ms ?? 0 },
});

/** What waits in a lane. */
export interface LaneCounts {
  /** Whether a row is due now: a first attempt, or a retry whose time has come. */
  readonly hasPending: boolean;
  readonly hasDueRetry: boolean;
  readonly hasHeld: boolean;
  /** Whether the lane's oldest first attempt, or its next retry, was held before: a drain is under way, whoever started it. */
  readonly isDraining: boolean;
  /** Until the next retry of the lane is due, in ms; null where none waits. */
  readonly nextRetryMs: number | null;
}

/** Looks at a lane without counting it: each answer is one step into an index. */
export async function lookAtLane(sql: Sql, endpointId: string): Promise<LaneCounts> {
  const first = (columns: string, condition: string, order: string): string =>
    `(select ${columns} from deliveries where endpoint_id = $1 and way = 'lane' and ${condition} order by ${order} limit 1)`;
  const [row] = await sql.query<{ pending: boolean; held: boolean; draining: boolean; next_ms: number | null }>({
    name: 'lane-look',
    text: `with pending as ${first('reason', IS_PENDING, 'event_id, id')},
                retry as ${first('reason, next_attempt_at', IS_RETRYING, 'next_attempt_at, event_id, id')}
           select exists (select 1 from pending) as pending,
             exists ${first('1', IS_HELD, 'event_id, id')} as held,
             coalesce((select reason = 'draining' from pending), false) or coalesce((select reason = 'draining' from retry), false) as draining,
             (select (extract(epoch from next_attempt_at - clock_timestamp()) * 1000)::float8 from retry) as next_ms`,
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
