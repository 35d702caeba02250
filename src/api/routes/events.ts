import { z } from 'zod';
import { appendToObjects, MAX_DATA_BYTES, newCustomEvent, noSuchSubject } from '../../commands/append-event';
import { notFound } from '../../errors';
import type { InsertedEvent } from '../../store/event-insert';
import { findEvent, listDeliveriesOfEvent, listEvents } from '../../store/events';
import { workflowUrl } from '../../temporal-links';
import { checkEvent, type Warnings } from '../check-event';
import { eventText, eventValue } from '../event-text';
import { listQuery, openList } from '../lists';
import { postedEvent } from '../posted-event';
import { publishBatch } from '../publish-batch';
import { route, type Answer, type Route, type RouteContext } from '../route';
import { batchBody, batchOut, deliveredFilter, eventDetailOut, eventOut, externalId, publishBody, published } from '../schemas/events';
import { eventType, idOf, objectId, pageOf } from '../schemas/shared';

/** Room for the data and for what stands around it. */
const BODY_LIMIT = MAX_DATA_BYTES + 16 * 1024;
const BATCH_LIMIT = 8 * 1024 * 1024;

const tag = 'events';

/** The calls of events. */
export const eventRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/events', role: 'publish', tag, summary: 'Publish an event of your own', bodyLimit: BODY_LIMIT,
    body: publishBody, replies: { 202: published, 200: published },
    handle: async ({ body, raw }, context) => {
      const event = newCustomEvent(context.deps.newId, context.caller.workspaceId, postedEvent(body, raw, 0, context));
      const warnings = (await checkEvent(context, body.type, body.data)) ?? [];
      const subject = body.objectId;
      if (subject === undefined) return publishedAnswer(context, await context.publish(event), event.externalId, warnings);
      const [inserted] = await context.write((trx) => appendToObjects(trx, event.workspaceId, [{ event, objectId: subject }]));
      if (!inserted) throw noSuchSubject(subject);
      return publishedAnswer(context, inserted, event.externalId, warnings);
    },
  }),
  route({
    method: 'POST', path: '/v1/events/batch', role: 'publish', tag, summary: 'Publish up to 1,000 events; each is answered in its place',
    bodyLimit: BATCH_LIMIT, body: batchBody, replies: { 202: batchOut },
    handle: async ({ body, raw }, context) => ({ status: 202, body: { results: await publishBatch(body.events, raw, context) } }),
  }),
  route({
    method: 'GET', path: '/v1/events', role: 'read', tag, summary: 'List events, newest first',
    query: listQuery.extend({
      type: eventType.optional(), objectId: objectId.optional(), externalId: externalId.optional(), delivered: deliveredFilter.optional(),
    }),
    replies: { 200: pageOf(eventOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'events', 'event', query);
      const read = await listEvents(context.sql, context.caller.workspaceId, list.bounds, query);
      const { data, nextCursor } = list.page(read, ({ told }) => told);
      return {
        status: 200,
        body: { data: data.map((one) => eventValue(one)), nextCursor },
        text: `{"data":[${data.map((one) => eventText(one)).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`,
      };
    },
  }),
  route({
    method: 'GET', path: '/v1/events/:eventId', role: 'read', tag, summary: 'Read an event, its deliveries and its workflow',
    params: z.object({ eventId: idOf('event') }), replies: { 200: eventDetailOut },
    handle: async ({ params: { eventId } }, context) => {
      const { deps, caller: { workspaceId } } = context;
      const { told, deliveries } = await context.read(async (sql) => {
        const found = await findEvent(sql, workspaceId, eventId);
        if (!found) throw notFound('event', eventId);
        return { told: found, deliveries: await listDeliveriesOfEvent(sql, workspaceId, eventId) };
      });
      const workflow = told.workflow && { ...told.workflow, url: workflowUrl(deps.config, told.workflow.id, told.workflow.runId) };
      const extras = { deliveries, workflow };
      return { status: 200, body: eventValue(told, extras), text: eventText(told, extras) };
    },
  }),
];

function publishedAnswer({ deps }: RouteContext, { id, duplicate }: InsertedEvent, ownId: string | null, warnings: Warnings): Answer {
  deps.metrics.api.published[duplicate ? 'duplicate' : 'stored'].add();
  return { status: duplicate ? 200 : 202, body: { id, externalId: ownId, duplicate, ...(warnings.length > 0 && { warnings }) } };
}
