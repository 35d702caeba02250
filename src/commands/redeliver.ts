import type { Deps } from '../deps';
import { isFinal, type Delivery } from '../domain/delivery';
import { canBeOwed, effectivePolicy } from '../domain/dialect';
import type { Event } from '../domain/event';
import { AppError, notFound } from '../errors';
import { readEvents } from '../store/attempts';
import type { Sql } from '../store/db';
import { findDelivery } from '../store/deliveries-read';
import { keepEndpoints, type StoredEndpoint } from '../store/endpoints';
import { addSignals, type NewSignal } from '../store/outbox';
import { cancelDelivery, endpointsOf, insertRedeliveries, lockLatest, lockPlan, makeDue, type NewRedelivery } from '../store/redeliveries';

/** What these commands need. */
export type RedeliverDeps = Pick<Deps, 'newId'>;

/**
 * Has a delivery attempted now. One that waits is woken; for one that is over a new one is made, which names it in
 * `resendOf`, unless an earlier call's is still unfinished: then that is woken.
 * @throws AppError 404; 409 `endpoint_deactivated` where it is HELD, `not_possible` where it is over and its endpoint is gone.
 */
export async function retryDelivery(deps: RedeliverDeps, trx: Sql, workspaceId: string, id: string): Promise<Delivery> {
  const asked = await findDelivery(trx, workspaceId, id);
  if (!asked) throw notFound('delivery', id);
  await lockPlan(trx, workspaceId, asked.eventId);
  const [endpoint] = await keepEndpoints(trx, workspaceId, [asked.endpointId]);
  const [latest = asked] = await lockLatest(trx, asked.eventId, [asked.endpointId]);
  if (latest.status === 'HELD') {
    const why = endpoint?.status === 'DEACTIVATED' ? 'its endpoint is deactivated. Reactivate it' : 'its drain is paused. Start the drain';
    throw new AppError('endpoint_deactivated', `The delivery ${latest.id} is held, since ${why} and it is sent.`);
  }
  if (!endpoint) throw new AppError('not_possible', `The endpoint of the delivery ${id} was deleted: there is nobody to send it to.`);
  const [delivery] = await deliverAgain(deps, trx, asked.eventId, [{ endpoint, latest: { ...latest, id: isFinal(latest.status) ? id : latest.id } }]);
  if (!delivery) throw new Error(`The delivery ${id} was removed while it was locked`);
  return delivery;
}

/**
 * Sends an event again: to everybody who has a delivery of it, or to the named endpoints, also those that were not owed
 * it before. Rules are not evaluated again. A delivery that is unfinished is woken instead, or stays HELD.
 * @throws AppError 404; 422 `invalid` with each endpoint that the workspace has not, or whose dialect is never told of such an event; 409 `not_possible` where endpoints
 * are named before the event is planned.
 */
export async function resendEvent(
  deps: RedeliverDeps, trx: Sql, workspaceId: string, eventId: string, endpointIds: readonly string[] | null,
): Promise<Delivery[]> {
  const plan = await lockPlan(trx, workspaceId, eventId);
  if (!plan) throw notFound('event', eventId);
  if (!plan.isPlanned && endpointIds) {
    throw new AppError('not_possible', `It is not decided yet to whom the event ${eventId} is owed. Try again in a moment.`, [], 1);
  }
  const owedTo = endpointIds ?? (await endpointsOf(trx, eventId));
  const endpoints = new Map((await keepEndpoints(trx, workspaceId, owedTo)).map((endpoint) => [endpoint.id, endpoint]));
  if (endpointIds) requireAll(endpointIds, endpoints, (await readEvents(trx, [eventId]))[0]);
  const latest = new Map((await lockLatest(trx, eventId, owedTo)).map((delivery) => [delivery.endpointId, delivery]));
  return deliverAgain(deps, trx, eventId, [...endpoints.values()].map((endpoint) => ({ endpoint, latest: latest.get(endpoint.id) ?? null })));
}

/** Cancels a delivery that has not ended. @throws AppError 404; 409 `not_possible` where it has. */
export async function cancelOne(trx: Sql, workspaceId: string, id: string): Promise<Delivery> {
  const delivery = await cancelDelivery(trx, workspaceId, id);
  if (delivery) {
    await addSignals(trx, [delivery.way === 'retry' ? signalTo(delivery, 'cancel') : wakeWatcher(delivery)]);
    return delivery;
  }
  const ended = await findDelivery(trx, workspaceId, id);
  if (!ended) throw notFound('delivery', id);
  throw new AppError('not_possible', `The delivery ${id} is ${ended.status} already.`);
}

interface Target {
  readonly endpoint: StoredEndpoint;
  /** Null: never owed to it before. */
  readonly latest: Delivery | null;
}

async function deliverAgain(deps: RedeliverDeps, trx: Sql, eventId: string, targets: readonly Target[]): Promise<Delivery[]> {
  const held = targets.flatMap(({ latest }) => (latest?.status === 'HELD' ? [latest] : []));
  const waiting = targets.flatMap(({ latest }) => (latest && !isFinal(latest.status) && latest.status !== 'HELD' ? [latest.id] : []));
  const over = targets.filter(({ latest }) => !latest || isFinal(latest.status));
  const workspaceId = targets[0]?.endpoint.workspaceId ?? '';
  const woken = await makeDue(trx, eventId, waiting);
  const made = await insertRedeliveries(trx, workspaceId, eventId, over.map((target) => redelivery(deps, target)));
  // A first attempt is under way already, or its own workflow comes to it.
  const signals = [...woken.filter(({ way }) => way !== 'fast'), ...made.filter(({ status }) => status === 'PENDING')]
    .map((delivery) => (delivery.way === 'retry' ? signalTo(delivery, 'retryNow') : wakeWatcher(delivery)));
  await addSignals(trx, signals);
  return [...held, ...woken, ...made].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function redelivery(deps: RedeliverDeps, { endpoint, latest }: Target): NewRedelivery {
  const base = { id: deps.newId('delivery'), endpointId: endpoint.id, resendOf: latest?.id ?? null };
  if (endpoint.status === 'DEACTIVATED') {
    const { holdForMs } = effectivePolicy(endpoint.dialect, endpoint.policyOverrides);
    return { ...base, status: 'HELD', reason: 'endpoint_deactivated', holdForMs };
  }
  return { ...base, status: 'PENDING', reason: endpoint.status === 'FAILING' ? 'endpoint_failing' : null, holdForMs: null };
}

const signalTo = ({ workspaceId, eventId, id }: Delivery, signal: string): NewSignal => ({ workspaceId, eventId, deliveryId: id, signal });
const wakeWatcher = ({ workspaceId, endpointId }: Delivery): NewSignal => ({ workspaceId, endpointId, signal: 'changed' });

function requireAll(ids: readonly string[], known: ReadonlyMap<string, StoredEndpoint>, event: Event | undefined): void {
  const errors = ids.flatMap((id, index) => {
    const endpoint = known.get(id);
    if (!endpoint) return [{ path: `endpointIds.${index}`, message: `there is no endpoint ${id} in this workspace` }];
    if (!event || canBeOwed(endpoint.dialect, event)) return [];
    return [{ path: `endpointIds.${index}`, message: `speaks ${endpoint.dialect}, which is never told of ${event.type}` }];
  });
  if (errors.length > 0) {
    throw new AppError('invalid', `An event can only be sent to endpoints of its workspace that can be told of it; ${errors.length} of these can not.`, errors);
  }
}
