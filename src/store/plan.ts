import type { DeliveryReason, DeliveryStatus, Way } from '../domain/delivery';
import type { Sql } from './db';
import { spanOf } from './partitions';

/** A delivery that a plan decides on. */
export interface PlannedDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly status: DeliveryStatus;
  readonly reason: DeliveryReason | null;
  readonly way: Way;
  /** How long it is held at most, in ms; null where it is not HELD. */
  readonly holdForMs: number | null;
  /** The id and lease of its first attempt, begun with the plan; null where it waits. */
  readonly attempt: { readonly id: string; readonly leaseMs: number } | null;
}

/** Everything that is decided for one event. */
export interface EventPlan {
  readonly eventId: string;
  readonly workspaceId: string;
  readonly deliveries: readonly PlannedDelivery[];
}

/** Why a delivery waits in the lane though it could leave as soon as there is a place for it. */
const LEAVES_SOON: readonly DeliveryReason[] = ['fifo', 'endpoint_slow', 'rate_limited'];

/** Whether its plan leaves a signal for the endpoint's watcher: it waits, and could leave now. */
export const wakesWatcher = ({ status, reason }: PlannedDelivery): boolean => status === 'PENDING' && reason !== null && LEAVES_SOON.includes(reason);

// An event is planned once: whoever inserts its row inserts all that follows with it; the second finds it there and
// inserts nothing. A watcher is woken only where a row waits for it that could leave now.
const SAVE_PLANS = `
  with open as (
    insert into plans (event_id, workspace_id, owed)
    select * from unnest($1::text[], $17::text[], $2::int[]) x(event_id, workspace_id, owed) order by event_id
    on conflict (event_id) do nothing
    returning event_id
  ), owed as (
    insert into deliveries (event_id, id, workspace_id, endpoint_id, status, reason, way, hold_until)
    select d.event_id, d.id, d.workspace_id, d.endpoint_id, d.status, d.reason, d.way, now() + d.hold_ms * interval '1 ms'
    from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::float8[])
         d(event_id, id, workspace_id, endpoint_id, status, reason, way, hold_ms)
    join open using (event_id)
    returning workspace_id, endpoint_id, status, reason
  ), begun as (
    insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until)
    select a.event_id, a.id, a.delivery_id, a.workspace_id, a.endpoint_id, 1, now() + a.lease_ms * interval '1 ms'
    from unnest($11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::float8[])
         a(event_id, id, delivery_id, workspace_id, endpoint_id, lease_ms)
    join open using (event_id)
  ), woken as (
    insert into outbox (kind, workspace_id, endpoint_id, signal)
    select distinct 'signal', workspace_id, endpoint_id, 'changed' from owed
    where status = 'PENDING' and reason = any('{${LEAVES_SOON.join()}}')
  )
  select event_id from open`;

/**
 * Saves plans, their deliveries and the intent of their first attempts in one statement. Answers the events that were
 * not planned before: only theirs was saved, and only their attempts may be made.
 */
export async function savePlans(sql: Sql, plans: readonly EventPlan[]): Promise<ReadonlySet<string>> {
  const deliveries = plans.flatMap((plan) => plan.deliveries);
  const begun = deliveries.filter((delivery) => delivery.attempt !== null);
  const rows = await sql.query<{ event_id: string }>({
    name: 'plans-save',
    text: SAVE_PLANS,
    values: [
      plans.map((p) => p.eventId), plans.map((p) => p.deliveries.length),
      deliveries.map((d) => d.eventId), deliveries.map((d) => d.id), deliveries.map((d) => d.workspaceId),
      deliveries.map((d) => d.endpointId), deliveries.map((d) => d.status), deliveries.map((d) => d.reason),
      deliveries.map((d) => d.way), deliveries.map((d) => d.holdForMs),
      begun.map((d) => d.eventId), begun.map((d) => d.attempt?.id), begun.map((d) => d.id),
      begun.map((d) => d.workspaceId), begun.map((d) => d.endpointId), begun.map((d) => d.attempt?.leaseMs),
      plans.map((p) => p.workspaceId),
    ],
  });
  return new Set(rows.map((row) => row.event_id));
}

/** A delivery that was planned, and where it goes. */
export interface OwedDelivery {
  readonly eventId: string;
  readonly id: string;
  readonly endpointId: string;
  /** Null where the endpoint is gone. */
  readonly url: string | null;
}

/** The deliveries that were planned for events: all of theirs but resends. */
export async function deliveriesOf(sql: Sql, eventIds: readonly string[]): Promise<OwedDelivery[]> {
  const rows = await sql.query<{ event_id: string; id: string; endpoint_id: string; url: string | null }>({
    name: 'plans-deliveries',
    text: `select d.event_id, d.id, d.endpoint_id, e.url
           from deliveries d left join endpoints e on e.id = d.endpoint_id
           where d.event_id = any($1) and d.event_id between $2 and $3 and d.resend_of is null order by d.event_id, d.id`,
    values: [eventIds, ...spanOf(eventIds)],
  });
  return rows.map((row) => ({ eventId: row.event_id, id: row.id, endpointId: row.endpoint_id, url: row.url }));
}

/**
 * Writes which run shows these events: the workflow's own word, also where they were planned before it began. Answers how
 * many deliveries each is owed; those that are not planned yet are left out.
 */
export async function saveRun(sql: Sql, eventIds: readonly string[], workflowId: string, runId: string): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.query<{ event_id: string; owed: number }>({
    name: 'plans-run',
    text: `update plans set workflow_id = $2, run_id = $3 where event_id = any($1) and event_id between $4 and $5
           returning event_id, owed`,
    values: [eventIds, workflowId, runId, ...spanOf(eventIds)],
  });
  return new Map(rows.map((row) => [row.event_id, row.owed]));
}
