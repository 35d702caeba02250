import type { Outcome } from '../domain/attempt';
import type { Sql } from './db';
import { inTheirWeeks, type Week } from './partitions';
import { SICK_FAILURES, SUCCESS_IS_NEWS } from './record-health';

/** An attempt that is over, and what follows it. */
export interface FinishedAttempt {
  readonly workspaceId: string;
  readonly eventId: string;
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly number: number;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly outcome: Outcome;
  readonly statusCode: number | null;
  readonly error: string | null;
  /** Null: no request was made, since the endpoint's expression gave no body. */
  readonly request: { readonly url: string; readonly headers: string; readonly bodySha256: string } | null;
  readonly response: { readonly headers: string; readonly body: string; readonly truncated: boolean };
  readonly next: 'DELIVERED' | 'EXHAUSTED' | 'RETRYING' | 'HELD';
  /** Until the next attempt, in ms; null unless RETRYING. */
  readonly afterMs: number | null;
  /** Who makes the next attempt: `retry` has its workflow started, unless it is the one that reports. */
  readonly nextWay: 'retry' | 'lane';
  /** The attempt was made by the delivery's own `deliver` workflow, which goes on by itself. */
  readonly byRetry: boolean;
  /** Whether it uses up a place of the schedule and counts in the endpoint's health. A probe of a held delivery does not. */
  readonly counts: boolean;
  /** What the endpoint's policy says of what it is owed while it is deactivated. */
  readonly holdForMs: number;
  readonly discard: boolean;
}

/** What became of a delivery with the record of its attempt. */
export interface Recorded {
  readonly deliveryId: string;
  readonly status: string;
  readonly way: string;
}

/** What the record of a batch came to. */
export interface RecordedBatch {
  /** Without deliveries that had ended before, and attempts recorded before. */
  readonly recorded: readonly Recorded[];
  /** Whether the batch may bear on the health of an endpoint; not where it was successes alone that change nothing of it. */
  readonly isHealthNews: boolean;
}

/** Most `deliver` workflows of an endpoint that fails: whose breaker is open, or about to be. */
export const RETRIES_WHILE_FAILING = 50;

/** Most `deliver` workflows of any endpoint. What is over waits in its lane for the same time, without a workflow of its own. */
export const RETRIES_OF_ENDPOINT = 1_000;

