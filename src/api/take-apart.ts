import { createHash } from 'node:crypto';
import type { InboundKind } from '../domain/event';
import { isJsonObject, type Json, type JsonObject } from '../domain/json';
import { AppError } from '../errors';
import { elementSpans, memberSpan, type Span } from './json-span';

/** One message, status or echo of a request. */
export interface TakenItem {
  readonly kind: InboundKind;
  /** What tells it from the others of its kind in its channel; at most 200 visible ASCII characters. */
  readonly key: string;
  /** JSON text: `{"event": …, "payload": …}`, the item in it as it was written. */
  readonly data: string;
}

interface Source {
  readonly field: string;
  readonly list: string;
  readonly kind: InboundKind;
  /** The item's member that names the person at the other end, whose entry of `contacts` is the item's. */
  readonly person: string;
}

/** Where items stand in a change's value, by its `field` (Meta's webhook reference, and the samples of the seed). */
const SOURCES: readonly Source[] = [
  { field: 'messages', list: 'messages', kind: 'message', person: 'from' },
  { field: 'messages', list: 'statuses', kind: 'status', person: 'recipient_id' },
  { field: 'message_echoes', list: 'message_echoes', kind: 'message_echo', person: 'to' },
  { field: 'smb_message_echoes', list: 'message_echoes', kind: 'smb_message_echo', person: 'to' },
];

/** Most items of a notification; Meta says that it sends at most 1,000. */
const MAX_ITEMS = 10_000;
/** Most characters of all items together: each repeats its `metadata`, so a small request could become a very large one. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Takes the messages, statuses and echoes out of a WhatsApp notification, in its order, each with the `metadata` and its
 * own entry of the `contacts` beside it. Nothing is parsed and written again: digits, escapes and white space of an item
 * stay. What has another shape holds none. `json` must be a text that `JSON.parse` takes.
 * @throws AppError 413 for more than 10,000 items, or more than 32 Mi characters of them.
 */
export function takeApart(json: string): TakenItem[] {
  const items: TakenItem[] = [];
  let characters = 0;
  for (const change of listsOf(json, listsOf(json, [{ start: 0, end: json.length }], 'entry'), 'changes')) {
    for (const item of itemsOf(json, change)) {
      characters += item.data.length;
      if (characters > MAX_CHARACTERS) throw new AppError('too_large', `The items of the body come to more than ${MAX_CHARACTERS} characters.`);
      if (items.push(item) > MAX_ITEMS) throw new AppError('too_large', `The body holds more than ${MAX_ITEMS} messages, statuses and echoes.`);
    }
  }
  return items;
}

const listsOf = (json: string, parents: readonly Span[], name: string): Span[] =>
  parents.flatMap(({ start }) => {
    const list = memberSpan(json, name, start);
    return list ? elementSpans(json, list.start) : [];
  });

function* itemsOf(json: string, change: Span): Generator<TakenItem> {
  const field = read(json, memberSpan(json, 'field', change.start));
  const value = memberSpan(json, 'value', change.start);
  const sources = SOURCES.filter((source) => source.field === field);
  if (!value || sources.length === 0) return;
  const metadata = textAt(json, memberSpan(json, 'metadata', value.start));
  const contacts = contactsOf(json, value);
  for (const source of sources) {
    for (const span of listsOf(json, [value], source.list)) {
      const item = read(json, span);
      if (isJsonObject(item)) yield taken(json.slice(span.start, span.end), item, source, metadata, contacts);
    }
  }
}

interface Contacts {
  /** JSON texts by `wa_id`. */
  readonly byId: ReadonlyMap<string, string>;
  /** The only one there is: an id and a phone number may differ (Meta's reference), and nobody else can be meant. */
  readonly only: string | null;
}

function contactsOf(json: string, value: Span): Contacts {
  const byId = new Map<string, string>();
  const spans = listsOf(json, [value], 'contacts');
  for (const span of spans) {
    const contact = read(json, span);
    if (isJsonObject(contact) && typeof contact['wa_id'] === 'string') byId.set(contact['wa_id'], json.slice(span.start, span.end));
  }
  return { byId, only: spans.length === 1 ? textAt(json, spans[0] ?? null) : null };
}

function taken(text: string, item: JsonObject, { kind, person }: Source, metadata: string | null, { byId, only }: Contacts): TakenItem {
  const who = item[person];
  const contact = (typeof who === 'string' ? byId.get(who) : undefined) ?? only;
  const added = [
    ...(metadata === null || 'metadata' in item ? [] : [`"metadata":${metadata}`]),
    ...(contact === null || 'contacts' in item ? [] : [`"contacts":[${contact}]`]),
  ];
  const separator = Object.keys(item).length === 0 ? '' : ',';
  const payload = added.length === 0 ? text : `${text.slice(0, -1)}${separator}${added.join(',')}}`;
  return { kind, key: keyOf(kind, text, item), data: `{"event":"${kind}","payload":${payload}}` };
}

/** Its id; for a status also which one it is, since sent, delivered and read share an id. Where it has none, all of it. */
function keyOf(kind: InboundKind, text: string, { id, status }: JsonObject): string {
  if (typeof id !== 'string') return `sha256:${sha256(text)}`;
  const parts = kind === 'status' ? [typeof status === 'string' ? status : '', id] : [id];
  const isPlain = /^[!-~]{1,160}$/.test(id) && (kind !== 'status' || /^\w{1,32}$/.test(parts[0] ?? ''));
  return isPlain ? parts.join(':') : `sha256:${sha256(JSON.stringify(parts))}`;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const textAt = (json: string, span: Span | null): string | null => span && json.slice(span.start, span.end);
const read = (json: string, span: Span | null): Json | undefined => (span ? (JSON.parse(json.slice(span.start, span.end)) as Json) : undefined);
