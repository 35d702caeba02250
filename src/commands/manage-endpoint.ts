import type { Deps } from '../deps';
import { DIALECTS, effectivePolicyView, uselessSubscriptions, type DialectName } from '../domain/dialect';
import { parseDuration } from '../domain/duration';
import { isInbound } from '../domain/event';
import type { JsonObject } from '../domain/json';
import { mergeOverrides, type PolicyOverrides } from '../domain/policy';
import { takesTransform, type Transform } from '../domain/transform';
import { AppError, invalid, notFound } from '../errors';
import { addAudit } from '../store/audit';
import type { Sql } from '../store/db';
import {
  countEndpoints, deleteEndpoint, insertEndpoint, lockEndpoint, updateEndpoint, type EndpointContent, type StoredEndpoint,
} from '../store/endpoints';
import { insertSecret } from '../store/endpoint-secrets';
import { cancelLive, gatherRetries } from '../store/lane-moves';
import { addSignals } from '../store/outbox';
import { bumpRouting, takeRoutingTurn } from '../store/routing-revision';
import { dropEndpointFromRules } from '../store/rules';
import { verifyTokenPlace } from '../store/sealed-places';
import { REDACTED } from '../wire/redact';
import { changeAuthentication, NO_AUTHENTICATION, type AuthenticationChange } from './endpoint-auth';
import { changeHeaders, sealHeaders, type HeaderChange } from './endpoint-headers';
import { refuseArchived } from './manage-event-type';

/** Most endpoints of one workspace. */
export const MAX_ENDPOINTS = 20_000;
/** Most endpoints of one scope that begins with `flow:` (seed "flow": not more than 5 for a flow). */
export const MAX_FLOW_ENDPOINTS = 5;

/** What these commands need. */
export type EndpointDeps = Pick<Deps, 'newId' | 'keyRing'>;

/** Whose endpoint, and who changes it: a key's id or `root`. */
export interface EndpointBy {
  readonly workspaceId: string;
  readonly actor: string;
}

/** A new endpoint; its URL, headers and secret, and what its TLS has of its own, are checked. */
export interface NewEndpoint extends AuthenticationChange {
  readonly name: string | null;
  readonly url: string;
  readonly dialect: DialectName;
  readonly events: readonly string[];
  readonly scope: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly policy: PolicyOverrides;
  readonly metadata: JsonObject;
  /** Null: requests go unsigned until one is set. */
  readonly secret: string | null;
  /** What the bodies of its dialect carry; null or absent: none. */
  readonly verifyToken?: string | null | undefined;
  /** Its expression is checked; null or absent: none. */
  readonly transform?: Transform | null | undefined;
}

/** A change of an endpoint: what is undefined stays; a policy is merged part by part. */
export interface EndpointChange extends AuthenticationChange {
  readonly name?: string | null | undefined;
  readonly url?: string | undefined;
  readonly events?: readonly string[] | undefined;
  readonly scope?: string | null | undefined;
  readonly headers?: HeaderChange | undefined;
  readonly policy?: PolicyOverrides | undefined;
  readonly metadata?: JsonObject | undefined;
  /** Null takes it away. */
  readonly transform?: Transform | null | undefined;
  /** Null removes it; {@link REDACTED} keeps the one that is there. */
  readonly verifyToken?: string | null | undefined;
}

/**
 * Makes an endpoint, ACTIVE, and has its watcher started.
 * @throws AppError 422 `limit_reached`, `scope_full`, or `invalid` for a policy whose parts contradict one another, types
 * that its dialect is never owed, and a verify token that its dialect does not send.
 */
