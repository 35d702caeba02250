import type { z } from 'zod';
import { sampleEvent } from '../../commands/try-rule';
import type { Event } from '../../domain/event';
import { notFound } from '../../errors';
import { findEvent } from '../../store/events';
import { renderBody } from '../../wire/envelope';
import { catalogueSample, newCustomSample } from '../probe-event';
import { route, type Route, type RouteContext } from '../route';
import { transformTryBody, transformTryOut } from '../schemas/transform';

/** Room for a whole event as a sample. */
const TRY_LIMIT = 1024 * 1024;

/** Trying expressions. */
export const transformRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/transform/try', role: 'read', tag: 'endpoints', noIdempotency: true, bodyLimit: TRY_LIMIT,
    summary: 'Try an expression on an event or a sample: the body that it makes, or what is wrong; nothing is stored or sent',
    body: transformTryBody, replies: { 200: transformTryOut },
    handle: async ({ body }, context) => {
      const input = renderBody(body.dialect, await eventToTry(context, body)).toString('utf8');
      const { workspaceId } = context.caller;
      const made = await context.deps.transformer.transform({ workspaceId, key: `try|${workspaceId}` }, body.transform.expression, input);
      const error = 'fault' in made ? { message: made.fault, position: made.position } : null;
      const output = 'body' in made ? made.body : 'null';
      return {
        status: 200,
        body: { input: JSON.parse(input) as unknown, body: JSON.parse(output) as unknown, error },
        text: `{"input":${input},"body":${output},"error":${JSON.stringify(error)}}`,
      };
    },
  }),
];

async function eventToTry({ deps, sql, caller }: RouteContext, { event, eventId = '', dialect }: z.output<typeof transformTryBody>): Promise<Event> {
  if (event) {
    const { workspaceId } = caller;
    if (event.data !== undefined || event.object !== undefined) return sampleEvent(deps.newId('event'), workspaceId, event, deps.now());
    const data = (await catalogueSample(sql, workspaceId, event.type)) ?? { test: true };
    return newCustomSample(deps.newId('event'), { workspaceId, dialect }, { type: event.type, data }, deps.now());
  }
  const told = await findEvent(sql, caller.workspaceId, eventId);
  if (!told) throw notFound('event', eventId);
  return told.event;
}
