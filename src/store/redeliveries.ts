import type { Delivery, DeliveryReason } from '../domain/delivery';
import type { Sql } from './db';
import { DELIVERY_COLUMNS, toDelivery, type DeliveryRow } from './deliveries-read';

/**
 * Locks an event's plan, so that its deliveries are added to by one transaction at a time. Null where the workspace has
 * no such event; `isPlanned`: what it is owed to is decided.
 */
export async function lockPlan(sql: Sql, workspaceId: string, eventId: string): Promise<{ readonly isPlanned: boolean } | null> {
  const plan = await sql.query({ text: 'select 1 from plans where event_id = $2 and workspace_id = $1 for update', values: [workspaceId, eventId] });
  if (plan.length > 0) return { isPlanned: true };
  const event = await sql.query({ text: 'select 1 from events where id = $2 and workspace_id = $1', values: [workspaceId, eventId] });
  return event.length > 0 ? { isPlanned: false } : null;
}

/** The endpoints that have a delivery of an event. */
export async function endpointsOf(sql: Sql, eventId: string): Promise<string[]> {
  const rows = await sql.query<{ endpoint_id: string }>({
    text: 'select distinct endpoint_id from deliveries where event_id = $1 order by endpoint_id', values: [eventId],
  });
  return rows.map((row) => row.endpoint_id);
}

/** The newest delivery of an event to each of these endpoints, locked, in the order of their ids. The endpoints are locked before. */
export async function lockLatest(sql: Sql, eventId: string, endpointIds: readonly string[]): Promise<Delivery[]> {
  const rows = await sql.query<DeliveryRow>({
    text: `select ${DELIVERY_COLUMNS} from deliveries d
           where event_id = $1 and endpoint_id = any($2)
             and not exists (select 1 from deliveries newer where newer.event_id = d.event_id and newer.endpoint_id = d.endpoint_id and newer.id > d.id)
           order by id for update`,
    values: [eventId, endpointIds],
  });
  return rows.map(toDelivery);
}

/** Makes RETRYING deliveries due now, and writes no others; answers all of those named, as they are then. They are locked before. */
export async function makeDue(sql: Sql, eventId: string, ids: readonly string[]): Promise<Delivery[]> {
  if (ids.length === 0) return [];
  const rows = await sql.query<DeliveryRow>({
    text: `with due as (
             update deliveries set next_attempt_at = least(next_attempt_at, now()), updated_at = now()
             where event_id = $1 and id = any($2) and status = 'RETRYING' returning ${DELIVERY_COLUMNS}
           )
           select * from due
           union all
           select ${DELIVERY_COLUMNS} from deliveries where event_id = $1 and id = any($2) and id not in (select id from due)`,
    values: [eventId, ids],
  });
  return rows.map(toDelivery);
}

/** A delivery that somebody asked for. */
export interface NewRedelivery {
  readonly id: string;
  readonly endpointId: string;
  readonly status: 'PENDING' | 'HELD';
  readonly reason: DeliveryReason | null;
  /** How long it is held at most, in ms; null where it is not HELD. */
  readonly holdForMs: number | null;
  /** Null: this endpoint was not owed the event before. */
  readonly resendOf: string | null;
}

/** Stores deliveries of one planned event; those that resend nothing count among what it is owed. The plan must be locked. */
export async function insertRedeliveries(sql: Sql, workspaceId: string, eventId: string, deliveries: readonly NewRedelivery[]): Promise<Delivery[]> {
  if (deliveries.length === 0) return [];
  const rows = await sql.query<DeliveryRow>({
    text: `with made as (
             insert into deliveries (event_id, id, workspace_id, endpoint_id, status, reason, way, hold_until, resend_of)
             select $1, n.id, $2, n.endpoint_id, n.status, n.reason, 'lane', now() + n.hold_ms * interval '1 ms', n.resend_of
             from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::text[]) n(id, endpoint_id, status, reason, hold_ms, resend_of)
             returning ${DELIVERY_COLUMNS}
           ), counted as (
             update plans set owed = owed + (select count(*) from made where resend_of is null) where event_id = $1 and workspace_id = $2
           )
           select * from made order by id`,
    values: [
      eventId, workspaceId, deliveries.map((d) => d.id), deliveries.map((d) => d.endpointId), deliveries.map((d) => d.status),
      deliveries.map((d) => d.reason), deliveries.map((d) => d.holdForMs), deliveries.map((d) => d.resendOf),
    ],
  });
  return rows.map(toDelivery);
}

/** Cancels a live delivery; null where it has ended, or the workspace has none of this id. */
export async function cancelDelivery(sql: Sql, workspaceId: string, id: string): Promise<Delivery | null> {
  const [row] = await sql.query<DeliveryRow>({
    text: `update deliveries set status = 'CANCELLED', reason = 'cancelled', next_attempt_at = null, hold_until = null, updated_at = now()
           where workspace_id = $1 and id = $2 and status in ('PENDING', 'RETRYING', 'HELD') returning ${DELIVERY_COLUMNS}`,
    values: [workspaceId, id],
  });
  return row ? toDelivery(row) : null;
}
