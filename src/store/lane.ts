import type { DeliveryStatus } from '../domain/delivery';
import type { Sql } from './db';
import { DRAINS, IS_HELD, IS_PENDING, IS_RETRYING } from './live';

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

/** What leaves an endpoint's lane beside one another: what was held, and all else. */
export type LaneStream = 'drain' | 'live';

/** Which rows of a lane may leave: with the breaker open only those attempted before, and those that serve as probes. */
export type LaneMode = 'all' | 'retries' | 'held';

interface LaneColumns {
  event_id: string; id: string; status: DeliveryStatus; attempt_count: number; failures: number; is_resend: boolean; number: number | null; lease_ms: number | null;
}

const COLUMNS = `d.event_id, d.id, d.status, d.attempt_count, d.failures, d.resend_of is not null as is_resend, a.number,
  (extract(epoch from a.lease_until - clock_timestamp()) * 1000)::float8 as lease_ms`;

// "offset 0": looked up for each row that is answered, not joined with all attempts that are open; "open" is spelled so that their
// partial index does not match.
const OPEN_ATTEMPT = `left join lateral (
  select number, lease_until from attempts a
  where a.event_id = d.event_id and a.delivery_id = d.id and a.number = d.attempt_count + 1 and coalesce(a.outcome, '') = '' offset 0
) a on true`;

/** One kind of rows of a lane ($1) in its own order, without those in flight ($2), at most $3; each branch is one step into an index. */
const kind = (condition: string, order: string): string => `
  (select event_id, id, status, attempt_count, failures, resend_of, row_number() over (order by ${order}) as turn
   from deliveries where endpoint_id = $1 and way = 'lane' and ${condition} and id <> all($2) order by ${order} limit $3)`;

const pending = (drains: 0 | 1): string => kind(`${IS_PENDING} and ${DRAINS} = ${drains}`, 'event_id, id');
const due = (condition: string): string => kind(`${IS_RETRYING} and next_attempt_at <= now() ${condition}`, 'next_attempt_at, event_id, id');
const ALL_DUE = due('');
const HELD = kind(IS_HELD, 'event_id, id');

const next = (rows: readonly string[], order: string): string =>
  `select ${COLUMNS} from (select * from (${rows.join(' union all ')}) kinds order by ${order} limit $3) d ${OPEN_ATTEMPT} order by ${order.replace(/(\w+)/g, 'd.$1')}`;

/** What may leave, in event order. */
const IN_EVENT_ORDER: Readonly<Record<LaneMode, string>> = {
  all: next([pending(0), pending(1), ALL_DUE], 'event_id, id'),
  retries: next([ALL_DUE], 'turn'),
  held: next([HELD], 'event_id, id'),
};

/**
 * Of what may leave one stream: what is drained, in event order; or all else, retries and first attempts in turns, so that
 * a flood of the ones never keeps the others waiting.
 */
const OF_STREAM: Readonly<Record<LaneStream, string>> = {
  drain: next([pending(1), due(`and ${DRAINS} = 1`)], 'event_id, id'),
  live: next([pending(0), due(`and ${DRAINS} = 0`)], 'turn, event_id, id'),
};

/**
 * The next rows that are due, without those that are in flight; at most `limit`. Of all of a lane in event order, retries
 * alone as they come due; or those of one stream.
 */
export async function nextInLane(
  sql: Sql, endpointId: string, mode: LaneMode, inFlight: readonly string[], limit: number, stream: LaneStream | null = null,
): Promise<LaneRow[]> {
  const rows = await sql.query<LaneColumns>({
    name: `lane-next-${stream ?? mode}`, text: stream ? OF_STREAM[stream] : IN_EVENT_ORDER[mode], values: [endpointId, inFlight, limit],
  });
  return rows.map(toLaneRow);
}

/** The head of a fifo lane. */
export interface LaneHead {
  /** Null where nothing waits, or the oldest delivery that is not over is not due. */
  readonly row: LaneRow | null;
  /** It may not leave yet: an earlier event may be owed to the endpoint too, and is not planned. */
  readonly isBlocked: boolean;
}

/** Events that have no row in the outbox any more are planned within this time, or put into it again. */
const PLANNED_WITHIN = `interval '60 seconds'`;

/** The oldest row of a lane ($1) that is not over, of whatever kind. */
const HEAD = `(select * from (${[`${IS_PENDING} and ${DRAINS} = 0`, `${IS_PENDING} and ${DRAINS} = 1`, IS_RETRYING, IS_HELD].map((condition) =>
  `(select * from deliveries where endpoint_id = $1 and way = 'lane' and ${condition} order by event_id, id limit 1)`).join(' union all ')}) heads
  order by event_id, id limit 1)`;

