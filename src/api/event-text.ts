import type { ToldEvent } from '../store/events';

/** What the API adds to an event where it shows one alone. */
export type EventExtras = Readonly<Record<string, unknown>>;

/**
 * An event's JSON as the API answers it. What is stored as JSON text is put in as it is: reading and writing it again
 * would change a number of more than 53 bits, and the order of keys that look like integers.
 */
export function eventText({ event, owed, delivered }: ToldEvent, extras: EventExtras = {}): string {
  const head = JSON.stringify({
    id: event.id, externalId: event.externalId, type: event.type, sequence: event.sequence,
    causedBy: event.causedBy, objectKind: event.objectKind, objectId: event.objectId,
  });
  const tail = JSON.stringify({
    occurredAt: event.occurredAt.toISOString(), createdAt: event.createdAt.toISOString(), owed, delivered, ...extras,
  });
  const stored = `"object":${event.object ?? 'null'},"previous":${event.previous ?? 'null'},"changes":${event.changes ?? 'null'}`
    + `,"data":${event.data ?? 'null'},"actor":${event.actor ?? 'null'}`;
  return `${head.slice(0, -1)},${stored},${tail.slice(1)}`;
}

/** The same as a value, for the check against its schema: but for `data`, whose text stands for itself. */
export function eventValue({ event, owed, delivered }: ToldEvent, extras: EventExtras = {}): Readonly<Record<string, unknown>> {
  const { workspaceId: _workspaceId, received: _received, object, previous, changes, actor, occurredAt, createdAt, ...plain } = event;
  return {
    ...plain, object: parsed(object), previous: parsed(previous), changes: parsed(changes), actor: parsed(actor),
    occurredAt: occurredAt.toISOString(), createdAt: createdAt.toISOString(), owed, delivered, ...extras,
  };
}

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
