import type { Outcome } from '../domain/attempt';
import type { Delivery, DeliveryReason, DeliveryStatus, Way } from '../domain/delivery';
import type { Sql } from './db';
import { readPage, type ListBounds, type ReadPage } from './lists';

/** A row of `deliveries`. */
export interface DeliveryRow {
  event_id: string; id: string; workspace_id: string; endpoint_id: string; status: DeliveryStatus; reason: DeliveryReason | null; way: Way;
  attempt_count: number; failures: number; next_attempt_at: Date | null; resend_of: string | null; created_at: Date; updated_at: Date;
}

/** The columns of a {@link DeliveryRow}. */
export const DELIVERY_COLUMNS = `event_id, id, workspace_id, endpoint_id, status, reason, way, attempt_count, failures, next_attempt_at,
  resend_of, created_at, updated_at`;

/** The delivery that a row stands for. */
export const toDelivery = (row: DeliveryRow): Delivery => ({
  id: row.id,
  eventId: row.event_id,
  workspaceId: row.workspace_id,
  endpointId: row.endpoint_id,
  status: row.status,
  reason: row.reason,
  way: row.way,
  attemptCount: row.attempt_count,
  failures: row.failures,
  nextAttemptAt: row.next_attempt_at,
  resendOf: row.resend_of,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

/** What a list of deliveries is cut down to; null: all. */
export interface DeliveryFilter {
  readonly status: DeliveryStatus | null;
  readonly endpointId: string | null;
  readonly eventId: string | null;
}

/** A page of a workspace's deliveries, newest first. Of the filters, indexes know the endpoint and the event. */
export async function listDeliveries(sql: Sql, workspaceId: string, bounds: ListBounds, filter: DeliveryFilter): Promise<ReadPage<Delivery>> {
  const values: unknown[] = [workspaceId, bounds.below, bounds.from];
  const within = ['d.workspace_id = $1', 'd.id < $2', 'd.id >= $3'];
  if (filter.endpointId !== null) within.push(`d.endpoint_id = $${values.push(filter.endpointId)}`);
  if (filter.eventId !== null) within.push(`d.event_id = $${values.push(filter.eventId)}`);
  const tried = filter.status === null ? [] : [`d.status = $${values.push(filter.status)}`];
  const { rows, readTo } = await readPage<DeliveryRow>(sql, {
    columns: DELIVERY_COLUMNS, table: 'deliveries d', alias: 'd', within, tried, values, limit: bounds.limit,
  });
  return { rows: rows.map(toDelivery), readTo };
}

/** One delivery; null where the workspace has none of this id. */
export async function findDelivery(sql: Sql, workspaceId: string, id: string): Promise<Delivery | null> {
  const [row] = await sql.query<DeliveryRow>({
    text: `select ${DELIVERY_COLUMNS} from deliveries where workspace_id = $1 and id = $2`, values: [workspaceId, id],
  });
  return row ? toDelivery(row) : null;
}

/** An attempt as it was recorded; all but the first five are null while it is under way. */
export interface StoredAttempt {
  readonly id: string;
  readonly number: number;
  readonly startedAt: Date;
  readonly outcome: Outcome | null;
  readonly durationMs: number | null;
  readonly statusCode: number | null;
  readonly error: string | null;
  /** Null where it is not known what was sent. Headers are JSON text. */
  readonly request: { readonly url: string; readonly headers: string; readonly bodySha256: string } | null;
  readonly response: { readonly headers: string; readonly body: string; readonly truncated: boolean } | null;
}

interface AttemptRow {
  id: string; number: number; started_at: Date; outcome: Outcome | null; duration_ms: number | null; status_code: number | null; error: string | null;
  request_url: string | null; request_headers: string | null; body_sha256: string | null;
  response_headers: string | null; response_body: string | null; response_truncated: boolean | null;
}

/** All attempts of a delivery, in their order. */
export async function listAttempts(sql: Sql, eventId: string, deliveryId: string): Promise<StoredAttempt[]> {
  const rows = await sql.query<AttemptRow>({
    text: `select id, number, started_at, outcome, duration_ms, status_code, error, request_url, request_headers, body_sha256,
                  response_headers, response_body, response_truncated
           from attempts where event_id = $1 and delivery_id = $2 order by number`,
    values: [eventId, deliveryId],
  });
  return rows.map((row) => ({
    id: row.id,
    number: row.number,
    startedAt: row.started_at,
    outcome: row.outcome,
    durationMs: row.duration_ms,
    statusCode: row.status_code,
    error: row.error,
    request: row.request_url === null ? null : { url: row.request_url, headers: row.request_headers ?? '{}', bodySha256: row.body_sha256 ?? '' },
    // Without a status there was no answer, only a fault.
    response: row.status_code === null ? null
      : { headers: row.response_headers ?? '{}', body: row.response_body ?? '', truncated: row.response_truncated ?? false },
  }));
}
