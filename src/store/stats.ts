import type { EndpointStatus, StatusReason } from '../domain/endpoint';
import type { Sql } from './db';
import { IS_HELD } from './live';

/** What one hour counts, of an endpoint or of a workspace as a whole. */
export interface HourCounts {
  /** Events that were accepted; of a workspace alone. */
  readonly events: number;
  /** Deliveries that were decided on. */
  readonly owed: number;
  readonly delivered: number;
  readonly failedAttempts: number;
  /** Deliveries that were given up. */
  readonly exhausted: number;
  /** From the event to the answer that made it delivered, by bucket of `domain/stats`. */
  readonly latencies: readonly number[];
  /** Of attempts with an answer or without one, by bucket. */
  readonly durations: readonly number[];
}

/** Counts to be added to one row. */
export interface StatsRow extends HourCounts {
  readonly workspaceId: string;
  /** Empty: the workspace as a whole. */
  readonly endpointId: string;
  /** Start of the hour, Unix ms. */
  readonly hourMs: number;
}

/** Names the row of a workspace as a whole. */
export const WHOLE = '';

// In the order of the key, so that two workers can't wait for one another.
const ADD = `
  insert into stats as s (workspace_id, endpoint_id, hour, events, owed, delivered, failed_attempts, exhausted, latencies, durations)
  select w, e, to_timestamp(h / 1000), ev, ow, de, fa, ex, la::int[], du::int[]
  from unnest($1::text[], $2::text[], $3::float8[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::text[], $10::text[])
    x(w, e, h, ev, ow, de, fa, ex, la, du)
  order by w, e, h
  on conflict (workspace_id, endpoint_id, hour) do update set
    events = s.events + excluded.events, owed = s.owed + excluded.owed, delivered = s.delivered + excluded.delivered,
    failed_attempts = s.failed_attempts + excluded.failed_attempts, exhausted = s.exhausted + excluded.exhausted,
    latencies = coalesce((select array_agg(coalesce(a, 0) + coalesce(b, 0) order by n) from unnest(s.latencies, excluded.latencies) with ordinality u(a, b, n)), '{}'),
    durations = coalesce((select array_agg(coalesce(a, 0) + coalesce(b, 0) order by n) from unnest(s.durations, excluded.durations) with ordinality u(a, b, n)), '{}')`;

/** Adds to the counts of hours, in one statement. Each row stands once in `rows`. */
export async function addStats(sql: Sql, rows: readonly StatsRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query({
    name: 'stats-add',
    text: ADD,
    values: [
      rows.map((r) => r.workspaceId), rows.map((r) => r.endpointId), rows.map((r) => r.hourMs), rows.map((r) => r.events), rows.map((r) => r.owed),
      rows.map((r) => r.delivered), rows.map((r) => r.failedAttempts), rows.map((r) => r.exhausted),
      rows.map((r) => `{${r.latencies.join(',')}}`), rows.map((r) => `{${r.durations.join(',')}}`),
    ],
  });
}

/** The counts of the hours that begin from `since` on and before `until`, of an endpoint or ({@link WHOLE}) of a workspace; hours without any are left out. */
export async function readStats(sql: Sql, workspaceId: string, endpointId: string, since: Date, until: Date): Promise<(HourCounts & { readonly hour: Date })[]> {
  const rows = await sql.query<{
    hour: Date; events: number; owed: number; delivered: number; failed_attempts: number; exhausted: number; latencies: number[]; durations: number[];
  }>({
    name: 'stats-read',
    text: `select hour, events, owed, delivered, failed_attempts, exhausted, latencies, durations
           from stats where workspace_id = $1 and endpoint_id = $2 and hour >= $3 and hour < $4 order by hour`,
    values: [workspaceId, endpointId, since, until],
  });
  return rows.map(({ failed_attempts: failedAttempts, ...row }) => ({ ...row, failedAttempts }));
}

/** An endpoint that does not take what it is owed, or may be about not to. */
export interface UnwellEndpoint {
  readonly id: string;
  readonly name: string | null;
  readonly url: string;
  readonly status: EndpointStatus;
  readonly statusReason: StatusReason | null;
  readonly statusSince: Date;
  readonly consecutiveFailures: number;
}

/** How the endpoints of a workspace are. */
export interface WorkspaceHealth {
  /** HELD deliveries, counted up to {@link COUNTED_HELD}. */
  readonly held: number;
  /** Endpoints by status. */
  readonly endpoints: ReadonlyMap<string, number>;
  /** Those that are not ACTIVE or whose last attempt failed, at most {@link UNWELL_TOLD}, the sickest first. */
  readonly unwell: readonly UnwellEndpoint[];
}

/** Most held deliveries that are counted: whoever has more is told "at least". */
export const COUNTED_HELD = 10_000;
/** Most unwell endpoints that are named. */
export const UNWELL_TOLD = 50;

/** Reads how a workspace's endpoints are, or (`endpointId`) how one of them is. */
export async function readWorkspaceHealth(sql: Sql, workspaceId: string, endpointId: string | null): Promise<WorkspaceHealth> {
  const one = 'and ($2::text is null or e.id = $2)';
  const values = [workspaceId, endpointId];
  const [held] = await sql.query<{ n: number }>({
    text: `select count(*) as n from (
             select 1 from endpoints e cross join lateral (
               select 1 from deliveries where endpoint_id = e.id and ${IS_HELD} limit ${COUNTED_HELD}
             ) d
             where e.workspace_id = $1 ${one} and (e.status = 'DEACTIVATED' or e.drain_paused) limit ${COUNTED_HELD}
           ) held`,
    values,
  });
  const statuses = await sql.query<{ status: EndpointStatus; n: number }>({
    text: `select e.status, count(*) as n from endpoints e where e.workspace_id = $1 ${one} group by e.status`, values,
  });
  const rows = await sql.query<{
    id: string; name: string | null; url: string; status: EndpointStatus; status_reason: StatusReason | null; status_since: Date; consecutive_failures: number;
  }>({
    text: `select e.id, e.name, e.url, e.status, e.status_reason, e.status_since, h.consecutive_failures
           from endpoints e join endpoint_health h on h.endpoint_id = e.id
           where e.workspace_id = $1 ${one} and (e.status <> 'ACTIVE' or h.consecutive_failures > 0)
           order by case e.status when 'DEACTIVATED' then 0 when 'FAILING' then 1 else 2 end, h.consecutive_failures desc, e.id desc
           limit ${UNWELL_TOLD}`,
    values,
  });
  return {
    held: held?.n ?? 0,
    endpoints: new Map(statuses.map(({ status, n }) => [status, n])),
    unwell: rows.map((row) => ({
      id: row.id, name: row.name, url: row.url, status: row.status, statusReason: row.status_reason, statusSince: row.status_since,
      consecutiveFailures: row.consecutive_failures,
    })),
  };
}
