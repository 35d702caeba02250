import type { DeliveryStatus } from '../domain/delivery';
import type { Event } from '../domain/event';
import type { Sql } from './db';
import { toEvent, type EventRow } from './event-row';
import { readPage, type ListBounds, type ReadPage } from './lists';

/** An event and what became of it. */
export interface ToldEvent {
  readonly event: Event;
  /** Null before its plan, then the number of endpoints that it is owed to. */
  readonly owed: number | null;
  /**
   * Over the latest delivery per endpoint: true where all are DELIVERED, false where any is HELD, EXHAUSTED or
   * CANCELLED, else null; also where there are none.
   */
  readonly delivered: boolean | null;
  readonly workflow: { readonly id: string; readonly runId: string | null } | null;
}

interface ToldRow extends EventRow {
  planned_at: Date | null;
  owed: number | null;
  workflow_id: string | null;
  run_id: string | null;
  delivered: boolean | null;
}

const toTold = (row: ToldRow): ToldEvent => ({
  event: toEvent(row),
  owed: row.planned_at === null ? null : row.owed,
  delivered: row.delivered,
  workflow: row.workflow_id === null ? null : { id: row.workflow_id, runId: row.run_id },
});

const COLUMNS = 'e.*, p.planned_at, p.owed, p.workflow_id, p.run_id, d.delivered';
const JOINS = `left join plans p on p.event_id = e.id
  left join lateral (
    select case
      when bool_or(latest.status in ('HELD', 'EXHAUSTED', 'CANCELLED')) then false
      when bool_and(latest.status = 'DELIVERED') then true
    end as delivered
    from (
      select distinct on (endpoint_id) status from deliveries where deliveries.event_id = e.id order by endpoint_id, id desc
    ) latest
  ) d on true`;

/** An event; null where the workspace has none. */
export async function findEvent(sql: Sql, workspaceId: string, id: string): Promise<ToldEvent | null> {
  const [row] = await sql.query<ToldRow>({
    name: 'event-find', text: `select ${COLUMNS} from events e ${JOINS} where e.workspace_id = $1 and e.id = $2`, values: [workspaceId, id],
  });
  return row ? toTold(row) : null;
}

/** One delivery as an event shows it. */
export interface DeliveryLine {
  readonly id: string;
  readonly endpointId: string;
  readonly status: DeliveryStatus;
  readonly attemptCount: number;
}

/** The deliveries of an event, oldest first. */
export async function listDeliveriesOfEvent(sql: Sql, workspaceId: string, eventId: string): Promise<DeliveryLine[]> {
  const rows = await sql.query<{ id: string; endpoint_id: string; status: DeliveryStatus; attempt_count: number }>({
    text: 'select id, endpoint_id, status, attempt_count from deliveries where event_id = $1 and workspace_id = $2 order by id',
    values: [eventId, workspaceId],
  });
  return rows.map((row) => ({ id: row.id, endpointId: row.endpoint_id, status: row.status, attemptCount: row.attempt_count }));
}

/** What a list of events can be narrowed by; undefined: not narrowed. */
export interface EventFilters {
  readonly type?: string | undefined;
  readonly objectId?: string | undefined;
  readonly externalId?: string | undefined;
  /** Any of these. */
  readonly delivered?: readonly (boolean | null)[] | undefined;
}

/** One page of a workspace's events, newest first. Of the filters, indexes know the object and the external id. */
export async function listEvents(
  sql: Sql, workspaceId: string, bounds: ListBounds, filters: EventFilters,
): Promise<ReadPage<{ readonly id: string; readonly told: ToldEvent }>> {
  const values: unknown[] = [workspaceId, bounds.below, bounds.from];
  const within = ['e.workspace_id = $1', 'e.id < $2', 'e.id >= $3'];
  const tried: string[] = [];
  if (filters.objectId !== undefined) within.push(`e.object_id = $${values.push(filters.objectId)}`);
  if (filters.externalId !== undefined) {
    within.push(`e.id = (select event_id from external_ids where workspace_id = $1 and external_id = $${values.push(filters.externalId)})`);
  }
  if (filters.type !== undefined) tried.push(`e.type = $${values.push(filters.type)}`);
  if (filters.delivered !== undefined) {
    tried.push(`coalesce(d.delivered::text, 'null') = any($${values.push(filters.delivered.map(String))}::text[])`);
  }
  const { rows, readTo } = await readPage<ToldRow>(sql, {
    columns: COLUMNS, table: 'events e', alias: 'e', joins: JOINS, within, tried, values, limit: bounds.limit,
  });
  return { rows: rows.map((row) => ({ id: row.id, told: toTold(row) })), readTo };
}
