import type { DeliveryReason, DeliveryStatus, Way } from '../../src/domain/delivery';
import type { Sql } from '../../src/store/db';
import { makeEvents, newId } from './make';

/** A delivery as a test wants it. */
export interface OwedRow {
  readonly status?: DeliveryStatus;
  readonly way?: Way;
  readonly reason?: DeliveryReason | null;
  readonly attemptCount?: number;
  readonly resendOf?: string;
  /** An event that is there; else a new one is made. */
  readonly eventId?: string;
}

/** A delivery row of a planned event, without the engine. */
export async function makeOwed(sql: Sql, workspaceId: string, endpointId: string, given: OwedRow = {}): Promise<{ id: string; eventId: string }> {
  const { status = 'PENDING', way = 'lane', reason = null, attemptCount = 0, resendOf = null } = given;
  const eventId = given.eventId ?? (await makeEvents(sql, workspaceId, 1))[0] ?? '';
  const id = newId('delivery');
  await sql.query({
    text: 'insert into plans (event_id, workspace_id, owed) values ($1, $2, 1) on conflict (event_id) do update set owed = plans.owed + 1',
    values: [eventId, workspaceId],
  });
  await sql.query({
    text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, reason, way, attempt_count, failures, resend_of, next_attempt_at, hold_until)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, case when $5 = 'RETRYING' then now() + interval '1 hour' end,
                   case when $5 = 'HELD' then now() + interval '1 day' end)`,
    values: [eventId, id, workspaceId, endpointId, status, reason, way, attemptCount, resendOf],
  });
  return { id, eventId };
}

/** What stands of a delivery. */
export async function owedRow(sql: Sql, id: string): Promise<{
  status: string; way: string; reason: string | null; attempt_count: number; due_ms: number | null; hold_ms: number | null;
} | undefined> {
  const [row] = await sql.query<{ status: string; way: string; reason: string | null; attempt_count: number; due_ms: number | null; hold_ms: number | null }>({
    text: `select status, way, reason, attempt_count, (extract(epoch from next_attempt_at - now()) * 1000)::float8 as due_ms,
                  (extract(epoch from hold_until - now()) * 1000)::float8 as hold_ms from deliveries where id = $1`,
    values: [id],
  });
  return row;
}

/** The signals that wait in the outbox for an endpoint's watcher or a delivery's workflow, and takes them away. */
export async function takeSignals(sql: Sql, id: string): Promise<string[]> {
  const rows = await sql.query<{ signal: string }>({
    text: `delete from outbox where kind = 'signal' and coalesce(delivery_id, endpoint_id) = $1 returning signal`, values: [id],
  });
  return rows.map(({ signal }) => signal);
}
