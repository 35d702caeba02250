import type { Sql } from '../../src/store/db';

let count = 0;

/** An id as it would have been made so many days ago. */
export async function idFrom(sql: Sql, prefix: 'evt' | 'dlv' | 'att' | 'aud' | 'fil', daysAgo: number): Promise<string> {
  const [row] = await sql.query<{ id: string }>({
    text: `select id_floor($1, now() - $2::float8 * interval '1 day') || lpad($3, 16, '0') as id`, values: [prefix, daysAgo, String(++count)],
  });
  return row?.id ?? '';
}

/** An event of the past with its plan, one delivery and one attempt, and the partition that they need. */
export interface PastEvent {
  readonly eventId: string;
  readonly deliveryId: string;
}

/** Stores an event as it looks so many days after it was delivered, or as `fields` say. */
export async function makePastEvent(
  sql: Sql, workspaceId: string, endpointId: string, daysAgo: number, fields: { status?: string; way?: string; outcome?: string | null } = {},
): Promise<PastEvent> {
  const { status = 'DELIVERED', way = 'fast', outcome = 'ok' } = fields;
  await sql.query({ text: `select ensure_partitions(now() - $1::float8 * interval '1 day', now() - $1::float8 * interval '1 day')`, values: [daysAgo] });
  const eventId = await idFrom(sql, 'evt', daysAgo);
  const deliveryId = await idFrom(sql, 'dlv', daysAgo);
  const at = `now() - $3::float8 * interval '1 day'`;
  await sql.query({
    text: `insert into events (id, workspace_id, type, data, occurred_at, created_at) values ($1, $2, 'test.happened', '{"n":1}', ${at}, ${at})`,
    values: [eventId, workspaceId, daysAgo],
  });
  await sql.query({ text: `insert into plans (event_id, workspace_id, planned_at, owed) values ($1, $2, ${at}, 1)`, values: [eventId, workspaceId, daysAgo] });
  await sql.query({
    text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way, attempt_count, next_attempt_at, hold_until, created_at)
           values ($1, $2, $4, $5, $6, $7, 1, case when $6 = 'RETRYING' then now() + interval '1 hour' end,
                   case when $6 = 'HELD' then now() + interval '1 day' end, ${at})`,
    values: [eventId, deliveryId, daysAgo, workspaceId, endpointId, status, way],
  });
  await sql.query({
    text: `insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, started_at, lease_until, outcome)
           values ($1, $7, $2, $4, $5, 1, ${at}, ${at}, $6)`,
    values: [eventId, deliveryId, daysAgo, workspaceId, endpointId, outcome, await idFrom(sql, 'att', daysAgo)],
  });
  return { eventId, deliveryId };
}
