import type { Event } from '../domain/event';
import { familyFields } from './family-fields';
import { toSeconds } from './unix-time';

/** The body of the dialect `flow` (seed "flow", "Webhook Data"); `created` in seconds. */
export function flow(event: Event): string {
  const fields = familyFields(event);
  return JSON.stringify({
    id: event.id,
    event: event.type,
    session_id: fields['session_id'] ?? event.objectId ?? event.id,
    created: toSeconds(event.createdAt),
    success: fields['success'] ?? true,
    flow_name: fields['flow_name'] ?? fields['flow'] ?? null,
    metadata: fields['metadata'] ?? {},
    data: fields['data'] ?? {},
  });
}