export async function createEndpoint(deps: EndpointDeps, trx: Sql, by: EndpointBy, given: NewEndpoint): Promise<StoredEndpoint> {
  requirePolicy(given.dialect, given.policy);
  requireUsefulPatterns(given.dialect, given.events);
  await refuseArchived(trx, by.workspaceId, given.events);
  requireTransformable(given.dialect, given.transform ?? null);
  await requireRoom(trx, by.workspaceId, given.scope, true);
  const id = deps.newId('endpoint');
  const content: EndpointContent = {
    ...given, sealedHeaders: sealHeaders(deps.keyRing, id, given.headers), policyOverrides: given.policy, transform: given.transform ?? null,
    sealedVerifyToken: sealVerifyToken(deps, id, given.dialect, given.verifyToken ?? null, null),
    ...changeAuthentication(deps.keyRing, id, NO_AUTHENTICATION, given, { headerNames: Object.keys(given.headers), url: given.url }),
  };
  const endpoint = await insertEndpoint(trx, { id, workspaceId: by.workspaceId, dialect: given.dialect }, content);
  if (given.secret !== null) await insertSecret(trx, deps.keyRing, deps.newId('secret'), id, given.secret);
  await finish(deps, trx, by, 'endpoint.create', id, shown(endpoint));
  return endpoint;
}

/**
 * Changes an endpoint, from its next attempt on.
 * @throws AppError 404; 422 as {@link createEndpoint}.
 */
export async function changeEndpoint(deps: EndpointDeps, trx: Sql, by: EndpointBy, id: string, change: EndpointChange): Promise<StoredEndpoint> {
  if (change.scope !== undefined) await takeRoutingTurn(trx, `endpoints|${by.workspaceId}`);
  const before = await lockEndpoint(trx, by.workspaceId, id);
  if (!before) throw notFound('endpoint', id);
  const policyOverrides = mergeOverrides(before.policyOverrides, change.policy ?? {});
  requirePolicy(before.dialect, policyOverrides);
  if (change.events) {
    requireUsefulPatterns(before.dialect, change.events);
    await refuseArchived(trx, by.workspaceId, change.events, before.events);
  }
  requireTransformable(before.dialect, change.transform ?? null);
  const scope = change.scope === undefined ? before.scope : change.scope;
  if (scope !== before.scope) await requireRoom(trx, by.workspaceId, scope, false);
  const url = change.url ?? before.url;
  const sealedHeaders = change.headers ? changeHeaders(deps.keyRing, id, before.sealedHeaders, change.headers) : before.sealedHeaders;
  const endpoint = await updateEndpoint(trx, by.workspaceId, id, {
    name: change.name === undefined ? before.name : change.name,
    url,
    events: change.events ?? before.events,
    scope,
    sealedHeaders,
    ...changeAuthentication(deps.keyRing, id, before, change, { headerNames: Object.keys(sealedHeaders), url }),
    policyOverrides,
    metadata: change.metadata ?? before.metadata,
    transform: change.transform === undefined ? before.transform : change.transform,
    sealedVerifyToken: change.verifyToken === undefined ? before.sealedVerifyToken
      : sealVerifyToken(deps, id, before.dialect, change.verifyToken, before.sealedVerifyToken),
  });
  const isInOrder = (overrides: PolicyOverrides): boolean => effectivePolicyView(before.dialect, overrides).ordering === 'fifo';
  if (isInOrder(policyOverrides) && !isInOrder(before.policyOverrides)) await gatherRetries(trx, id);
  await finish(deps, trx, by, 'endpoint.update', id, shown(endpoint));
  return endpoint;
}

/** Deletes an endpoint: cancels what it is owed, and no rule names it any more. Its watcher then ends. @throws AppError 404. */
export async function removeEndpoint(deps: EndpointDeps, trx: Sql, by: EndpointBy, id: string): Promise<void> {
  const endpoint = await lockEndpoint(trx, by.workspaceId, id, 'for update');
  if (!endpoint) throw notFound('endpoint', id);
  const cancelled = await cancelLive(trx, id, 'all', 'endpoint_deleted');
  await dropEndpointFromRules(trx, by.workspaceId, id);
  await deleteEndpoint(trx, by.workspaceId, id);
  await finish(deps, trx, by, 'endpoint.delete', id, { cancelled });
}

async function finish(deps: EndpointDeps, trx: Sql, by: EndpointBy, action: string, endpointId: string, detail: JsonObject): Promise<void> {
  await addAudit(trx, { id: deps.newId('audit'), ...by, action, subjectId: endpointId, detail });
  await addSignals(trx, [{ workspaceId: by.workspaceId, endpointId, signal: 'changed' }]);
  await bumpRouting(trx, by.workspaceId, endpointId);
}

