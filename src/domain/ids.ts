/** The prefix of each kind of id; it stands in the id itself, in the URL and in the log. */
export const ID_PREFIXES = {
  record: 'rec',
  process: 'prc',
  task: 'tsk',
  event: 'evt',
  rule: 'rul',
  endpoint: 'ep',
  delivery: 'dlv',
  attempt: 'att',
  job: 'job',
  channel: 'chn',
  key: 'key',
  workspace: 'wsp',
  secret: 'sec',
  audit: 'aud',
  file: 'fil',
} as const;

/** What an id can be of. */
export type IdKind = keyof typeof ID_PREFIXES;

/** Makes a new id: the prefix, `_`, and 26 lower-case characters whose order is the order of making. */
export type NewId = (kind: IdKind) => string;

/** Joins a prefix and a ULID's 26 characters (Crockford base 32, 48 bits of milliseconds first) to an id. */
export const formatId = (kind: IdKind, ulid: string): string => `${ID_PREFIXES[kind]}_${ulid.toLowerCase()}`;

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 10;
const LAST_MS = 2 ** 48 - 1;

/**
 * What no id of this kind sorts below that was made at `atMs` (Unix milliseconds) or later: the prefix and a ULID's time.
 * A time that a ULID has no room for is taken as the nearest that it has.
 */
export function idFloor(kind: IdKind, atMs: number): string {
  let rest = Math.min(Math.max(Math.floor(atMs), 0), LAST_MS);
  let time = '';
  for (; time.length < TIME_DIGITS; rest = Math.floor(rest / 32)) time = `${DIGITS[rest % 32]}${time}`;
  return `${ID_PREFIXES[kind]}_${time}`;
}

/** When an id was made, in Unix milliseconds: the time that its ULID begins with. */
export function madeAtMs(id: string): number {
  const start = id.indexOf('_') + 1;
  let ms = 0;
  for (let n = start; n < start + TIME_DIGITS; n += 1) ms = ms * 32 + DIGITS.indexOf(id[n] ?? '0');
  return ms;
}
