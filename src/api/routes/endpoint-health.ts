import { z } from 'zod';
import { watchEndpointId } from '../../../workflows/contract';
import { notFound } from '../../errors';
import { readHealth } from '../../store/endpoint-health';
import { findEndpoint } from '../../store/endpoints';
import { loadTarget } from '../../store/routing';
import { workflowUrl } from '../../temporal-links';
import { route, type Route } from '../route';
import { healthOut, testBody, testOut } from '../schemas/endpoint';
import { idOf } from '../schemas/shared';
import { testCall } from '../test-call';

const tag = 'endpoints';
const params = z.object({ endpointId: idOf('endpoint') });
/** Room for an event's data as a sample. */
const TEST_LIMIT = 512 * 1024;

/** Looking at endpoints, and calling them once by hand. */
export const endpointHealthRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/v1/endpoints/:endpointId/health', role: 'read', tag, summary: "An endpoint's status, failures, backlog and speed",
    params, replies: { 200: healthOut },
    handle: async ({ params: { endpointId } }, { deps, read, caller }) => {
      const { endpoint, health } = await read(async (sql) => {
        const found = await findEndpoint(sql, caller.workspaceId, endpointId);
        const facts = found && (await readHealth(sql, endpointId, deps.now()));
        if (!found || !facts) throw notFound('endpoint', endpointId);
        return { endpoint: found, health: facts };
      });
      const id = watchEndpointId(endpointId);
      return {
        status: 200,
        body: {
          status: endpoint.status,
          reason: endpoint.statusReason,
          since: endpoint.statusSince.toISOString(),
          consecutiveFailures: health.consecutiveFailures,
          lastSuccessAt: health.lastSuccessAt?.toISOString() ?? null,
          lastFailure: health.lastFailure && { at: health.lastFailure.at.toISOString(), outcome: health.lastFailure.outcome },
          held: health.held,
          pending: health.pending,
          drainPaused: endpoint.drainPaused,
          p50Ms: health.p50Ms,
          p95Ms: health.p95Ms,
          successRate: health.successRate,
          workflow: { id, url: workflowUrl(deps.config, id, null) },
        },
      };
    },
  }),
  route({
    method: 'POST', path: '/v1/endpoints/:endpointId/test', role: 'write', tag, noIdempotency: true, bodyLimit: TEST_LIMIT,
    summary: 'Send one real signed request now and tell what came of it; nothing is stored or counted',
    params, body: testBody, replies: { 200: testOut },
    handle: async ({ params: { endpointId }, body }, { deps, sql, caller }) => {
      const target = await loadTarget(sql, deps.keyRing, endpointId);
      if (target?.workspaceId !== caller.workspaceId) throw notFound('endpoint', endpointId);
      return { status: 200, body: await testCall(deps, sql, target, body.event) };
    },
  }),
];
