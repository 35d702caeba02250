import { INBOUND_TYPES, LIFECYCLE_TYPES, OPERATIONAL_TYPES } from '../domain/event';
import type { NewId } from '../domain/ids';
import { presentObject, type TrackedObject } from '../domain/object';
import { AppError, invalid } from '../errors';
import type { Sql } from '../store/db';
import { claimExternalIds, storeEvents, type InsertedEvent, type NewEvent } from '../store/event-insert';
import { lockObjects, updateSequences } from '../store/objects';
import { traced } from '../trace-context';

/** Most bytes of an event's data. */
export const MAX_DATA_BYTES = 256 * 1024;

/** A custom event as it was posted. */
export interface PostedEvent {
  readonly type: string;
  /** JSON text, as it was written. */
  readonly data: string;
  /** The caller's own id, the dedupe key. */
  readonly externalId: string | null;
  readonly objectId: string | null;
  readonly occurredAt: Date;
}

const OURS: ReadonlySet<string> = new Set([...LIFECYCLE_TYPES, ...OPERATIONAL_TYPES, ...INBOUND_TYPES]);

/** The custom event that is stored, of no object yet. @throws AppError 422 for a type that is ours, 413 for too much data. */
export function newCustomEvent(newId: NewId, workspaceId: string, posted: PostedEvent): NewEvent {
  const { type, data, externalId, occurredAt } = posted;
  if (OURS.has(type)) throw invalid('type', `"${type}" is announced by Posthorn itself and can not be posted`);
  // A UTF-16 unit is at most three bytes: most texts need not be counted.
  if (data.length * 3 > MAX_DATA_BYTES && Buffer.byteLength(data) > MAX_DATA_BYTES) {
    throw new AppError('too_large', `data has ${Buffer.byteLength(data)} bytes; an event may have at most ${MAX_DATA_BYTES}.`, [
      { path: 'data', message: `may have at most ${MAX_DATA_BYTES} bytes` },
    ]);
  }
  return {
    id: newId('event'), workspaceId, externalId, type, sequence: null, causedBy: null, objectKind: null, objectId: null,
    object: null, previous: null, changes: null, data, actor: null, occurredAt, ...traced(),
  };
}

/** An event and the object that it names. */
export interface EventOfObject {
  readonly event: NewEvent;
  readonly objectId: string;
}

/**
 * Stores custom events of objects, in one transaction: each takes its object's next sequence, in the order given, and
 * keeps the object as it is. A duplicate takes none. Answers in the order given; null: the workspace has no such object.
 */
export async function appendToObjects(
  trx: Sql, workspaceId: string, given: readonly EventOfObject[],
): Promise<readonly (InsertedEvent | null)[]> {
  const locked = await lockObjects(trx, workspaceId, [...new Set(given.map(({ objectId }) => objectId))]);
  const objects = new Map(locked.map((object) => [object.id, object]));
  const known = given.filter(({ objectId }) => objects.has(objectId));
  const claims = await claimExternalIds(trx, known.map(({ event }) => event));

  const sequences = new Map<string, number>();
  const fresh: NewEvent[] = [];
  const inserted = new Map<NewEvent, InsertedEvent>();
  for (const [n, { event, objectId }] of known.entries()) {
    const firstId = claims[n] ?? event.id;
    inserted.set(event, { id: firstId, duplicate: firstId !== event.id });
    const object = objects.get(objectId);
    if (!object || firstId !== event.id) continue;
    const sequence = (sequences.get(objectId) ?? object.sequence) + 1;
    sequences.set(objectId, sequence);
    fresh.push(ofObject(event, object, sequence));
  }
  if (fresh.length > 0) {
    await updateSequences(trx, sequences);
    await storeEvents(trx, fresh);
  }
  return given.map(({ event }) => inserted.get(event) ?? null);
}

const ofObject = (event: NewEvent, object: TrackedObject, sequence: number): NewEvent => ({
  ...event, sequence, objectKind: object.kind, objectId: object.id, object: JSON.stringify(presentObject(object)),
});

/** The 422 for an `objectId` that the workspace does not have. */
export const noSuchSubject = (objectId: string): AppError => invalid('objectId', `there is no object ${objectId} in this workspace`);
