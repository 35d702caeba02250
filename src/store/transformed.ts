import type { DeliveryKey } from './attempts';
import type { Sql } from './db';

/** What is known of a delivery's body before an attempt that is not its first. */
export interface KeptBody {
  /** What an expression made of its event; null: nothing yet. */
  readonly body: string | null;
  /** Whether a request went out with the body as its dialect has it: then retries go on with that. */
  readonly wasSentPlain: boolean;
}

/** Looks for what was made for a delivery. */
export async function findKeptBody(sql: Sql, { eventId, id }: DeliveryKey): Promise<KeptBody> {
  const [row] = await sql.query<{ body: string | null; was_sent: boolean }>({
    name: 'transformed-find',
    text: `select (select body from transformed_bodies where event_id = $1 and delivery_id = $2) as body,
                  exists (select from attempts where event_id = $1 and delivery_id = $2 and request_url is not null) as was_sent`,
    values: [eventId, id],
  });
  const body = row?.body ?? null;
  return { body, wasSentPlain: body === null && row?.was_sent === true };
}

/** Keeps what was made for a delivery, for all its attempts. Answers what is kept: of two that make it at once, the first one's. */
export async function keepBody(sql: Sql, workspaceId: string, { eventId, id }: DeliveryKey, body: string): Promise<string> {
  const [row] = await sql.query<{ body: string }>({
    name: 'transformed-keep',
    text: `insert into transformed_bodies (event_id, delivery_id, workspace_id, body) values ($1, $2, $3, $4)
           on conflict (event_id, delivery_id) do nothing returning body`,
    values: [eventId, id, workspaceId, body],
  });
  return row?.body ?? (await findKeptBody(sql, { eventId, id })).body ?? body;
}