/** What the audit trail keeps of an endpoint: no header's value, and of its URL what is before the query. */
const shown = (endpoint: StoredEndpoint): JsonObject => ({
  name: endpoint.name,
  url: endpoint.url.split('?')[0] ?? '',
  events: endpoint.events,
  scope: endpoint.scope,
  headerNames: endpoint.headerNames,
  auth: endpoint.auth && endpoint.auth.type,
  tls: endpoint.tls && Object.entries(endpoint.tls).flatMap(([part, pem]) => (pem === null ? [] : [part])),
  policy: endpoint.policyOverrides as JsonObject,
  transform: endpoint.transform && { ...endpoint.transform },
});

async function requireRoom(trx: Sql, workspaceId: string, scope: string | null, isNew: boolean): Promise<void> {
  // Whoever counts holds the turn until its row is committed, so that parallel calls can't both find the last place.
  await takeRoutingTurn(trx, `endpoints|${workspaceId}`);
  const { total, inScope } = await countEndpoints(trx, workspaceId, scope);
  if (isNew && total >= MAX_ENDPOINTS) {
    throw new AppError('limit_reached', `The workspace has ${MAX_ENDPOINTS} endpoints, which is as many as it may. Delete some first.`);
  }
  if (scope?.startsWith('flow:') && inScope >= MAX_FLOW_ENDPOINTS) {
    throw new AppError('scope_full', `The scope ${scope} has ${inScope} endpoints; at most ${MAX_FLOW_ENDPOINTS} are allowed.`,
      [{ path: 'scope', message: `holds ${inScope} endpoints already; at most ${MAX_FLOW_ENDPOINTS} are allowed` }]);
  }
}

function requireTransformable(dialect: DialectName, transform: Transform | null): void {
  if (transform === null || takesTransform(dialect)) return;
  throw invalid('transform', DIALECTS[dialect].tellsHistory
    ? `can not be used with the dialect ${dialect}, whose body tells of the attempts before it` : `can not be used with the dialect ${dialect}, which passes on what was received`);
}

function requireUsefulPatterns(dialect: DialectName, events: readonly string[]): void {
  const useless = uselessSubscriptions(dialect, events);
  if (useless.length === 0) return;
  if (useless.every(isInbound) || DIALECTS[dialect].types?.every(isInbound)) {
    throw invalid('events', `can not name ${useless.join(', ')}: what a channel receives is owed to the channel's own endpoints, and by rules that name it`);
  }
  throw invalid('events', neverOwed(dialect, useless));
}

/** Says why a dialect's endpoint can't be told of these types, and what it can be told of. */
export function neverOwed(dialect: DialectName, patterns: readonly string[]): string {
  const { types } = DIALECTS[dialect];
  return `an endpoint of the dialect ${dialect} is never owed ${patterns.join(', ')}; it takes ${types?.every(isInbound) ? '' : '"*" and '}${types ? types.join(', ') : 'events of records, and your own'}`;
}

function sealVerifyToken({ keyRing }: EndpointDeps, id: string, dialect: DialectName, token: string | null, before: string | null): string | null {
  if (token === null) return null;
  if (!DIALECTS[dialect].verifyToken) throw invalid('verifyToken', `is not sent by the dialect ${dialect}, which signs its requests`);
  if (token !== REDACTED) return keyRing.seal(token, verifyTokenPlace(id));
  if (before === null) throw invalid('verifyToken', `"${REDACTED}" keeps the token that is there; this endpoint has none`);
  return before;
}

/** Ranges are the schema's; here is what only shows when the parts are put together. */
function requirePolicy(dialect: DialectName, overrides: PolicyOverrides): void {
  const { probe, timeout, connectTimeout } = effectivePolicyView(dialect, overrides);
  if (probe && (parseDuration(probe.every) ?? 0) > (parseDuration(probe.max) ?? 0)) {
    throw invalid('policy.probe.every', `must not be longer than probe.max, which is ${probe.max}`);
  }
  if (overrides.connectTimeout !== undefined && (parseDuration(connectTimeout) ?? 0) > (parseDuration(timeout) ?? 0)) {
    throw invalid('policy.connectTimeout', `must not be longer than timeout, which is ${timeout}`);
  }
}
