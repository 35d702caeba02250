import type { Outcome } from '../domain/attempt';
import type { EndedDelivery } from '../domain/delivery';
import type { Sql } from './db';
import { isUnderWay } from './live';

/**
 * Gives up at most `limit` HELD deliveries whose time is over: EXHAUSTED, `hold_expired`. One that is being probed is left
 * to that attempt's record while its lease runs; one that another transaction has locked, to the next turn.
 */
export async function expireHolds(sql: Sql, limit: number): Promise<EndedDelivery[]> {
  const rows = await sql.query<{
    workspace_id: string; event_id: string; event_type: string | null; id: string; endpoint_id: string; attempt_count: number;
    outcome: Outcome | null; status_code: number | null;
  }>({
    name: 'holds-expire',
    text: `with over as (
             select d.event_id, d.id from deliveries d
             where d.hold_until < now() and d.status = 'HELD'
               and not ${isUnderWay('d')}
             order by d.hold_until limit $1 for update of d skip locked
           ), ended as (
             update deliveries d set status = 'EXHAUSTED', reason = 'hold_expired', next_attempt_at = null, hold_until = null, updated_at = now()
             from over where d.event_id = over.event_id and d.id = over.id
             returning d.workspace_id, d.event_id, d.id, d.endpoint_id, d.attempt_count
           )
           select x.*, e.type as event_type, a.outcome, a.status_code
           from ended x left join events e on e.id = x.event_id
           left join attempts a on a.event_id = x.event_id and a.delivery_id = x.id and a.number = x.attempt_count
           order by x.event_id, x.id`,
    values: [limit],
  });
  return rows.map((row) => ({
    workspaceId: row.workspace_id, eventId: row.event_id, eventType: row.event_type ?? 'unknown', deliveryId: row.id, endpointId: row.endpoint_id,
    attempts: row.attempt_count, outcome: row.outcome, statusCode: row.status_code,
  }));
}
