import { z } from 'zod';
import { createEndpoint, removeEndpoint } from '../../commands/manage-endpoint';
import { rotateSecret } from '../../commands/rotate-secret';
import { reactivateEndpoint } from '../../commands/switch-endpoint';
import { FLOW_TYPES } from '../../domain/family-flow';
import { invalid, notFound } from '../../errors';
import { findEndpoint, listEndpoints, type StoredEndpoint } from '../../store/endpoints';
import { loadTarget } from '../../store/routing';
import { by } from '../by';
import { requireUrl, secretFor } from '../endpoint-input';
import { listQuery, openList } from '../lists';
import { presentEndpoint, presentSecret } from '../present-endpoint';
import { route, type Route, type RouteContext } from '../route';
import { endpointOut, endpointWithSecret, flowName, refreshBody, refreshOut, testBody, testOut, webhookCreate } from '../schemas/endpoint';
import { idOf, pageOf } from '../schemas/shared';
import { testCall, type Asked, type TestResult } from '../test-call';

const tag = 'flows';
const flowParams = z.object({ flow: flowName });
const params = z.object({ flow: flowName, endpointId: idOf('endpoint') });
/** As a rotation by itself: a day. */
const GRACE_SECONDS = 86_400;
const TEST_LIMIT = 512 * 1024;

/** The webhooks of a flow (seed "flow", "Webhook set up"): endpoints of the dialect `flow` in the scope `flow:<flow>`. */
export const flowRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/v1/flows/:flow/webhooks', role: 'read', tag, summary: 'List the webhooks of a flow, newest first',
    params: flowParams, query: listQuery, replies: { 200: pageOf(endpointOut) },
    handle: async ({ params: { flow }, query }, context) => {
      const list = openList(context, `flow webhooks ${flow}`, 'endpoint', query);
      const rows = await listEndpoints(context.sql, context.caller.workspaceId, list.bounds, { scope: scopeOf(flow), status: null });
      return { status: 200, body: list.page(rows, presentEndpoint) };
    },
  }),
  route({
    method: 'POST', path: '/v1/flows/:flow/webhooks', role: 'write', tag, summary: 'Add a webhook to a flow: at most 5; its secret is shown in the answer',
    params: flowParams, body: webhookCreate, replies: { 201: endpointWithSecret }, secretReply: true,
    prepare: ({ body: { url } }, { deps }) => requireUrl(deps, url, 'flow'),
    handle: async ({ params: { flow }, body: { url } }, context) => {
      const secret = secretFor('flow', undefined, undefined);
      const endpoint = await context.write((trx) => createEndpoint(context.deps, trx, by(context), {
        name: null, url, dialect: 'flow', events: FLOW_TYPES, scope: scopeOf(flow), headers: {}, policy: {}, metadata: {}, secret,
      }));
      return { status: 201, body: { ...presentEndpoint(endpoint), ...presentSecret(secret) } };
    },
  }),
  route({
    method: 'POST', path: '/v1/flows/:flow/webhooks/:endpointId/refresh', role: 'write', tag, noIdempotency: true,
    summary: 'Test a webhook; if that succeeds it is reactivated and drained; with rotateSecret it gets a new secret',
    params, body: refreshBody, replies: { 200: refreshOut },
    handle: async ({ params: { flow, endpointId }, body: { rotateSecret: rotates } }, context) => {
      const before = await requireWebhook(context, flow, endpointId);
      const secret = rotates ? secretFor(before.dialect, undefined, undefined) : null;
      if (rotates && secret === null) {
        throw invalid('rotateSecret', `can not be done: an endpoint of the dialect ${before.dialect} has no secret that is made for it`);
      }
      const test = await callWebhook(context, endpointId, undefined);
      const endpoint = await context.write(async (trx) => {
        const reactivated = test.outcome === 'ok'
          ? await reactivateEndpoint(context.deps, trx, { workspaceId: before.workspaceId, endpointId, actor: context.caller.keyId, drain: true })
          : before;
        return secret === null ? reactivated
          : { ...reactivated, ...(await rotateSecret(context.deps, trx, by(context), endpointId, { secret, graceSeconds: GRACE_SECONDS })) };
      });
      return { status: 200, body: { ...presentEndpoint(endpoint), test, ...(secret !== null && presentSecret(secret)) } };
    },
  }),
  route({
    method: 'POST', path: '/v1/flows/:flow/webhooks/:endpointId/test', role: 'write', tag, noIdempotency: true, bodyLimit: TEST_LIMIT,
    summary: 'Send a webhook one real signed request now and tell what came of it; nothing is stored or counted',
    params, body: testBody, replies: { 200: testOut },
    handle: async ({ params: { flow, endpointId }, body }, context) => {
      await requireWebhook(context, flow, endpointId);
      return { status: 200, body: await callWebhook(context, endpointId, body.event) };
    },
  }),
  route({
    method: 'DELETE', path: '/v1/flows/:flow/webhooks/:endpointId', role: 'write', tag, summary: 'Delete a webhook; cancels what it is owed',
    params, replies: { 204: null },
    handle: async ({ params: { flow, endpointId } }, context) => {
      await requireWebhook(context, flow, endpointId);
      await context.write((trx) => removeEndpoint(context.deps, trx, by(context), endpointId));
      context.deps.poster.forget(endpointId);
      return { status: 204 };
    },
  }),
];

const scopeOf = (flow: string): string => `flow:${flow}`;

async function requireWebhook({ sql, caller }: RouteContext, flow: string, id: string): Promise<StoredEndpoint> {
  const endpoint = await findEndpoint(sql, caller.workspaceId, id);
  if (endpoint?.scope !== scopeOf(flow)) throw notFound(`webhook of the flow "${flow}"`, id);
  return endpoint;
}

async function callWebhook({ deps, sql }: RouteContext, id: string, event: Asked | undefined): Promise<TestResult> {
  const target = await loadTarget(sql, deps.keyRing, id);
  if (!target) throw notFound('webhook', id);
  return testCall(deps, sql, target, event);
}