/**
 * The oldest delivery of a fifo lane that is not over. `plannedBelow`: an event up to which all are known to be planned;
 * the start of an event's workflow may be acknowledged, and its row of the outbox gone, before it is planned.
 */
export async function headOfLane(sql: Sql, workspaceId: string, endpointId: string, plannedBelow: string): Promise<LaneHead> {
  const [row] = await sql.query<LaneColumns & { is_due: boolean; is_blocked: boolean }>({
    name: 'lane-head',
    text: `select ${COLUMNS},
             d.status = 'PENDING' or (d.status = 'RETRYING' and d.next_attempt_at <= now()) as is_due,
             exists (select 1 from outbox o where o.kind = 'event' and o.workspace_id = $2 and o.event_id < d.event_id
                     and not exists (select 1 from plans p where p.event_id = o.event_id))
             or exists (select 1 from events e where e.workspace_id = $2 and e.id > greatest($3 collate "C", id_floor('evt', now() - ${PLANNED_WITHIN}))
                        and e.id < d.event_id and not exists (select 1 from plans p where p.event_id = e.id)) as is_blocked
           from ${HEAD} d ${OPEN_ATTEMPT}`,
    values: [endpointId, workspaceId, plannedBelow],
  });
  if (!row?.is_due) return { row: null, isBlocked: false };
  return row.is_blocked ? { row: null, isBlocked: true } : { row: toLaneRow(row), isBlocked: false };
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
  /** Whether rows that were held before are leaving: a drain is under way, whoever started it. */
  readonly isDraining: boolean;
  /** Until the next retry of the lane is due, in ms; null where none waits. */
  readonly nextRetryMs: number | null;
}

/** Looks at a lane without counting it: each answer is one step into an index. */
export async function lookAtLane(sql: Sql, endpointId: string): Promise<LaneCounts> {
  const first = (columns: string, condition: string, order: string): string =>
    `(select ${columns} from deliveries where endpoint_id = $1 and way = 'lane' and ${condition} order by ${order} limit 1)`;
  const [row] = await sql.query<{ live: boolean; drained: boolean; held: boolean; retry_drains: boolean; next_ms: number | null }>({
    name: 'lane-look',
    text: `with retry as ${first('reason, next_attempt_at', IS_RETRYING, 'next_attempt_at, event_id, id')}
           select exists ${first('1', `${IS_PENDING} and ${DRAINS} = 0`, 'event_id, id')} as live,
             exists ${first('1', `${IS_PENDING} and ${DRAINS} = 1`, 'event_id, id')} as drained,
             exists ${first('1', IS_HELD, 'event_id, id')} as held,
             coalesce((select reason = 'draining' from retry), false) as retry_drains,
             (select ${UNTIL_DUE} from retry) as next_ms`,
    values: [endpointId],
  });
  return {
    hasPending: row ? row.live || row.drained : false,
    hasHeld: row?.held ?? false,
    isDraining: row ? row.drained || row.retry_drains : false,
    ...untilDue(row?.next_ms ?? null),
  };
}

/** The same of a fifo lane, of which nothing but the head counts: what is behind one that waits, or is held, waits too. */
export async function lookAtFifoLane(sql: Sql, endpointId: string): Promise<LaneCounts> {
  const [head] = await sql.query<{ status: DeliveryStatus; reason: string | null; due_ms: number | null }>({
    name: 'lane-look-fifo', text: `select status, reason, ${UNTIL_DUE} as due_ms from ${HEAD} head`, values: [endpointId],
  });
  return {
    hasPending: head?.status === 'PENDING',
    hasHeld: head?.status === 'HELD',
    isDraining: head?.reason === 'draining',
    ...untilDue(head?.status === 'RETRYING' ? head.due_ms : null),
  };
}

const UNTIL_DUE = '(extract(epoch from next_attempt_at - clock_timestamp()) * 1000)::float8';

const untilDue = (ms: number | null): Pick<LaneCounts, 'hasDueRetry' | 'nextRetryMs'> =>
  ({ hasDueRetry: ms !== null && ms <= 0, nextRetryMs: ms === null ? null : Math.max(0, Math.ceil(ms)) });

/**
 * Whether any worker has begun a first attempt at an endpoint within the last second, beside its lane. One that has
 * failed since is no longer among them.
 */
export async function hasLiveAttempts(sql: Sql, endpointId: string): Promise<boolean> {
  const [row] = await sql.query<{ live: boolean }>({
    name: 'lane-live',
    text: `select exists (
             select 1 from attempts a join deliveries d on d.event_id = a.event_id and d.id = a.delivery_id
             where a.endpoint_id = $1 and a.id >= id_floor('att', now() - interval '1 second') and d.way = 'fast'
           ) as live`,
    values: [endpointId],
  });
  return row?.live ?? false;
}
