import type { Example } from '../../src/api/examples';
import { ID_PREFIXES } from '../../src/domain/ids';
import type { TestApi } from './api';

/** What a call of the story is made with. */
export interface Given {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Besides the key and `Content-Type: application/json`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes a call such as `PATCH /v1/rules/:ruleId`, which must succeed, and answers its body. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of every shape
export type Tell = (call: string, given?: Given) => Promise<any>;

const ID = new RegExp(`\\b(${Object.values(ID_PREFIXES).join('|')})_[0-9a-z]{26}\\b`, 'g');
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\b/g;
const SHOWN_TIME = '2026-11-21T09:30:00.000Z';
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Measured values, and what they are shown as. */
const MEASURED: Readonly<Record<string, number>> = { durationMs: 42, p50Ms: 42, p95Ms: 88 };

/**
 * Makes the calls of a story and keeps each operation's first one as it is to be shown: with ids, times, addresses and secrets that
 * are the same in every run. @param addresses what is shown instead of an address of this run.
 */
export function createTeller(api: TestApi, addresses: Readonly<Record<string, string>>): { readonly tell: Tell; readonly examples: Map<string, Example> } {
  const examples = new Map<string, Example>();
  const show = createShow(addresses);
  return {
    examples,
    async tell(call, { params = {}, query = {}, body, headers = {} } = {}) {
      const [method = '', path = ''] = call.split(' ');
      const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? `no ${name} given`));
      const search = new URLSearchParams(query).toString();
      const reply = await api.call(method, search === '' ? filled : `${filled}?${search}`, body, headers);
      if (reply.status >= 300) throw new Error(`${call} answered ${reply.status}: ${reply.text}`);
      if (!examples.has(call)) {
        const answer = reply.body ?? (reply.text === '' ? undefined : reply.text);
        examples.set(call, show({ params, query, headers, body: readJson(body), status: reply.status, answer }) as Example);
      }
      return reply.body;
    },
  };
}

function createShow(addresses: Readonly<Record<string, string>>): (value: unknown, key?: string) => unknown {
  const ids = new Map<string, string>();
  const idOf = (id: string, prefix: string): string => {
    if (!ids.has(id)) ids.set(id, `${prefix}_01kaktx5g0${shuffled(ids.size + 1)}`);
    return ids.get(id) ?? '';
  };
  const text = (value: string): string => Object.entries(addresses)
    .reduce((known, [real, shown]) => known.replaceAll(real, shown), value)
    .replace(ID, idOf)
    .replace(TIME, SHOWN_TIME)
    .replace(/\bwhsec_[\w+/=]{20,}/g, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    .replace(/\bphk_[\w-]{20,}/g, 'phk_a-key-that-is-shown-once');
  return function show(value: unknown, key = ''): unknown {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number' && key in MEASURED) return MEASURED[key];
    if (Array.isArray(value)) return value.map((item) => show(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined).map(([name, inner]) =>
      [name, name === 'nextCursor' && inner !== null ? 'b3BhcXVl' : show(inner, name)]));
  };
}

/** What is sent as text and is JSON is shown as that. */
function readJson(body: unknown): unknown {
  if (typeof body !== 'string' || !body.startsWith('{')) return body;
  return JSON.parse(body) as unknown;
}

/** 16 characters that look like the random part of an id, and are the same for the same number. */
function shuffled(number: number): string {
  let state = BigInt(number) * 0x9e3779b97f4a7c15n;
  return Array.from({ length: 16 }, () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return ALPHABET[Number(state >> 59n)];
  }).join('');
}

/** The shape of a value: the paths of its parts and what kind each is. Lists count by their first entry. */
export function shapeOf(value: unknown, path = '$'): string[] {
  if (Array.isArray(value)) return [`${path}: list`, ...(value.length > 0 ? shapeOf(value[0], `${path}[]`) : [])];
  if (typeof value !== 'object' || value === null) return [`${path}: ${value === null ? 'null' : typeof value}`];
  return [`${path}: object`, ...Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, inner]) => shapeOf(inner, `${path}.${name}`))];
}
