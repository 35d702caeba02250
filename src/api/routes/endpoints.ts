import { z } from 'zod';
import { changeEndpoint, createEndpoint, removeEndpoint } from '../../commands/manage-endpoint';
import { ENDPOINT_STATUSES } from '../../domain/endpoint';
import type { PolicyOverrides } from '../../domain/policy';
import { invalid } from '../../errors';
import { listEndpoints, openTlsKey } from '../../store/endpoints';
import { by } from '../by';
import { requireHeaders, requireTls, requireTransform, requireUrl, secretFor, urlOf } from '../endpoint-input';
import { listQuery, openList } from '../lists';
import { presentEndpoint, presentSecret } from '../present-endpoint';
import { requireEndpoint } from '../require-endpoint';
import { route, type Route } from '../route';
import { endpointChange, endpointCreate, endpointOut, endpointWithSecret } from '../schemas/endpoint';
import { idOf, pageOf } from '../schemas/shared';
import { endpointActionRoutes } from './endpoint-actions';
import { endpointHealthRoutes } from './endpoint-health';

const tag = 'endpoints';
const params = z.object({ endpointId: idOf('endpoint') });
/** 50 headers of 4 KiB, certificates, and the rest. */
const BODY_LIMIT = 384 * 1024;

/** Making, reading, changing and deleting endpoints. */
const resourceRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/endpoints', role: 'write', tag, summary: 'Make an endpoint; its secret is shown in the answer',
    bodyLimit: BODY_LIMIT, body: endpointCreate, replies: { 201: endpointWithSecret }, secretReply: true,
    prepare: async ({ body }, { deps, caller }) => {
      requireHeaders(body.headers);
      await requireUrl(deps, urlOf(body) ?? '', body.dialect);
      if (body.auth?.type === 'oauth2') await requireUrl(deps, body.auth.tokenUrl, body.dialect, 'auth.tokenUrl');
      requireTls(deps, body.tls, null);
      await requireTransform(deps, caller.workspaceId, body.transform);
    },
    handle: async ({ body }, context) => {
      const { deps } = context;
      const url = urlOf(body) ?? '';
      const secret = secretFor(body.dialect, body.secret, body.signature);
      const endpoint = await context.write((trx) => createEndpoint(deps, trx, by(context), {
        name: body.name ?? null, url, dialect: body.dialect, events: body.events, scope: body.scope,
        headers: body.headers, policy: body.policy as PolicyOverrides, metadata: body.metadata, secret, verifyToken: body.verifyToken, transform: body.transform,
        auth: body.auth, tls: body.tls,
      }));
      return { status: 201, body: { ...presentEndpoint(endpoint), ...presentSecret(secret) } };
    },
  }),
  route({
    method: 'GET', path: '/v1/endpoints', role: 'read', tag, summary: 'List endpoints, newest first',
    query: listQuery.extend({ scope: z.string().max(128).optional(), status: z.enum(ENDPOINT_STATUSES).optional() }),
    replies: { 200: pageOf(endpointOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'endpoints', 'endpoint', query);
      const filter = { scope: query.scope ?? null, status: query.status ?? null };
      const rows = await listEndpoints(context.sql, context.caller.workspaceId, list.bounds, filter);
      return { status: 200, body: list.page(rows, presentEndpoint) };
    },
  }),
  route({
    method: 'GET', path: '/v1/endpoints/:endpointId', role: 'read', tag, summary: 'Read an endpoint', params, replies: { 200: endpointOut },
    handle: async ({ params: { endpointId } }, context) => ({ status: 200, body: presentEndpoint(await requireEndpoint(context, endpointId)) }),
  }),
  route({
    method: 'PATCH', path: '/v1/endpoints/:endpointId', role: 'write', tag, summary: 'Change an endpoint; it applies from the next attempt on',
    params, bodyLimit: BODY_LIMIT, body: endpointChange, replies: { 200: endpointOut },
    handle: async ({ params: { endpointId }, body }, context) => {
      const before = await requireEndpoint(context, endpointId);
      if (body.dialect !== undefined && body.dialect !== before.dialect) {
        throw invalid('dialect', `can not be changed: this endpoint speaks ${before.dialect}. Make a new endpoint instead`);
      }
      if (body.headers) requireHeaders(body.headers);
      const url = urlOf(body, before.url);
      if (url !== undefined) await requireUrl(context.deps, url, before.dialect);
      if (body.auth?.type === 'oauth2') await requireUrl(context.deps, body.auth.tokenUrl, before.dialect, 'auth.tokenUrl');
      requireTls(context.deps, body.tls, openTlsKey(context.deps.keyRing, before));
      await requireTransform(context.deps, context.caller.workspaceId, body.transform);
      const endpoint = await context.write((trx) => changeEndpoint(context.deps, trx, by(context), endpointId, {
        name: body.name, url, events: body.events, scope: body.scope, headers: body.headers,
        policy: body.policy as PolicyOverrides | undefined, metadata: body.metadata, verifyToken: body.verifyToken, transform: body.transform,
        auth: body.auth, tls: body.tls,
      }));
      if (endpoint.url !== before.url) context.deps.poster.forget(endpointId);
      return { status: 200, body: presentEndpoint(endpoint) };
    },
  }),
  route({
    method: 'DELETE', path: '/v1/endpoints/:endpointId', role: 'write', tag, summary: 'Delete an endpoint; cancels what it is owed',
    params, replies: { 204: null },
    handle: async ({ params: { endpointId } }, context) => {
      await context.write((trx) => removeEndpoint(context.deps, trx, by(context), endpointId));
      context.deps.poster.forget(endpointId);
      return { status: 204 };
    },
  }),
];

/** The calls of endpoints. */
export const endpointRoutes: readonly Route[] = [...resourceRoutes, ...endpointActionRoutes, ...endpointHealthRoutes];
