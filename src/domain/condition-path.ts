import type { Facts } from './facts';
import { isJsonList, isJsonObject, type Json } from './json';

/** Most segments of one path. */
export const MAX_SEGMENTS = 16;

/** The fields of an object (see `presentObject`): the first segment of a path, or the second after `previous`. */
const OBJECT_FIELDS = [
  'id', 'kind', 'type', 'primaryKey', 'recordId', 'processId', 'state', 'status', 'attributes', 'version', 'createdAt', 'updatedAt',
] as const;

/** What of the event itself can be asked. */
const EVENT_FIELDS = [
  'id', 'externalId', 'type', 'sequence', 'causedBy', 'objectKind', 'objectId', 'actor', 'occurredAt', 'createdAt',
] as const;

/** What else a path may begin with. */
const OTHER_ROOTS = ['previous', 'changes', 'event', 'data'] as const;

/** Reads one value out of what a query is asked about; undefined where it is missing. */
export type Reader<S> = (subject: S) => Json | undefined;

const INDEX = /^(0|[1-9]\d{0,9})$/;

/**
 * What stands at a path, undefined where nothing does. A segment is an object's own key, or a whole number that indexes
 * a list. Keys that hold dots are found too: where `a` then `b` leads nowhere, the key `a.b` is tried.
 */
export function readPath(value: Json | undefined, segments: readonly string[], from = 0): Json | undefined {
  if (from === segments.length) return value;
  let key = segments[from] as string;
  if (isJsonList(value)) return INDEX.test(key) ? readPath(value[Number(key)], segments, from + 1) : undefined;
  if (!isJsonObject(value)) return undefined;
  for (let next = from + 1; ; next += 1) {
    const found = Object.hasOwn(value, key) ? readPath(value[key], segments, next) : undefined;
    if (found !== undefined || next === segments.length) return found;
    key += `.${segments[next]}`;
  }
}

/** The reader of a path of a condition: `state`, `attributes.city`, `previous.state`, `changes`, `event.type`, `data.total`. */
export function factReader(path: string): Reader<Facts> {
  const segments = path.split('.');
  switch (segments[0]) {
    case 'previous': return (facts) => readPath(facts.previous, segments, 1);
    case 'changes': return (facts) => readPath(facts.changes, segments, 1);
    case 'event': return (facts) => readPath(facts.event, segments, 1);
    case 'data': return (facts) => readPath(facts.data, segments, 1);
    default: return (facts) => readPath(facts.object, segments);
  }
}

/** The reader of a path within a list's element, for `$elemMatch`. */
export function elementReader(path: string): Reader<Json> {
  const segments = path.split('.');
  return (element) => readPath(element, segments);
}

/** What is wrong with a path within a list's element; null where nothing is. */
export function checkElementPath(path: string): string | null {
  const segments = path.split('.');
  if (segments.length > MAX_SEGMENTS) return `a path has at most ${MAX_SEGMENTS} segments, this one has ${segments.length}`;
  return segments.includes('') ? 'a path is keys joined by single dots, such as "attributes.city"' : null;
}

/** What is wrong with a path of a condition, and what is allowed; null where nothing is. */
export function checkFactPath(path: string): string | null {
  const mistake = checkElementPath(path);
  if (mistake !== null) return mistake;
  const [root = '', second, third] = path.split('.');
  switch (root) {
    case 'data': return null;
    case 'changes': return second === undefined ? null : 'changes is a list of paths: write {"changes": "state"} or {"changes": "attributes.city"}';
    case 'previous': return second === undefined ? null : checkField('previous.', second, third, OBJECT_FIELDS, 'attributes');
    case 'event': return checkField('event.', second, third, EVENT_FIELDS, 'actor');
    default: return checkField('', root, second, [...OBJECT_FIELDS, ...OTHER_ROOTS], 'attributes');
  }
}

function checkField(prefix: string, name: string | undefined, key: string | undefined, allowed: readonly string[], open: string): string | null {
  if (name === undefined || !allowed.includes(name)) {
    const seen = name === undefined ? `${prefix.slice(0, -1)} needs a field after it` : `unknown name "${prefix}${name}"`;
    const hint = prefix === '' ? '; an attribute is asked for as attributes.<key>' : '';
    return `${seen}; allowed are ${allowed.map((field) => prefix + field).join(', ')}${hint}`;
  }
  return key === undefined || name === open ? null : `${prefix}${name} is a plain value and has no keys`;
}
