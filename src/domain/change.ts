import { jsonEqual, type Json, type JsonObject } from './json';
import { presentObject, type ObjectPatch, type TrackedObject } from './object';

/** What a change of one object announces; all events of one change carry the same snapshot. */
export interface Change {
  /** Event types, in the order in which they are announced. */
  readonly types: readonly string[];
  /** The object after the change; for a delete as it was last. */
  readonly object: JsonObject;
  /** Old values of the changed fields, attributes by key; a key that was not there has none. `{}` for a create and a delete. */
  readonly previous: JsonObject;
  /** Changed paths: `state`, `status`, `attributes.city`. `[]` for a create and a delete. */
  readonly changes: readonly string[];
}

/** Fields that every change moves, and that are no change by themselves. */
const NOT_A_CHANGE: ReadonlySet<string> = new Set(['version', 'createdAt', 'updatedAt', 'attributes']);

/**
 * What there is to say of a change: a creation (no `before`), a deletion (no `after`) or an update; null where nothing
 * changed effectively. A process announces `process:update`, and `process:state-change` after it if its state or status
 * changed (seed "Chakra, data model").
 */
export function announce(before: TrackedObject | null, after: TrackedObject | null): Change | null {
  if (!before) return after && { types: [`${after.kind}:create`], object: presentObject(after), previous: {}, changes: [] };
  const old = presentObject(before);
  if (!after) return { types: [`${before.kind}:delete`], object: old, previous: {}, changes: [] };
  const object = presentObject(after);
  const fields = Object.keys(object).filter((field) => !NOT_A_CHANGE.has(field) && !jsonEqual(old[field], object[field]));
  const keys = changedKeys(before.attributes, after.attributes);
  if (fields.length + keys.length === 0) return null;
  const hadBefore = keys.filter((key) => Object.hasOwn(before.attributes, key));
  return {
    types: updateTypes(after, fields),
    object,
    previous: {
      ...pick(old, fields),
      ...(keys.length > 0 && { attributes: pick(before.attributes, hadBefore) }),
    },
    changes: [...fields, ...keys.map((key) => `attributes.${key}`)],
  };
}

/**
 * The object after a patch, its version one higher and `updatedAt` set to `now`; null where the patch changes nothing
 * effectively. A field that the object's kind does not have stays as it is.
 */
export function applyPatch(object: TrackedObject, patch: ObjectPatch, now: Date): TrackedObject | null {
  const patched = {
    ...object,
    attributes: mergeAttributes(object.attributes, patch.attributes ?? {}),
    state: object.kind === 'process' && patch.state !== undefined ? patch.state : object.state,
    status: object.kind !== 'record' && patch.status !== undefined ? patch.status : object.status,
  };
  return announce(object, patched) && { ...patched, version: object.version + 1, updatedAt: now };
}

/**
 * Attributes after a change by key: `null` removes one, what is new follows in the order given. Any key is kept as a key
 * of its own, `__proto__` too: neither spread nor `Object.fromEntries` ever sets a prototype.
 */
export function mergeAttributes(before: JsonObject, change: JsonObject): JsonObject {
  const merged = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(change)) {
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

function updateTypes(after: TrackedObject, fields: readonly string[]): string[] {
  const update = `${after.kind}:update`;
  const moved = after.kind === 'process' && (fields.includes('state') || fields.includes('status'));
  return moved ? [update, 'process:state-change'] : [update];
}

function changedKeys(before: JsonObject, after: JsonObject): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !jsonEqual(own(before, key), own(after, key)));
}

const own = (object: JsonObject, key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);

const pick = (object: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(keys.map((key) => [key, object[key] as Json]));
