import { toHex } from './bytes';
import type { Dialect } from './bodies';
import type { RawRequest } from './signature';
import { headerOf } from './headers';
import { ReceiveError } from './receive-error';

/** What of a body is looked at, whatever it holds besides. */
type Found = Readonly<Record<string, unknown>>;

/** How a dialect's bodies are known, and by which key things are done once. */
interface Shape {
  /** Its members that must be text. */
  readonly texts: readonly string[];
  /** Its members that must be objects or lists. */
  readonly parts?: readonly string[];
  readonly idOf: (body: Found, request: RawRequest) => string | Promise<string>;
}

const byHeader = (_body: Found, { headers }: RawRequest): string => headerOf(headers, 'webhook-id') ?? '';
const byBytes = async (_body: Found, { body }: RawRequest): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', body as Uint8Array<ArrayBuffer>)));

const SHAPES: Readonly<Record<Dialect, Shape>> = {
  standard: { texts: ['id', 'type', 'timestamp'], idOf: byHeader },
  spektr: { texts: ['id', 'type'], idOf: byHeader },
  flow: { texts: ['id', 'event'], idOf: byHeader },
  chakra: { texts: ['id', 'type'], idOf: ({ id }) => String(id) },
  chative: { texts: ['_id', 'event'], parts: ['items'], idOf: ({ _id }) => String(_id) },
  'chakra-inbound': { texts: ['event'], parts: ['payload'], idOf: ofItem },
  meta: { texts: [], idOf: byBytes },
};

/**
 * By which key the body that an endpoint's own expression made is done once, by dialects that have such endpoints. Where no id is
 * signed with the body, none that stands beside it can be believed.
 */
export const TRANSFORMED: Readonly<Partial<Record<Dialect, (request: RawRequest) => string | Promise<string>>>> = {
  standard: (request) => byHeader({}, request),
  flow: (request) => byHeader({}, request),
  chakra: (request) => byBytes({}, request),
  'chakra-inbound': (request) => byBytes({}, request),
};

/** Sent, delivered and read share an id. */
function ofItem(body: Found, request: RawRequest): string | Promise<string> {
  const { id, status } = body['payload'] as Found;
  if (typeof id !== 'string') return byBytes(body, request);
  return [body['event'], id, status].filter((part) => typeof part === 'string').join(':');
}

/** Reads a body as JSON. @throws ReceiveError `not_json`. */
export function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    throw new ReceiveError('not_json', 'the body is not JSON in UTF-8');
  }
}

/** The key by which a body's news is done once. @throws ReceiveError `not_the_dialect` where a body is not one of the dialect. */
export async function keyOf(dialect: Dialect, value: unknown, request: RawRequest): Promise<string> {
  const { texts, parts = [], idOf } = SHAPES[dialect];
  if (!isPart(value) || Array.isArray(value)) throw new ReceiveError('not_the_dialect', 'the body is not a JSON object');
  const missing = [
    ...texts.filter((name) => typeof value[name] !== 'string').map((name) => `${name} as text`),
    ...parts.filter((name) => !isPart(value[name])).map((name) => `${name} as an object or list`),
  ];
  if (missing.length > 0) throw new ReceiveError('not_the_dialect', `the body is not one of the dialect ${dialect}: it needs ${missing.join(', ')}`);
  return idOf(value, request);
}

const isPart = (value: unknown): value is Found => typeof value === 'object' && value !== null;
