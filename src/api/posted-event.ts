import type { z } from 'zod';
import type { PostedEvent } from '../commands/append-event';
import { memberSpan } from './json-span';
import type { RouteContext } from './route';
import type { publishBody } from './schemas/events';

/** The event that a checked body asks for; its data is the text that stands in `raw`, where the body begins at `from`. */
export function postedEvent(body: z.output<typeof publishBody>, raw: string, from: number, { deps }: RouteContext): PostedEvent {
  const span = memberSpan(raw, 'data', from);
  if (!span) throw new Error('A body that was checked has no data');
  return {
    type: body.type,
    data: raw.slice(span.start, span.end),
    externalId: body.id ?? null,
    objectId: body.objectId ?? null,
    occurredAt: body.occurredAt ?? deps.now(),
  };
}
