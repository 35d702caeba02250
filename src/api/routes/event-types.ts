import { z } from 'zod';
import { putEventType, removeEventType } from '../../commands/manage-event-type';
import { BUILT_IN_TYPES, builtInType, type BuiltInType, type CataloguedType } from '../../domain/event-catalogue';
import { notFound } from '../../errors';
import { findEventType, listEventTypes } from '../../store/event-types';
import { by } from '../by';
import { openNames } from '../lists';
import { presentBuiltIn, presentEventType, sampleOfBuiltIn, sampleOfType } from '../present-event-type';
import { route, type Route } from '../route';
import { eventTypeDetailOut, eventTypeOut, eventTypePut, eventTypeQuery } from '../schemas/event-type';
import { eventType, pageOf } from '../schemas/shared';

const tag = 'event-types';
const params = z.object({ type: eventType });
/** A schema and an example of 64 KiB each, with white space, and what stands around them. */
const BODY_LIMIT = 384 * 1024;

/** The catalogue of event types: the built-in ones, and those of the workspace. */
export const eventTypeRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/v1/event-types', role: 'read', tag, summary: 'List the types of event, built-in ones included, by name',
    query: eventTypeQuery, replies: { 200: pageOf(eventTypeOut) },
    handle: async ({ query: { kind, archived, ...query } }, context) => {
      const list = openNames(context, 'event-types', query);
      const own = kind === undefined || kind === 'custom'
        ? await listEventTypes(context.sql, context.caller.workspaceId, list.after, query.limit + 1, archived ?? null) : [];
      const builtIn = archived === true ? [] : BUILT_IN_TYPES.filter((one) => one.type > list.after && (kind === undefined || one.kind === kind));
      const rows = [...own, ...builtIn].sort((a, b) => (a.type < b.type ? -1 : 1)).slice(0, query.limit + 1);
      return { status: 200, body: list.page(rows.map((one) => ({ name: one.type, one })), ({ one }) => presented(one)) };
    },
  }),
  route({
    method: 'GET', path: '/v1/event-types/:type', role: 'read', tag, summary: 'Read a type of event, with a sample of its data',
    params, replies: { 200: eventTypeDetailOut },
    handle: async ({ params: { type } }, context) => {
      const builtIn = builtInType(type);
      if (builtIn) return { status: 200, body: { ...presentBuiltIn(builtIn), sample: sampleOfBuiltIn(builtIn) } };
      const stored = await findEventType(context.sql, context.caller.workspaceId, type);
      if (!stored) throw notFound('event type', type);
      return { status: 200, body: withSample(stored) };
    },
  }),
  route({
    method: 'PUT', path: '/v1/event-types/:type', role: 'write', tag, summary: 'Put a type into the catalogue, or another in its place',
    params, bodyLimit: BODY_LIMIT, body: eventTypePut, replies: { 200: eventTypeDetailOut, 201: eventTypeDetailOut },
    handle: async ({ params: { type }, body }, context) => {
      const { stored, isNew } = await context.write((trx) => putEventType(context.deps, trx, by(context), { ...body, type, example: body.example }));
      await context.catalogues.refresh();
      return { status: isNew ? 201 : 200, body: withSample(stored) };
    },
  }),
  route({
    method: 'DELETE', path: '/v1/event-types/:type', role: 'write', tag, summary: 'Take a type out of the catalogue; its events are published as before',
    params, replies: { 204: null },
    handle: async ({ params: { type } }, context) => {
      await context.write((trx) => removeEventType(context.deps, trx, by(context), type));
      await context.catalogues.refresh();
      return { status: 204 };
    },
  }),
];
const presented = (one: BuiltInType | CataloguedType) => ('kind' in one ? presentBuiltIn(one) : presentEventType(one));

function withSample(stored: CataloguedType) {
  const sample = sampleOfType(stored);
  return { ...presentEventType(stored), ...(sample !== undefined && { sample }) };
}