// These statements name the week's partitions: see inTheirWeeks. An attempt is closed once: a late record of a fenced process finds its outcome set and changes nothing else.
// A delivery that ended meanwhile (cancelled) stays as it is. The endpoint's status is read here, in the statement:
// what fails while it is deactivated is held, whoever reports it. Only so many retries of an endpoint have a workflow: one
// that has keeps it, of the newcomers the rest goes to the lane, whose watcher is told when it is due.
const recordFailuresOf = (week: Week): string => `
  with g as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::timestamptz[], $7::int[], $8::text[], $9::int[],
      $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bool[], $17::text[], $18::float8[], $19::text[],
      $20::bool[], $21::bool[], $22::float8[], $23::bool[])
      g(workspace_id, event_id, delivery_id, endpoint_id, number, started_at, duration_ms, outcome, status_code,
        error, request_url, request_headers, body_sha256, response_headers, response_body, truncated, next, after_ms, next_way,
        by_retry, counts, hold_ms, discard)
  ), closed as (
    update attempts_${week} a set outcome = g.outcome, status_code = g.status_code, error = g.error, started_at = g.started_at,
      duration_ms = g.duration_ms, request_url = g.request_url, request_headers = g.request_headers, body_sha256 = g.body_sha256,
      response_headers = g.response_headers, response_body = g.response_body, response_truncated = g.truncated
    from g where a.event_id = g.event_id and a.delivery_id = g.delivery_id and a.number = g.number
      and coalesce(a.outcome, '') = ''
    returning a.event_id, a.delivery_id, a.number
  ), crowds as (
    select f.endpoint_id, running.count as running,
      case when e.status = 'FAILING' or (f.endpoint_id <> all($24) and coalesce(h.consecutive_failures, 0) + f.failed >= ${SICK_FAILURES})
           then ${RETRIES_WHILE_FAILING} else ${RETRIES_OF_ENDPOINT} end as most
    from (select endpoint_id, count(*) filter (where counts and outcome <> 'transform_error') as failed
          from g group by endpoint_id having bool_or(next = 'RETRYING' and next_way = 'retry' and not by_retry)) f
    join endpoints e on e.id = f.endpoint_id left join endpoint_health h on h.endpoint_id = f.endpoint_id
    cross join lateral (
      select count(*) from (select 1 from deliveries r where r.endpoint_id = f.endpoint_id and r.way = 'retry'
        and r.waiting and r.next_attempt_at is not null limit ${RETRIES_OF_ENDPOINT}) r
    ) running
  ), decided as (
    select g.*,
      case when g.next not in ('RETRYING', 'HELD') then g.next
           when e.id is null then 'CANCELLED'
           when e.status = 'DEACTIVATED' and g.discard then 'CANCELLED'
           when e.status = 'DEACTIVATED' then 'HELD'
           else g.next end as status,
      case when e.id is null then 'endpoint_deleted' when e.status = 'DEACTIVATED' and g.discard then 'discarded' end as end_reason,
      case when g.next_way = 'lane' or e.status = 'DEACTIVATED' then 'lane'
           when g.by_retry then 'retry'
           when w.running + row_number() over (partition by g.endpoint_id, g.next = 'RETRYING' and not g.by_retry order by g.event_id, g.delivery_id) > w.most then 'lane'
           else 'retry' end as way,
      e.status as endpoint_status
    from closed c join g using (event_id, delivery_id, number) left join endpoints e on e.id = g.endpoint_id
      left join crowds w on w.endpoint_id = g.endpoint_id
  ), moved as (
    update deliveries_${week} d set
      attempt_count = x.number,
      failures = d.failures + case when x.counts then 1 else 0 end,
      status = x.status,
      reason = case when x.status = 'CANCELLED' then x.end_reason
                    when x.status = 'HELD' then coalesce(case when d.status = 'HELD' then d.reason end, 'endpoint_deactivated')
                    when x.status = 'RETRYING' and x.endpoint_status = 'FAILING' and x.way = 'lane' then 'endpoint_failing' end,
      way = case when x.status in ('RETRYING', 'HELD') then x.way else d.way end,
      next_attempt_at = case when x.status = 'RETRYING' then now() + x.after_ms * interval '1 ms' end,
      hold_until = case when x.status = 'HELD' then coalesce(d.hold_until, now() + x.hold_ms * interval '1 ms') end,
      first_sent_at = coalesce(d.first_sent_at, x.started_at),
      updated_at = now()
    from decided x
    where d.event_id = x.event_id and d.id = x.delivery_id
      and d.status <> all ('{DELIVERED,EXHAUSTED,CANCELLED}')
    returning d.workspace_id, d.event_id, d.id, d.endpoint_id, d.status, d.way, x.by_retry, x.next_way
  ), queued as (
    insert into outbox (kind, workspace_id, event_id, delivery_id, endpoint_id)
    select 'retry', workspace_id, event_id, id, endpoint_id from moved where status = 'RETRYING' and way = 'retry' and not by_retry
  ), crowded as (
    insert into outbox (kind, workspace_id, endpoint_id, signal)
    select distinct 'signal', workspace_id, endpoint_id, 'changed' from moved where status = 'RETRYING' and way = 'lane' and next_way = 'retry'
  )
  select id, status, way from moved`;

// What succeeded leaves nothing to decide: neither the endpoint nor the schedule has a say in it. This is the statement
// of the hot path, which spares most batches another one: it tells whether the endpoints' health has anything to learn.
const recordSuccessesOf = (week: Week): string => `
  with g as (
    select * from unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::int[], $6::int[], $7::text[], $8::text[],
      $9::text[], $10::text[], $11::text[], $12::bool[])
      g(event_id, delivery_id, number, started_at, duration_ms, status_code, request_url, request_headers, body_sha256,
        response_headers, response_body, truncated)
  ), closed as (
    update attempts_${week} a set outcome = 'ok', status_code = g.status_code, started_at = g.started_at,
      duration_ms = g.duration_ms, request_url = g.request_url, request_headers = g.request_headers, body_sha256 = g.body_sha256,
      response_headers = g.response_headers, response_body = g.response_body, response_truncated = g.truncated
    from g where a.event_id = g.event_id and a.delivery_id = g.delivery_id and a.number = g.number
      and coalesce(a.outcome, '') = ''
    returning a.event_id, a.delivery_id, a.number, a.started_at
  )
  update deliveries_${week} d set
    attempt_count = c.number, status = 'DELIVERED', reason = null, next_attempt_at = null, hold_until = null,
    first_sent_at = coalesce(d.first_sent_at, c.started_at), updated_at = now()
  from closed c
  where d.event_id = c.event_id and d.id = c.delivery_id
    and d.status <> all ('{DELIVERED,EXHAUSTED,CANCELLED}')
  returning d.id, d.status, d.way, (select bool_or(${SUCCESS_IS_NEWS}) from endpoint_health h where h.endpoint_id = any($13)) as is_news`;

