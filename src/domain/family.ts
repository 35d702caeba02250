import { FLOW_FAMILY } from './family-flow';
import { SPEKTR_FAMILY } from './family-spektr';
import type { JsonObject } from './json';
import type { TrackedObject } from './object';

/** The dialects that have events of their own, made from changes of objects (product.md, "Family events"). */
export type FamilyName = 'spektr' | 'flow';

/** One change of one object, with what a family's events tell beside it. */
export interface FamilyChange {
  /** Null for a creation. */
  readonly before: TrackedObject | null;
  readonly after: TrackedObject;
  /** The process itself, or the one that a task belongs to; null where there is none. */
  readonly process: TrackedObject | null;
  /** Who did it, as the caller named them. */
  readonly actor: JsonObject | null;
}

/** An event of a family: its type, and the fields of its body that come from the change. */
export interface FamilyEvent {
  readonly type: string;
  readonly data: JsonObject;
}

/** What a family makes of changes. */
export interface Family {
  readonly name: FamilyName;
  /** Whether a change may be one of its events: a cheap look, without the process of a task. */
  concerns(before: TrackedObject | null, after: TrackedObject): boolean;
  /** The events of a change, in order: a change of status, tags added, tags removed, the rest. */
  eventsOf(change: FamilyChange): readonly FamilyEvent[];
}

/** All families. */
export const FAMILIES: readonly Family[] = [SPEKTR_FAMILY, FLOW_FAMILY];
