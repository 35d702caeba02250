import type { Json, JsonObject } from './json';

/** The three kinds of object (seed "Chakra, data model"). */
export type ObjectKind = 'record' | 'process' | 'task';

/** All kinds, in the order in which one may refer to another: a task to a process to a record. */
export const OBJECT_KINDS: readonly ObjectKind[] = ['record', 'process', 'task'];

/** A process's overall status; any may follow any other. */
export const PROCESS_STATUSES = ['OPEN', 'COMPLETED', 'CANCELLED'] as const;

/**
 * A record, a process or a task, as it is now.
 * `state` is a process's alone. `status` is a process's (OPEN, COMPLETED, CANCELLED) or a task's (any word, OPEN first).
 * `recordId` is a process's or a task's; `processId` a task's.
 */
export interface TrackedObject {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: ObjectKind;
  readonly type: string;
  readonly primaryKey: string | null;
  readonly recordId: string | null;
  readonly processId: string | null;
  readonly state: string | null;
  readonly status: string | null;
  readonly attributes: JsonObject;
  /** Starts at 1, one more with each effective change; answered as the ETag. */
  readonly version: number;
  /** The sequence of the object's newest event; 0 before the first. */
  readonly sequence: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a caller may change of an object; what is absent stays. An attribute of `null` is removed. */
export interface ObjectPatch {
  readonly attributes?: JsonObject | undefined;
  readonly state?: string | null | undefined;
  readonly status?: string | undefined;
}

/** An object as the API shows it and as an event's snapshot keeps it: each kind has its own fields, in this order. */
export function presentObject(object: TrackedObject): JsonObject {
  const { kind, recordId, processId, state, status } = object;
  return {
    id: object.id,
    kind,
    type: object.type,
    primaryKey: object.primaryKey,
    ...(kind === 'task' && { processId }),
    ...(kind !== 'record' && { recordId }),
    ...(kind === 'process' && { state }),
    ...(kind !== 'record' && { status }),
    attributes: object.attributes,
    version: object.version,
    createdAt: object.createdAt.toISOString(),
    updatedAt: object.updatedAt.toISOString(),
  };
}

/** An object's attribute; null where it has none of this name, or there is no object. */
export const attributeOf = (object: TrackedObject | null, key: string): Json =>
  object && Object.hasOwn(object.attributes, key) ? (object.attributes[key] ?? null) : null;
