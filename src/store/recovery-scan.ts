import type { DeliveryStatus } from '../domain/delivery';
import { idFloor } from '../domain/ids';
import type { Recovered, LatestDelivery } from '../domain/recovery';
import type { Sql } from './db';
import { latestOf, plannedAmong } from './recoveries';

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

const OF_WORKSPACE = 'workspace_id = $1 and id > $2 and id >= $3 and id < $4';
// The workspace is the endpoint's: named as a condition it would only offer another, longer index.
const OF_ENDPOINT = '$1::text is not null and endpoint_id = $6 and id > $2 and event_id >= $3 and event_id < $4 and created_at <= $7';

const EVENTS = `select id as place, id as event_id, type, null as status from events where ${OF_WORKSPACE} and $6::text is not null order by id limit $5`;
const DELIVERIES = `select id as place, event_id, null as type, status from deliveries where ${OF_ENDPOINT} order by id limit $5`;

const valuesOf = (past: Past, after: string, limit: number): unknown[] =>
  [past.workspaceId, after, past.from, past.below, limit, past.endpointId, ...(past.by === 'deliveries' ? [past.madeBy] : [])];

/**
 * The next steps behind `after`, at most `limit`. Looks things up by the ids that it has found: PostgreSQL knows too little
 * of them to join well, and would read all plans there are to find a page of them.
 */
export async function walk(sql: Sql, past: Past, after: string, limit: number): Promise<Sighting[]> {
  const rows = await sql.query<{ place: string; event_id: string; type: string | null; status: DeliveryStatus | null }>({
    name: `recovery-walk-${past.by}`, text: past.by === 'events' ? EVENTS : DELIVERIES, values: valuesOf(past, after, limit),
  });
  // Most deliveries were delivered, and need no second look.
  const eventIds = rows.filter(({ status }) => status !== 'DELIVERED').map((row) => row.event_id);
  const latest = await latestOf(sql, past.endpointId, eventIds);
  const planned = past.by === 'events' ? await plannedAmong(sql, eventIds) : null;
  return rows.map((row) => {
    const newest = latest.get(row.event_id) ?? null;
    return {
      place: row.place, eventId: row.event_id, type: row.type, isPlanned: planned?.has(row.event_id) ?? true,
      latest: past.by === 'events' || newest?.id === row.place ? newest : null,
    };
  });
}


/** How many steps there are behind `after`, at most `limit`, and the place of the last of them; null where there is none. */
export async function countSteps(sql: Sql, past: Past, after: string, limit: number): Promise<{ readonly count: number; readonly last: string | null }> {
  const [row] = await sql.query<{ count: number; last: string | null }>({
    name: `recovery-count-${past.by}`, text: `select count(*) as count, max(place) as last from (${past.by === 'events' ? EVENTS : DELIVERIES}) step`, values: valuesOf(past, after, limit),
  });
  return { count: row?.count ?? 0, last: row?.last ?? null };
}
