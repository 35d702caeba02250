import { announce, applyPatch } from '../domain/change';
import type { NewId } from '../domain/ids';
import type { JsonObject } from '../domain/json';
import type { ObjectKind, ObjectPatch, TrackedObject } from '../domain/object';
import { AppError, invalid } from '../errors';
import { FOREIGN_KEY_VIOLATION, violation, type Sql } from '../store/db';
import type { NewEvent } from '../store/event-insert';
import { insertObject, lockObject, removeObject, updateObject, type ObjectRef } from '../store/objects';
import { familyEvents } from './family-events';
import { traced } from '../trace-context';

/** Most attributes of one object. */
export const MAX_ATTRIBUTES = 1_000;
/** Most bytes of an object's attributes as JSON. */
export const MAX_ATTRIBUTES_BYTES = 256 * 1024;

/** Who changes objects of which workspace, and when. */
export interface ChangeContext {
  readonly workspaceId: string;
  readonly newId: NewId;
  readonly now: Date;
  /** As the caller named them; kept on the events. */
  readonly actor: JsonObject | null;
}

/** What an object begins with. */
export interface NewObject {
  readonly kind: ObjectKind;
  readonly type: string;
  readonly primaryKey: string | null;
  readonly recordId: string | null;
  readonly processId: string | null;
  readonly state: string | null;
  readonly status: string | null;
  /** Attributes that are null are left out, as they are by a change. */
  readonly attributes: JsonObject;
}

/**
 * Creates an object and announces it, in one statement.
 * @throws AppError 409 `duplicate_primary_key`, 422 for a reference to what the workspace does not have, or too many attributes.
 */
export async function createObject(sql: Sql, context: ChangeContext, given: NewObject): Promise<TrackedObject> {
  const created = await tryCreate(sql, context, given);
  if (created) return created;
  const key = `type "${given.type}" with the primary key "${given.primaryKey ?? ''}"`;
  throw new AppError('duplicate_primary_key', `There is a ${given.kind} of ${key} already.`);
}

/**
 * Changes an object and announces it; a change that changes nothing stores and announces nothing.
 * @throws AppError 404, 412 where `ifMatch` is not its version, 422 for too many attributes.
 */
export async function changeObject(
  trx: Sql, context: ChangeContext, ref: ObjectRef, patch: ObjectPatch, ifMatch: number | null,
): Promise<TrackedObject> {
  const before = await lockObject(trx, context.workspaceId, ref);
  if (!before) throw noSuchObject(ref);
  return change(trx, context, before, patch, ifMatch);
}

/** What {@link upsertObject} did. */
export interface Upserted {
  readonly object: TrackedObject;
  readonly created: boolean;
}

/**
 * Changes the object of this type and primary key, or creates it where there is none. References of `given` count only
 * where it is created.
 * @throws AppError as {@link createObject} and {@link changeObject} do; 412 where it would be created and `ifMatch` is given.
 */
export async function upsertObject(
  trx: Sql, context: ChangeContext, given: NewObject & { readonly primaryKey: string }, patch: ObjectPatch, ifMatch: number | null,
): Promise<Upserted> {
  // Between the two looks another request may have created or removed it; each round ends unless yet another one did.
  for (let round = 0; round < 5; round++) {
    const before = await lockObject(trx, context.workspaceId, given);
    if (before) return { object: await change(trx, context, before, patch, ifMatch), created: false };
    if (ifMatch !== null) throw new AppError('version_conflict', `There is no such ${given.kind}, so it has no version ${ifMatch}.`);
    const object = await tryCreate(trx, context, given);
    if (object) return { object, created: true };
  }
  throw new AppError('conflict', `The ${given.kind} is being created and removed by others; try again.`, [], 1);
}

/**
 * Removes an object and announces it.
 * @throws AppError 404, 409 `in_use` while others refer to it, 412.
 */
export async function deleteObject(trx: Sql, context: ChangeContext, ref: ObjectRef, ifMatch: number | null): Promise<void> {
  const before = await lockObject(trx, context.workspaceId, ref);
  if (!before) throw noSuchObject(ref);
  refuseOtherVersion(before, ifMatch);
  const { events } = eventsOf(context, before, null);
  try {
    await removeObject(trx, before, events);
  } catch (error) {
    if (violation(error)?.code !== FOREIGN_KEY_VIOLATION) throw error;
    throw new AppError('in_use', `Processes or tasks refer to the ${before.kind} ${before.id}; delete those first.`);
  }
}

