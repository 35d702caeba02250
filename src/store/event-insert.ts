import type { Event } from '../domain/event';
import type { Sql } from './db';

/** An event that is not stored yet. */
export type NewEvent = Omit<Event, 'createdAt'>;

/** What became of one event: its own id, or that of the first one with its external id. */
export interface InsertedEvent {
  readonly id: string;
  readonly duplicate: boolean;
}

/**
 * Rows to insert, as arrays ($1 to $15, see {@link eventValues}); `n` is the place in the call. For statements that
 * change an object and store its events at once: `with …, fresh as (EVENT_INPUT), EVENT_STORE select …`.
 */
export const EVENT_INPUT = `select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::text[]) with ordinality
  as input(id, workspace_id, type, external_id, sequence, caused_by, object_kind, object_id,
    object, previous, changes, data, actor, occurred_at, traceparent, n)`;

/** The event, and the row that tells the relay of it. */
export const EVENT_STORE = `
  stored as (
    insert into events (id, workspace_id, type, external_id, sequence, caused_by, object_kind, object_id,
      object, previous, changes, data, actor, occurred_at, traceparent)
    select id, workspace_id, type, external_id, sequence, caused_by, object_kind, object_id,
      object, previous, changes, data, actor, occurred_at, traceparent from fresh
  ), told as (
    insert into outbox (kind, workspace_id, event_id) select 'event', workspace_id, id from fresh order by n
  )`;

// Without external ids there is nothing to look up, and so nothing to wait for: this is the statement of the hot path.
const INSERT = `with fresh as (${EVENT_INPUT}), ${EVENT_STORE} select 1 from fresh where false`;

// Claims are made in the order of the keys, so that two calls with the same keys wait for one another but never both.
const INSERT_ONCE = `with input as (${EVENT_INPUT}), claimed as (
    insert into external_ids (workspace_id, external_id, event_id)
    select workspace_id, external_id, id from input where external_id is not null order by workspace_id, external_id, n
    on conflict do nothing returning workspace_id, external_id, event_id
  ), fresh as (
    select * from input where external_id is null or exists (select from claimed where claimed.event_id = input.id)
  ), ${EVENT_STORE}
  select coalesce(claimed.event_id, known.event_id, case when input.external_id is null then input.id end) as id
  from input
  left join claimed on claimed.workspace_id = input.workspace_id and claimed.external_id = input.external_id
  left join external_ids known on known.workspace_id = input.workspace_id and known.external_id = input.external_id
  order by input.n`;

/**
 * Stores events with their outbox rows in one statement, in the order given. An event whose external id
 * its workspace has already (or that stands twice in the call) stores nothing and answers the first one's id. Ids must
 * be new. Answers in the order of `events`. The caller wakes the relay after its commit.
 */
export async function insertEvents(sql: Sql, events: readonly NewEvent[]): Promise<readonly InsertedEvent[]> {
  if (events.length === 0) return [];
  if (events.every((event) => event.externalId === null)) {
    await storeEvents(sql, events);
    return events.map(({ id }) => ({ id, duplicate: false }));
  }
  const rows = await sql.query<{ id: string | null }>({ name: 'events-insert-once', text: INSERT_ONCE, values: eventValues(events) });
  const inserted: InsertedEvent[] = [];
  for (const [n, event] of events.entries()) {
    const id = rows[n]?.id ?? (await firstOf(sql, event));
    inserted.push({ id, duplicate: id !== event.id });
  }
  return inserted;
}

/** Stores events whose external ids, where they have any, are claimed already. */
export async function storeEvents(sql: Sql, events: readonly NewEvent[]): Promise<void> {
  await sql.query({ name: 'events-insert', text: INSERT, values: eventValues(events) });
}

/**
 * Claims the external ids of events that are to be stored in the same transaction; the id that each stands for: the
 * event's own, or that of the first event with it. Null for an event without one.
 */
export async function claimExternalIds(trx: Sql, events: readonly NewEvent[]): Promise<readonly (string | null)[]> {
  const named = events.filter(({ externalId }) => externalId !== null);
  if (named.length === 0) return events.map(() => null);
  const claimed = await trx.query<{ workspace_id: string; external_id: string; event_id: string }>({
    name: 'external-ids-claim',
    text: `insert into external_ids (workspace_id, external_id, event_id)
           select * from unnest($1::text[], $2::text[], $3::text[]) as given(workspace_id, external_id, event_id)
           order by workspace_id, external_id, event_id
           on conflict do nothing returning workspace_id, external_id, event_id`,
    values: [named.map((e) => e.workspaceId), named.map((e) => e.externalId), named.map((e) => e.id)],
  });
  const first = new Map(claimed.map((row) => [`${row.workspace_id}|${row.external_id}`, row.event_id]));
  const ids: (string | null)[] = [];
  for (const event of events) {
    const id = event.externalId === null ? null : (first.get(`${event.workspaceId}|${event.externalId}`) ?? (await firstOf(trx, event)));
    ids.push(id);
  }
  return ids;
}

/** The values of {@link EVENT_INPUT}. */
export const eventValues = (events: readonly NewEvent[]): readonly unknown[] => [
  events.map((e) => e.id), events.map((e) => e.workspaceId), events.map((e) => e.type), events.map((e) => e.externalId),
  events.map((e) => e.sequence), events.map((e) => e.causedBy), events.map((e) => e.objectKind), events.map((e) => e.objectId),
  events.map((e) => e.object), events.map((e) => e.previous), events.map((e) => e.changes), events.map((e) => e.data),
  events.map((e) => e.actor), events.map((e) => e.occurredAt.toISOString()),
  events.map((e) => e.traceparent ?? null),
];

/** The first event of an external id that a concurrent transaction claimed: committed by now, but after our statement began. */
async function firstOf(sql: Sql, event: NewEvent): Promise<string> {
  const [row] = await sql.query<{ event_id: string }>({
    text: 'select event_id from external_ids where workspace_id = $1 and external_id = $2',
    values: [event.workspaceId, event.externalId],
  });
  if (!row) throw new Error(`The event with external id ${String(event.externalId)} was removed while it was looked up`);
  return row.event_id;
}
