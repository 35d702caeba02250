/** Where a value stands in a JSON text: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * The value of member `name` of the object that begins at `from` (white space before it is skipped), exactly as it was
 * written. Of a repeated member the last counts, as in `JSON.parse`. Null where the value is no object or has no such
 * member. `json` must be a text that `JSON.parse` takes: nothing is checked again.
 */
export function memberSpan(json: string, name: string, from = 0): Span | null {
  let at = skipSpace(json, from);
  if (json.charCodeAt(at) !== OPEN_OBJECT) return null;
  let found: Span | null = null;
  at = skipSpace(json, at + 1);
  while (json.charCodeAt(at) !== CLOSE_OBJECT) {
    const keyEnd = skipString(json, at);
    const isIt = isKey(json, at, keyEnd, name);
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1);
    const end = skipValue(json, start);
    if (isIt) found = { start, end };
    at = skipSpace(json, end);
    if (json.charCodeAt(at) === COMMA) at = skipSpace(json, at + 1);
  }
  return found;
}

/** The elements of the list that begins at `from`, in order; empty where the value there is no list. */
export function elementSpans(json: string, from = 0): Span[] {
  let at = skipSpace(json, from);
  if (json.charCodeAt(at) !== OPEN_LIST) return [];
  const spans: Span[] = [];
  at = skipSpace(json, at + 1);
  while (json.charCodeAt(at) !== CLOSE_LIST) {
    const end = skipValue(json, at);
    spans.push({ start: at, end });
    at = skipSpace(json, end);
    if (json.charCodeAt(at) === COMMA) at = skipSpace(json, at + 1);
  }
  return spans;
}

/** A key may be written with escapes: `"d\u0061ta"` is `data`. */
function isKey(json: string, start: number, end: number, name: string): boolean {
  const written = json.slice(start + 1, end - 1);
  return written === name || (written.includes('\\') && JSON.parse(`"${written}"`) === name);
}

function skipSpace(json: string, from: number): number {
  let at = from;
  for (let code = json.charCodeAt(at); code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09; code = json.charCodeAt(at)) at++;
  return at;
}

/** From an opening quote to just after the closing one. */
function skipString(json: string, from: number): number {
  let at = from + 1;
  for (;;) {
    at = json.indexOf('"', at);
    if (at < 0) throw new SyntaxError('The text is not JSON: a string is not closed');
    let backslashes = 0;
    while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    at++;
    if (backslashes % 2 === 0) return at;
  }
}

function skipValue(json: string, from: number): number {
  const first = json.charCodeAt(from);
  if (first === QUOTE) return skipString(json, from);
  if (first === OPEN_OBJECT || first === OPEN_LIST) return skipNested(json, from);
  let at = from;
  // A number or a word ends where white space, a comma or a closing bracket stands.
  while (at < json.length && !/[\s,\]}]/.test(json.charAt(at))) at++;
  return at;
}

function skipNested(json: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < json.length) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(json, at);
      continue;
    }
    at++;
    if (code === OPEN_OBJECT || code === OPEN_LIST) depth++;
    else if ((code === CLOSE_OBJECT || code === CLOSE_LIST) && --depth === 0) return at;
  }
  throw new SyntaxError('The text is not JSON: a list or an object is not closed');
}
