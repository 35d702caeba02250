import type { Event } from '../domain/event';
import type { ObjectKind } from '../domain/object';

/** A row of `events`. */
export interface EventRow {
  id: string; workspace_id: string; type: string; external_id: string | null; sequence: number | null; caused_by: string | null;
  object_kind: ObjectKind | null; object_id: string | null; object: string | null; previous: string | null;
  changes: string | null; data: string | null; actor: string | null; occurred_at: Date; created_at: Date;
  channel_id: string | null; received_signature: string | null; traceparent: string | null;
}

/** The event that a row stands for. */
export const toEvent = (row: EventRow): Event => ({
  id: row.id,
  workspaceId: row.workspace_id,
  externalId: row.external_id,
  type: row.type,
  sequence: row.sequence,
  causedBy: row.caused_by,
  objectKind: row.object_kind,
  objectId: row.object_id,
  object: row.object,
  previous: row.previous,
  changes: row.changes,
  data: row.data,
  actor: row.actor,
  occurredAt: row.occurred_at,
  createdAt: row.created_at,
  ...(row.channel_id && { received: { channelId: row.channel_id, signature: row.received_signature } }),
  ...(row.traceparent && { traceparent: row.traceparent }),
});
