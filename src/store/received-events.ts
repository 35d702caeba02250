import type { Sql } from './db';

/** One event of what a channel received. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  /** The dedupe key; at most 255 characters that PostgreSQL can store. */
  readonly externalId: string;
  /** JSON text, kept as it is. */
  readonly data: string;
  /** The request's `X-Hub-Signature-256`. */
  readonly signature: string | null;
}

// As events-insert-once, for events that are nothing but data of one channel. Claims are made in the order of the keys, so
// that two calls with the same keys wait for one another but never both.
const INSERT = `
  with input as (
    select * from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) with ordinality
      as input(id, type, external_id, data, signature, n)
  ), claimed as (
    insert into external_ids (workspace_id, external_id, event_id) select $1, external_id, id from input order by external_id, n
    on conflict do nothing returning event_id
  ), fresh as (
    select * from input where exists (select from claimed where claimed.event_id = input.id)
  ), stored as (
    insert into events (id, workspace_id, type, external_id, data, channel_id, received_signature, occurred_at, traceparent)
    select id, $1, type, external_id, data, $2, signature, $3::timestamptz, $9 from fresh
  ), told as (
    insert into outbox (kind, workspace_id, event_id) select 'event', $1, id from fresh order by n
  )
  select id from fresh order by n`;

/**
 * Stores what a channel received, with its outbox rows, in one statement and in the order given; what it has received
 * before (by external id) stores nothing. Answers the ids that were stored. The caller wakes the relay after its commit.
 */
export async function insertReceived(
  sql: Sql, channel: { readonly id: string; readonly workspaceId: string }, events: readonly ReceivedEvent[], receivedAt: Date, traceparent: string | null,
): Promise<string[]> {
  const rows = await sql.query<{ id: string }>({
    name: 'events-insert-received',
    text: INSERT,
    values: [
      channel.workspaceId, channel.id, receivedAt.toISOString(), events.map((e) => e.id), events.map((e) => e.type),
      events.map((e) => e.externalId), events.map((e) => e.data), events.map((e) => e.signature), traceparent,
    ],
  });
  return rows.map(({ id }) => id);
}