/** The 404 for an object that the workspace does not have. */
export const noSuchObject = (ref: ObjectRef): AppError =>
  new AppError('not_found', 'id' in ref
    ? `There is no ${ref.kind} ${ref.id} in this workspace.`
    : `There is no ${ref.kind} of type "${ref.type}" with the primary key "${ref.primaryKey}" in this workspace.`);

async function tryCreate(sql: Sql, context: ChangeContext, given: NewObject): Promise<TrackedObject | null> {
  const { workspaceId, newId, now } = context;
  refuseStrayTask(given);
  const attributes = Object.fromEntries(Object.entries(given.attributes).filter(([, value]) => value !== null));
  refuseTooMany(attributes);
  const bare: TrackedObject = {
    ...given, id: newId(given.kind), workspaceId, attributes, version: 1, sequence: 0, createdAt: now, updatedAt: now,
  };
  const { events, object } = eventsOf(context, null, bare);
  const ofFamilies = await familyEvents(sql, context, null, bare, events.at(-1));
  try {
    return (await insertObject(sql, object, [...events, ...ofFamilies])) ? object : null;
  } catch (error) {
    throw missingReference(error, given) ?? error;
  }
}

async function change(
  trx: Sql, context: ChangeContext, before: TrackedObject, patch: ObjectPatch, ifMatch: number | null,
): Promise<TrackedObject> {
  refuseOtherVersion(before, ifMatch);
  const after = applyPatch(before, patch, context.now);
  if (!after) return before;
  refuseTooMany(after.attributes);
  const { events, object } = eventsOf(context, before, after);
  const ofFamilies = await familyEvents(trx, context, before, after, events.at(-1));
  await updateObject(trx, object, [...events, ...ofFamilies]);
  return object;
}

interface Announced {
  readonly events: readonly NewEvent[];
  readonly object: TrackedObject;
}

/** The events of a change, numbered on from the object's newest, and the object with its new newest. */
function eventsOf(context: ChangeContext, before: TrackedObject | null, after: TrackedObject | null): Announced {
  const announced = announce(before, after);
  const subject = after ?? before;
  if (!announced || !subject) throw new Error('A change of nothing can not be announced');
  const { workspaceId, newId, now, actor } = context;
  const shared = {
    workspaceId,
    externalId: null,
    causedBy: null,
    objectKind: subject.kind,
    objectId: subject.id,
    object: JSON.stringify(announced.object),
    previous: JSON.stringify(announced.previous),
    changes: JSON.stringify(announced.changes),
    data: null,
    actor: actor && JSON.stringify(actor),
    occurredAt: now,
    ...traced(),
  };
  const events = announced.types.map((type, n) => ({ ...shared, id: newId('event'), type, sequence: subject.sequence + 1 + n }));
  return { events, object: { ...subject, sequence: subject.sequence + events.length } };
}

function refuseOtherVersion({ kind, id, version }: TrackedObject, ifMatch: number | null): void {
  if (ifMatch === null || ifMatch === version) return;
  throw new AppError('version_conflict', `The ${kind} ${id} has version ${version}, which If-Match does not name. Read it again.`);
}

function refuseStrayTask({ kind, recordId, processId }: NewObject): void {
  if (kind === 'task' && recordId === null && processId === null) throw invalid('processId', 'a task must name a processId, a recordId or both');
}

function refuseTooMany(attributes: JsonObject): void {
  const count = Object.keys(attributes).length;
  if (count > MAX_ATTRIBUTES) throw invalid('attributes', `has ${count} keys; an object may have at most ${MAX_ATTRIBUTES}`);
  const bytes = Buffer.byteLength(JSON.stringify(attributes));
  if (bytes > MAX_ATTRIBUTES_BYTES) {
    throw invalid('attributes', `has ${bytes} bytes as JSON; an object may have at most ${MAX_ATTRIBUTES_BYTES}`);
  }
}

function missingReference(error: unknown, { recordId, processId }: NewObject): AppError | null {
  const broken = violation(error);
  if (broken?.code !== FOREIGN_KEY_VIOLATION) return null;
  return broken.constraint.endsWith('process')
    ? invalid('processId', `there is no process ${processId ?? ''} in this workspace`)
    : invalid('recordId', `there is no record ${recordId ?? ''} in this workspace`);
}