/** Records finished attempts: those that succeeded in one statement, the others in another. */
export async function recordAttempts(sql: Sql, batch: readonly FinishedAttempt[]): Promise<RecordedBatch> {
  const successes = batch.filter((attempt) => attempt.outcome === 'ok');
  const others = batch.filter((attempt) => attempt.outcome !== 'ok');
  const succeeded = await inTheirWeeks(successes, (week, some) => recordSuccesses(sql, week, some));
  const failed = await inTheirWeeks(others, (week, some) => recordFailures(sql, week, some, endpointsOf(successes)));
  return {
    recorded: [...succeeded, ...failed].map(toRecorded),
    // Of what was not recorded now nothing was told.
    isHealthNews: others.length > 0 || succeeded.length < successes.length || succeeded.some((row) => row.is_news !== false),
  };
}

interface RecordedRow {
  readonly id: string;
  readonly status: string;
  readonly way: string;
}

const toRecorded = ({ id, status, way }: RecordedRow): Recorded => ({ deliveryId: id, status, way });

const endpointsOf = (attempts: readonly FinishedAttempt[]): readonly string[] => [...new Set(attempts.map(({ endpointId }) => endpointId))];

function recordSuccesses(sql: Sql, week: Week, batch: readonly FinishedAttempt[]): Promise<(RecordedRow & { readonly is_news: boolean | null })[]> {
  return sql.query({
    name: `attempts-record-successes-${week}`,
    text: recordSuccessesOf(week),
    values: [
      batch.map((a) => a.eventId), batch.map((a) => a.deliveryId), batch.map((a) => a.number), batch.map((a) => a.startedAt.toISOString()),
      batch.map((a) => Math.round(a.durationMs)), batch.map((a) => a.statusCode), batch.map((a) => a.request?.url ?? null),
      batch.map((a) => a.request?.headers ?? null), batch.map((a) => a.request?.bodySha256 ?? null), batch.map((a) => a.response.headers),
      batch.map((a) => a.response.body), batch.map((a) => a.response.truncated), endpointsOf(batch),
    ],
  });
}

/** `wellEndpoints`: those that answered another attempt of the same batch with a success. */
function recordFailures(sql: Sql, week: Week, batch: readonly FinishedAttempt[], wellEndpoints: readonly string[]): Promise<RecordedRow[]> {
  return sql.query({
    name: `attempts-record-failures-${week}`,
    text: recordFailuresOf(week),
    values: [
      batch.map((a) => a.workspaceId), batch.map((a) => a.eventId), batch.map((a) => a.deliveryId), batch.map((a) => a.endpointId),
      batch.map((a) => a.number), batch.map((a) => a.startedAt), batch.map((a) => Math.round(a.durationMs)), batch.map((a) => a.outcome),
      batch.map((a) => a.statusCode), batch.map((a) => a.error), batch.map((a) => a.request?.url ?? null), batch.map((a) => a.request?.headers ?? null),
      batch.map((a) => a.request?.bodySha256 ?? null), batch.map((a) => a.response.headers), batch.map((a) => a.response.body),
      batch.map((a) => a.response.truncated), batch.map((a) => a.next), batch.map((a) => a.afterMs), batch.map((a) => a.nextWay),
      batch.map((a) => a.byRetry), batch.map((a) => a.counts), batch.map((a) => a.holdForMs), batch.map((a) => a.discard),
      wellEndpoints,
    ],
  });
}

/** Names the attempt of a delivery that was planned but found no place in time. */
export interface UnbegunAttempt {
  readonly eventId: string;
  readonly deliveryId: string;
  readonly number: number;
}

/** Takes attempts back that were never begun; their deliveries wait in the endpoint lane, whose watcher is woken. */
export async function withdrawAttempts(sql: Sql, attempts: readonly UnbegunAttempt[]): Promise<void> {
  await inTheirWeeks(attempts, (week, some) => sql.query({
    name: `attempts-withdraw-${week}`, text: withdrawOf(week), values: [some.map((a) => a.eventId), some.map((a) => a.deliveryId), some.map((a) => a.number)],
  }));
}

const withdrawOf = (week: Week): string => `
  with n as (select * from unnest($1::text[], $2::text[], $3::int[]) n(event_id, delivery_id, number)),
  gone as (
    delete from attempts_${week} a using n
    where a.event_id = n.event_id and a.delivery_id = n.delivery_id and a.number = n.number and coalesce(a.outcome, '') = ''
    returning a.event_id, a.delivery_id
  ), moved as (
    update deliveries_${week} d set way = 'lane', reason = case when d.status = 'PENDING' then 'rate_limited' else d.reason end, updated_at = now()
    from gone where d.event_id = gone.event_id and d.id = gone.delivery_id
      and d.status <> all ('{DELIVERED,EXHAUSTED,CANCELLED,HELD}')
    returning d.workspace_id, d.endpoint_id
  )
  insert into outbox (kind, workspace_id, endpoint_id, signal)
  select distinct 'signal', workspace_id, endpoint_id, 'changed' from moved`;
