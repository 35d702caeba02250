import type { SendHistory } from '../domain/envelope-facts';
import type { Sql } from './db';

/** What was sent of an event to an endpoint up to this delivery: later resends of it do not count. */
export async function readSendHistory(sql: Sql, eventId: string, endpointId: string, deliveryId: string): Promise<SendHistory> {
  const [row] = await sql.query<{ attempts: number; delivered: boolean | null; first_sent_at: Date | null }>({
    name: 'send-history',
    text: `select coalesce(sum(attempt_count) filter (where id < $3), 0) as attempts,
                  bool_or(status = 'DELIVERED') filter (where id < $3) as delivered, min(first_sent_at) as first_sent_at
           from deliveries where event_id = $1 and endpoint_id = $2 and id <= $3`,
    values: [eventId, endpointId, deliveryId],
  });
  return { earlierAttempts: row?.attempts ?? 0, isDelivered: row?.delivered ?? false, firstSentAt: row?.first_sent_at ?? null };
}
