import { z } from 'zod';
import { cancelOne, resendEvent, retryDelivery } from '../../commands/redeliver';
import { DELIVERY_STATUSES } from '../../domain/delivery';
import { notFound } from '../../errors';
import { findDelivery, listAttempts, listDeliveries } from '../../store/deliveries-read';
import { findEndpoint, openVerifyToken } from '../../store/endpoints';
import { findEvent } from '../../store/events';
import { readSendHistory } from '../../store/send-history';
import { findKeptBody } from '../../store/transformed';
import { createFileLinker } from '../../wire/file-link';
import { listQuery, openList } from '../lists';
import { bodyFinder, presentAttempt, presentDelivery, presentWorkflow } from '../present-delivery';
import { route, type Route } from '../route';
import { deliveryDetail, deliveryOut, resendBody, resendOut } from '../schemas/delivery';
import { idOf, pageOf } from '../schemas/shared';

const tag = 'deliveries';
const params = z.object({ deliveryId: idOf('delivery') });

/** The calls of deliveries, and the resend of an event, which makes some. */
export const deliveryRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/v1/deliveries', role: 'read', tag, summary: 'List deliveries, newest first',
    query: listQuery.extend({
      status: z.enum(DELIVERY_STATUSES).optional(), endpointId: idOf('endpoint').optional(), eventId: idOf('event').optional(),
    }),
    replies: { 200: pageOf(deliveryOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'deliveries', 'delivery', query);
      const filter = { status: query.status ?? null, endpointId: query.endpointId ?? null, eventId: query.eventId ?? null };
      const rows = await listDeliveries(context.sql, context.caller.workspaceId, list.bounds, filter);
      return { status: 200, body: list.page(rows, presentDelivery) };
    },
  }),
  route({
    method: 'GET', path: '/v1/deliveries/:deliveryId', role: 'read', tag, summary: 'Read a delivery, its attempts and its workflow',
    params, replies: { 200: deliveryDetail },
    handle: async ({ params: { deliveryId } }, { deps, read, caller: { workspaceId } }) => {
      const { delivery, told, endpoint, attempts, history, kept } = await read(async (sql) => {
        const found = await findDelivery(sql, workspaceId, deliveryId);
        if (!found) throw notFound('delivery', deliveryId);
        return {
          delivery: found,
          told: await findEvent(sql, workspaceId, found.eventId),
          endpoint: await findEndpoint(sql, workspaceId, found.endpointId),
          attempts: await listAttempts(sql, found.eventId, deliveryId),
          history: await readSendHistory(sql, found.eventId, found.endpointId, deliveryId),
          kept: await findKeptBody(sql, found),
        };
      });
      const findBody = bodyFinder({
        event: told?.event ?? null,
        transformed: kept.body,
        dialect: endpoint?.dialect ?? null,
        history,
        verifyToken: endpoint && openVerifyToken(deps.keyRing, endpoint),
        fileLink: createFileLinker(deps),
      });
      return {
        status: 200,
        body: {
          ...presentDelivery(delivery),
          attempts: attempts.map((attempt) => presentAttempt(attempt, findBody)),
          workflow: presentWorkflow(deps.config, delivery, told?.workflow ?? null),
        },
      };
    },
  }),
  route({
    method: 'POST', path: '/v1/deliveries/:deliveryId/retry', role: 'write', tag,
    summary: 'Attempt a delivery now; one that is over gets a new delivery, linked by resendOf', params, replies: { 202: deliveryOut },
    handle: async ({ params: { deliveryId } }, context) => ({
      status: 202,
      body: presentDelivery(await context.write((trx) => retryDelivery(context.deps, trx, context.caller.workspaceId, deliveryId))),
    }),
  }),
  route({
    method: 'POST', path: '/v1/deliveries/:deliveryId/cancel', role: 'write', tag, summary: 'Cancel a delivery that has not ended',
    params, replies: { 202: deliveryOut },
    handle: async ({ params: { deliveryId } }, context) => ({
      status: 202, body: presentDelivery(await context.write((trx) => cancelOne(trx, context.caller.workspaceId, deliveryId))),
    }),
  }),
  route({
    method: 'POST', path: '/v1/events/:eventId/resend', role: 'write', tag,
    summary: 'Send an event again, to those it was owed to or to the named endpoints; rules are not evaluated again',
    params: z.object({ eventId: idOf('event') }), body: resendBody, replies: { 202: resendOut },
    handle: async ({ params: { eventId }, body }, context) => {
      const deliveries = await context.write((trx) =>
        resendEvent(context.deps, trx, context.caller.workspaceId, eventId, body.endpointIds ?? null));
      return { status: 202, body: { deliveries: deliveries.map(presentDelivery) } };
    },
  }),
];
