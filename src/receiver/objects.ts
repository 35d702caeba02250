/** Any JSON. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}

interface TrackedObject<Kind extends string> {
  readonly id: string;
  readonly kind: Kind;
  readonly type: string;
  readonly primaryKey: string | null;
  readonly attributes: JsonObject;
  /** One more with each change. */
  readonly version: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** A record, as it was after the change. */
export type RecordObject = TrackedObject<'record'>;

/** A process, as it was after the change. */
export interface ProcessObject extends TrackedObject<'process'> {
  readonly recordId: string | null;
  readonly state: string | null;
  readonly status: 'OPEN' | 'COMPLETED' | 'CANCELLED';
}

/** A task, as it was after the change. */
export interface TaskObject extends TrackedObject<'task'> {
  readonly processId: string | null;
  readonly recordId: string | null;
  readonly status: string;
}

/** The objects by their kind. */
export interface ObjectOf {
  readonly record: RecordObject;
  readonly process: ProcessObject;
  readonly task: TaskObject;
}

/** The types of the lifecycle events, by the kind of object that they are of. */
export interface LifecycleTypes {
  readonly record: 'record:create' | 'record:update' | 'record:delete';
  readonly process: 'process:create' | 'process:update' | 'process:state-change' | 'process:delete';
  readonly task: 'task:create' | 'task:update' | 'task:delete';
}

/** What a lifecycle event tells of its object. */
export interface Change<Kind extends keyof ObjectOf> {
  readonly objectKind: Kind;
  readonly objectId: string;
  /** 1, 2, 3, ... for each object, without a gap. */
  readonly sequence: number;
  readonly object: ObjectOf[Kind];
  /** The old values of what changed, of attributes only the keys that changed; `{}` for a creation. */
  readonly previous: Partial<ObjectOf[Kind]>;
  /** The paths that changed, such as `state` and `attributes.city`. */
  readonly changes: readonly string[];
}
