import type { Family, FamilyEvent } from './family';
import type { Json } from './json';
import { attributeOf, type TrackedObject } from './object';

/** The types of the family `flow` (seed "flow"). */
export const FLOW_TYPES = ['flow.start', 'flow.end', 'technology.start', 'technology.end'] as const;

/** The family `flow`: sessions of a flow, and the technologies that run in them. */
export const FLOW_FAMILY: Family = {
  name: 'flow',
  concerns(before, after) {
    const isOfFlow = (after.kind === 'process' && after.type === 'flow') || (after.kind === 'task' && after.type === 'technology' && after.processId !== null);
    return isOfFlow && (before === null || leftOpen(before, after));
  },
  eventsOf({ before, after, process }) {
    if (process?.type !== 'flow' || (before && !leftOpen(before, after))) return [];
    if (after.kind === 'process') return [sessionEvent(before ? 'flow.end' : 'flow.start', before, after, process, attributeOf(after, 'data') ?? {})];
    if (after.type !== 'technology') return [];
    return [sessionEvent(before ? 'technology.end' : 'technology.start', before, after, process, after.attributes)];
  },
};

const leftOpen = (before: TrackedObject, after: TrackedObject): boolean => before.status === 'OPEN' && after.status !== 'OPEN';

/** `flow` is no field of the body: it is what an endpoint's scope is compared with. */
function sessionEvent(type: string, before: TrackedObject | null, after: TrackedObject, session: TrackedObject, data: Json): FamilyEvent {
  return {
    type,
    data: {
      flow: attributeOf(session, 'flow'),
      session_id: session.id,
      success: before === null || after.status === 'COMPLETED',
      flow_name: attributeOf(session, 'flow_name') ?? attributeOf(session, 'flow'),
      metadata: attributeOf(session, 'metadata') ?? {},
      data,
    },
  };
}
