import type { DeliveryReason, DeliveryStatus } from '../domain/delivery';
import type { Recovered, LatestDelivery } from '../domain/recovery';
import type { Sql } from './db';
import { idFloor } from './lists';

/** A part of a workspace's past, as one endpoint sees it: what a recovery walks through, in the order of ids. */
export interface Past {
  readonly workspaceId: string;
  readonly endpointId: string;
  /** Where only what failed is looked for the endpoint's deliveries are walked through, which are fewer than the events. */
  readonly by: 'deliveries' | 'events';
  /** Ids of events: from this one on, and below this one. */
  readonly from: string;
  readonly below: string;
  /** Deliveries made after this are no part of it, so that a walk never meets what it made itself. */
  readonly madeBy: Date;
}

/** One step of a walk. */
export interface Sighting {
  /** Where it stands: behind it the walk goes on. */
  readonly place: string;
  readonly eventId: string;
  /** Null where only deliveries are looked at. */
  readonly type: string | null;
  /** Whether it is decided to whom the event is owed; until then nobody may add a delivery. */
  readonly isPlanned: boolean;
  /** Null where the endpoint has no delivery of it, or a newer one, which is a step of its own. */
  readonly latest: LatestDelivery | null;
}

/** Clocks of processes differ by less: a delivery's id is not older than its event's by more. */
const SKEW_MS = 3_600_000;

/** The past of an endpoint from `since` on and before `until`. */
export const pastOf = (
  { workspaceId, endpointId, only, since, until, madeBy }:
  { workspaceId: string; endpointId: string; only: Recovered; since: Date; until: Date; madeBy: Date },
): Past => ({
  workspaceId, endpointId, madeBy, by: only === 'failed' ? 'deliveries' : 'events',
  from: idFloor('event', since.getTime()), below: idFloor('event', until.getTime()),
});

/** The place before the first step. */
export const startOf = ({ by, from }: Past, since: Date): string => (by === 'events' ? from : idFloor('delivery', since.getTime() - SKEW_MS));

interface SightingRow {
  place: string; event_id: string; type: string | null; is_planned: boolean; id: string | null; status: DeliveryStatus | null; reason: DeliveryReason | null;
}

const EVENTS = `
  select e.id as place, e.id as event_id, e.type, p.event_id is not null as is_planned, d.id, d.status, d.reason
  from (select id, type from events where workspace_id = $1 and id > $2 and id >= $3 and id < $4 order by id limit $5) e
  left join plans p on p.event_id = e.id
  left join lateral (select id, status, reason from deliveries where event_id = e.id and endpoint_id = $6 order by id desc limit 1) d on true
  order by e.id`;

// The workspace is the endpoint's: named as a condition it would only offer another, longer index.
const OF_ENDPOINT = '$1::text is not null and endpoint_id = $6 and id > $2 and event_id >= $3 and event_id < $4 and created_at <= $7';

const DELIVERIES = `
  select d.id as place, d.event_id, null as type, true as is_planned,
         case when not is_outdated then d.id end as id, d.status, d.reason
  from (select id, event_id, status, reason from deliveries where ${OF_ENDPOINT} order by id limit $5) d
  cross join lateral (select d.status <> 'DELIVERED' and exists (
    select 1 from deliveries newer where newer.event_id = d.event_id and newer.endpoint_id = $6 and newer.id > d.id) as is_outdated) o
  order by d.id`;

const valuesOf = (past: Past, after: string, limit: number): unknown[] =>
  [past.workspaceId, after, past.from, past.below, limit, past.endpointId, ...(past.by === 'deliveries' ? [past.madeBy] : [])];

/** The next steps behind `after`, at most `limit`. */
export async function walk(sql: Sql, past: Past, after: string, limit: number): Promise<Sighting[]> {
  const rows = await sql.query<SightingRow>({
    name: `recovery-walk-${past.by}`, text: past.by === 'events' ? EVENTS : DELIVERIES, values: valuesOf(past, after, limit),
  });
  return rows.map((row) => ({
    place: row.place, eventId: row.event_id, type: row.type, isPlanned: row.is_planned,
    latest: row.id === null || row.status === null ? null : { id: row.id, status: row.status, reason: row.reason },
  }));
}

const COUNTED = {
  // The endpoint is named for its type alone: both statements take the same values.
  events: `select id from events where workspace_id = $1 and id > $2 and id >= $3 and id < $4 and $6::text is not null order by id limit $5`,
  deliveries: `select id from deliveries where ${OF_ENDPOINT} order by id limit $5`,
} as const;

/** How many steps there are behind `after`, at most `limit`, and the place of the last of them; null where there is none. */
export async function countSteps(sql: Sql, past: Past, after: string, limit: number): Promise<{ readonly count: number; readonly last: string | null }> {
  const [row] = await sql.query<{ count: number; last: string | null }>({
    name: `recovery-count-${past.by}`, text: `select count(*) as count, max(id) as last from (${COUNTED[past.by]}) step`, values: valuesOf(past, after, limit),
  });
  return { count: row?.count ?? 0, last: row?.last ?? null };
}
