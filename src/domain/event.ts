import type { ObjectKind } from './object';

/** The lifecycle events, each announced by a change of an object (seed "Chakra, data model"; the deletes are ours). */
export const LIFECYCLE_TYPES = [
  'record:create', 'record:update', 'record:delete',
  'process:create', 'process:update', 'process:state-change', 'process:delete',
  'task:create', 'task:update', 'task:delete',
] as const;

/** Operational events: what Posthorn says of itself. `*` does not mean them; they are subscribed to by name. */
export const OPERATIONAL_TYPES = [
  'endpoint.failing', 'endpoint.deactivated', 'endpoint.reactivated', 'delivery.exhausted', 'delivery.recovered',
] as const;

/** Whether Posthorn says this of itself. */
export const isOperational = (type: string): boolean => (OPERATIONAL_TYPES as readonly string[]).includes(type);

/** What is taken out of a channel's requests, one event each (seed "Chakra APIs, inbound events webhook"). */
export const INBOUND_KINDS = ['message', 'status', 'message_echo', 'smb_message_echo'] as const;

/** One of {@link INBOUND_KINDS}. */
export type InboundKind = (typeof INBOUND_KINDS)[number];

/** The event of a channel's request itself: its data is what was received, byte for byte. */
export const INBOUND_RAW = 'inbound.raw';

/** The event of one message, status or echo. */
export const inboundType = (kind: InboundKind): string => `inbound.${kind}`;

/** Inbound events: what a channel received. `*` does not mean them, and only rules can ask for them, by name or as `inbound.*`. */
export const INBOUND_TYPES: readonly string[] = [INBOUND_RAW, ...INBOUND_KINDS.map(inboundType)];

/** Whether a channel received this. */
export const isInbound = (type: string): boolean => INBOUND_TYPES.includes(type);

/** Where an inbound event came from. */
export interface ReceivedFrom {
  readonly channelId: string;
  /** The `X-Hub-Signature-256` that the request had; null without one, and for what was taken out of a request. */
  readonly signature: string | null;
}

/** What an event's type may look like. */
export const EVENT_TYPE = /^[A-Za-z0-9_.:-]{1,128}$/;

/** A fact about one object, or a custom fact, at one time. Never changed. JSON parts are kept as the text that was stored. */
export interface Event {
  readonly id: string;
  readonly workspaceId: string;
  readonly externalId: string | null;
  readonly type: string;
  /** Gap-free and increasing per object; null for a custom event of no object. */
  readonly sequence: number | null;
  readonly causedBy: string | null;
  readonly objectKind: ObjectKind | null;
  readonly objectId: string | null;
  /** JSON text: the object after the change; null for a custom event of no object. */
  readonly object: string | null;
  /** JSON text: the changed top-level fields' old values, attributes by key; `{}` for a create. */
  readonly previous: string | null;
  /** JSON text: the list of changed paths. */
  readonly changes: string | null;
  /** A custom event's data, byte for byte as it was posted; null for a lifecycle event. */
  readonly data: string | null;
  /** JSON text: who did it, as the caller named them. */
  readonly actor: string | null;
  readonly occurredAt: Date;
  readonly createdAt: Date;
  /** Of an inbound event alone. */
  readonly received?: ReceivedFrom;
  /** The trace that it belongs to, where one is kept: a `traceparent` of W3C Trace Context. */
  readonly traceparent?: string;
}

/**
 * Whether a subscription's pattern covers a type. `*` covers all but the operational and the inbound types; `process:*` and
 * `endpoint.*` cover by prefix; anything else is one type by name.
 */
export function patternCovers(pattern: string, type: string): boolean {
  if (pattern === '*') return !isNamedOnly(type);
  if (pattern.endsWith('*')) return type.startsWith(pattern.slice(0, -1));
  return pattern === type;
}

/** All patterns that cover a type, as they would be written: itself, its prefixes, `*`; see {@link patternCovers}. */
export function coveringPatterns(type: string): string[] {
  const ends = [...type.matchAll(/[:.]/g)].map((match) => match.index + 1);
  return [type, ...ends.map((end) => `${type.slice(0, end)}*`), ...(isNamedOnly(type) ? [] : ['*'])];
}

const isNamedOnly = (type: string): boolean => isOperational(type) || isInbound(type);

/** What a pattern may look like: `*`, a type, or a prefix that ends in `:*`, `.*`. */
export const EVENT_PATTERN = /^(\*|[A-Za-z0-9_.:-]{1,128}|[A-Za-z0-9_.:-]{0,126}[:.]\*)$/;
