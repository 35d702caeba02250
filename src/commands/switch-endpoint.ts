import type { Deps } from '../deps';
import { effectivePolicy } from '../domain/dialect';
import { isAutomatic, type StatusReason } from '../domain/endpoint';
import type { JsonObject } from '../domain/json';
import { AppError, notFound } from '../errors';
import { addAudit } from '../store/audit';
import type { Sql } from '../store/db';
import { resetHealth } from '../store/endpoint-health';
import { lockEndpoint, setDrainPaused, setEndpointStatus, type StoredEndpoint } from '../store/endpoints';
import { insertEvents } from '../store/event-insert';
import { cancelLive, drainAfterBreaker, holdDraining, holdLive, keepHeld, keepRetries, releaseHeld, waitForBreaker } from '../store/lane-moves';
import { addSignals } from '../store/outbox';
import { RETRIES_WHILE_FAILING } from '../store/record';
import { bumpRouting } from '../store/routing-revision';

/** What these commands need. */
export type SwitchDeps = Pick<Deps, 'newId' | 'now'>;

/** Which endpoint, and who switches it: a key's id, `root`, or the part of Posthorn that does it, such as `watcher`. */
export interface SwitchOf {
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly actor: string;
}

/**
 * Stops calling an endpoint, and holds what it is owed (or discards it, by its policy) in the same transaction. What is
 * in flight ends as it ends. Where it is DEACTIVATED already nothing happens, but that a person's word, or the receiver's
 * own, takes the place of a reason that we found ourselves: then it is not probed any more.
 * @throws AppError 404.
 */
export async function deactivateEndpoint(deps: SwitchDeps, trx: Sql, given: SwitchOf & { readonly reason: StatusReason }): Promise<StoredEndpoint> {
  const before = await lock(trx, given);
  if (before.status === 'DEACTIVATED') {
    return isAutomatic(before.statusReason) && !isAutomatic(given.reason) ? giveReason(deps, trx, before, given) : before;
  }
  const after = await setEndpointStatus(trx, before.id, 'DEACTIVATED', given.reason, false);
  const policy = effectivePolicy(before.dialect, before.policyOverrides);
  const touched = policy.discardWhileDeactivated
    ? { discarded: await cancelLive(trx, before.id, 'all', 'discarded') }
    : { held: await holdLive(trx, before.id, policy.holdForMs) };
  await announce(deps, trx, given, after, 'endpoint.deactivate', touched);
  return after;
}

/**
 * Calls a DEACTIVATED or FAILING endpoint again, with a clean health. With `drain` what is held leaves by its lane;
 * without, it stays HELD until the drain is started. An ACTIVE endpoint whose drain is paused starts it with `drain`;
 * otherwise nothing happens.
 * @throws AppError 404.
 */
export async function reactivateEndpoint(deps: SwitchDeps, trx: Sql, given: SwitchOf & { readonly drain: boolean }): Promise<StoredEndpoint> {
  const before = await lock(trx, given);
  if (before.status === 'ACTIVE') return given.drain && before.drainPaused ? drainEndpoint(deps, trx, { ...given, action: 'start' }) : before;
  const isHeldBack = !given.drain && (before.status === 'DEACTIVATED' || before.drainPaused);
  const after = await setEndpointStatus(trx, before.id, 'ACTIVE', null, isHeldBack);
  await drainAfterBreaker(trx, before.id);
  const touched = given.drain ? { released: await releaseHeld(trx, before.id) } : { held: await keepHeld(trx, before.id) };
  await resetHealth(trx, before.id);
  await announce(deps, trx, given, after, 'endpoint.reactivate', { drain: given.drain, ...touched });
  return after;
}

/**
 * Opens the breaker: an ACTIVE endpoint is FAILING, its first attempts wait. Nothing happens in any other status.
 * @throws AppError 404.
 */
export async function failEndpoint(deps: SwitchDeps, trx: Sql, given: SwitchOf): Promise<StoredEndpoint> {
  const before = await lock(trx, given);
  if (before.status !== 'ACTIVE') return before;
  const after = await setEndpointStatus(trx, before.id, 'FAILING', 'breaker', before.drainPaused);
  await waitForBreaker(trx, before.id);
  await keepRetries(trx, before.id, RETRIES_WHILE_FAILING);
  await announce(deps, trx, given, after, 'endpoint.fail', {});
  return after;
}

/**
 * Closes the breaker: a FAILING endpoint is ACTIVE, and what waited is drained. Nothing happens in any other status.
 * @throws AppError 404.
 */
