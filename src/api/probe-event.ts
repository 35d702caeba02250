import type { Event } from '../domain/event';

/** The event of a test call: never stored, so nobody else will see its id. `given` is what the caller wants it to be. */
export function newCustomSample(
  id: string, workspaceId: string, given: { readonly type: string; readonly data: unknown } | undefined, now: Date,
): Event {
  return {
    id, workspaceId, externalId: null, type: given?.type ?? 'endpoint.test', sequence: null, causedBy: null, objectKind: null, objectId: null,
    object: null, previous: null, changes: null, data: JSON.stringify(given?.data ?? { test: true }), actor: null, occurredAt: now, createdAt: now,
  };
}
