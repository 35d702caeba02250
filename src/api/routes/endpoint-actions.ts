import { z } from 'zod';
import { rotateSecret } from '../../commands/rotate-secret';
import { deactivateEndpoint, drainEndpoint, reactivateEndpoint } from '../../commands/switch-endpoint';
import { DIALECTS } from '../../domain/dialect';
import { invalid } from '../../errors';
import { addAudit } from '../../store/audit';
import { readCurrentSecret } from '../../store/endpoint-secrets';
import type { StoredEndpoint } from '../../store/endpoints';
import { by } from '../by';
import { secretFor } from '../endpoint-input';
import { presentEndpoint, presentSecret } from '../present-endpoint';
import { requireEndpoint } from '../require-endpoint';
import { route, type Answer, type Route, type RouteContext } from '../route';
import { deactivateBody, drainBody, endpointOut, endpointWithSecret, reactivateBody, rotateBody, secretOut } from '../schemas/endpoint';
import { idOf } from '../schemas/shared';

const tag = 'endpoints';
const params = z.object({ endpointId: idOf('endpoint') });

/** Switching endpoints off and on, and their secrets. */
export const endpointActionRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/endpoints/:endpointId/deactivate', role: 'write', tag, summary: 'Stop calling an endpoint; what it is owed is held',
    params, body: deactivateBody, replies: { 202: endpointOut },
    handle: async ({ params: { endpointId }, body: { reason } }, context) =>
      accepted(await context.write((trx) => deactivateEndpoint(context.deps, trx, { ...switchOf(context, endpointId), reason }))),
  }),
  route({
    method: 'POST', path: '/v1/endpoints/:endpointId/reactivate', role: 'write', tag, summary: 'Call an endpoint again; drain sends what is held',
    params, body: reactivateBody, replies: { 202: endpointOut },
    handle: async ({ params: { endpointId }, body: { drain } }, context) =>
      accepted(await context.write((trx) => reactivateEndpoint(context.deps, trx, { ...switchOf(context, endpointId), drain }))),
  }),
  route({
    method: 'POST', path: '/v1/endpoints/:endpointId/drain', role: 'write', tag, summary: 'Start or pause the drain of what is held, or drop it',
    params, body: drainBody, replies: { 202: endpointOut },
    handle: async ({ params: { endpointId }, body: { action } }, context) =>
      accepted(await context.write((trx) => drainEndpoint(context.deps, trx, { ...switchOf(context, endpointId), action }))),
  }),
  route({
    method: 'GET', path: '/v1/endpoints/:endpointId/secret', role: 'admin', tag, summary: 'Show the secret that an endpoint signs with',
    params, replies: { 200: secretOut },
    handle: async ({ params: { endpointId } }, context) => {
      const { deps, caller } = context;
      await requireEndpoint(context, endpointId);
      const secret = await context.write(async (trx) => {
        await addAudit(trx, {
          id: deps.newId('audit'), workspaceId: caller.workspaceId, actor: caller.keyId, action: 'endpoint.reveal-secret', subjectId: endpointId, detail: {},
        });
        return readCurrentSecret(trx, deps.keyRing, endpointId);
      });
      return { status: 200, body: presentSecret(secret) };
    },
  }),
  route({
    method: 'POST', path: '/v1/endpoints/:endpointId/rotate-secret', role: 'write', tag,
    summary: 'Give an endpoint a new secret; both sign until the grace ends',
    params, body: rotateBody, replies: { 200: endpointWithSecret }, secretReply: true,
    handle: async ({ params: { endpointId }, body }, context) => {
      const { dialect } = await requireEndpoint(context, endpointId);
      const secret = secretFor(dialect, body.secret, body.signature);
      if (secret === null) {
        throw invalid('secret', DIALECTS[dialect].signature === 'none'
          ? `can not be rotated: the dialect ${dialect} signs nothing` : `must be given: the dialect ${dialect} signs with one that you set`);
      }
      const endpoint = await context.write((trx) => rotateSecret(context.deps, trx, by(context), endpointId, { secret, graceSeconds: body.graceSeconds }));
      return { status: 200, body: { ...presentEndpoint(endpoint), ...presentSecret(secret) } };
    },
  }),
];

const accepted = (endpoint: StoredEndpoint): Answer => ({ status: 202, body: presentEndpoint(endpoint) });

const switchOf = (context: RouteContext, endpointId: string) => ({ ...by(context), endpointId });