export async function recoverEndpoint(deps: SwitchDeps, trx: Sql, given: SwitchOf): Promise<StoredEndpoint> {
  const before = await lock(trx, given);
  if (before.status !== 'FAILING') return before;
  const after = await setEndpointStatus(trx, before.id, 'ACTIVE', null, before.drainPaused);
  await drainAfterBreaker(trx, before.id);
  await resetHealth(trx, before.id);
  await announce(deps, trx, given, after, 'endpoint.recover', {});
  return after;
}

/**
 * `start` lets what is held leave, `pause` holds what has not left yet, `drop` discards what is held.
 * @throws AppError 404; 409 `endpoint_deactivated` for `start` and `pause` while it is DEACTIVATED.
 */
export async function drainEndpoint(
  deps: SwitchDeps, trx: Sql, given: SwitchOf & { readonly action: 'start' | 'pause' | 'drop' },
): Promise<StoredEndpoint> {
  const before = await lock(trx, given);
  if (before.status === 'DEACTIVATED' && given.action !== 'drop') {
    throw new AppError('endpoint_deactivated', `The endpoint ${before.id} is deactivated: there is no drain to ${given.action}. Reactivate it first.`);
  }
  const after = await setDrainPaused(trx, before.id, given.action === 'pause');
  const count = await moveHeld(trx, before, given.action);
  await addAudit(trx, {
    id: deps.newId('audit'), workspaceId: given.workspaceId, actor: given.actor, action: 'endpoint.drain', subjectId: before.id,
    detail: { action: given.action, deliveries: count },
  });
  await addSignals(trx, [{ workspaceId: given.workspaceId, endpointId: before.id, signal: 'changed' }]);
  await bumpRouting(trx, given.workspaceId, before.id);
  return after;
}

async function giveReason(deps: SwitchDeps, trx: Sql, before: StoredEndpoint, given: SwitchOf & { readonly reason: StatusReason }): Promise<StoredEndpoint> {
  const { workspaceId, actor, reason } = given;
  const after = await setEndpointStatus(trx, before.id, 'DEACTIVATED', reason, false);
  const detail: JsonObject = { status: 'DEACTIVATED', reason, before: before.statusReason };
  await addAudit(trx, { id: deps.newId('audit'), workspaceId, actor, action: 'endpoint.deactivate', subjectId: before.id, detail });
  await addSignals(trx, [{ workspaceId, endpointId: before.id, signal: 'changed' }]);
  return after;
}

function moveHeld(trx: Sql, endpoint: StoredEndpoint, action: 'start' | 'pause' | 'drop'): Promise<number> {
  if (action === 'start') return releaseHeld(trx, endpoint.id);
  if (action === 'drop') return cancelLive(trx, endpoint.id, 'held', 'discarded');
  return holdDraining(trx, endpoint.id, effectivePolicy(endpoint.dialect, endpoint.policyOverrides).holdForMs);
}

async function lock(trx: Sql, given: SwitchOf): Promise<StoredEndpoint> {
  const endpoint = await lockEndpoint(trx, given.workspaceId, given.endpointId);
  if (!endpoint) throw notFound('endpoint', given.endpointId);
  return endpoint;
}

const EVENT_OF = { ACTIVE: 'endpoint.reactivated', FAILING: 'endpoint.failing', DEACTIVATED: 'endpoint.deactivated' } as const;

/** All that follows a change of status: audit, operational event, the watcher's wake-up, the routing's revision. */
async function announce(
  deps: SwitchDeps, trx: Sql, { workspaceId, actor }: SwitchOf, endpoint: StoredEndpoint, action: string, touched: JsonObject,
): Promise<void> {
  const detail: JsonObject = { status: endpoint.status, reason: endpoint.statusReason, ...touched };
  await addAudit(trx, { id: deps.newId('audit'), workspaceId, actor, action, subjectId: endpoint.id, detail });
  const data: JsonObject = {
    endpointId: endpoint.id,
    name: endpoint.name,
    host: new URL(endpoint.url).host,
    status: endpoint.status,
    reason: endpoint.statusReason,
    since: endpoint.statusSince.toISOString(),
  };
  await insertEvents(trx, [{
    id: deps.newId('event'), workspaceId, externalId: null, type: EVENT_OF[endpoint.status], sequence: null, causedBy: null,
    objectKind: null, objectId: null, object: null, previous: null, changes: null, data: JSON.stringify(data), actor: null, occurredAt: deps.now(),
  }]);
  // Always 'changed': it only wakes. A 'deactivate' that arrives after a person's reactivation would undo it.
  await addSignals(trx, [{ workspaceId, endpointId: endpoint.id, signal: 'changed' }]);
  await bumpRouting(trx, workspaceId, endpoint.id);
}
