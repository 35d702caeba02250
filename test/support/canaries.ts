import { randomBytes } from 'node:crypto';

/** A secret that is looked for: `name` says which, `text` is what stands in the clear. */
export interface Canary {
  readonly name: string;
  readonly text: string;
}

/** Text that no other run and no other thing has: letters and digits alone, so that no encoding of a URL or of JSON changes it. */
export const newMark = (): string => `c4nary${randomBytes(9).toString('hex')}`;

/** The bytes of a text in each form that it may have been written in. */
function formsOf(text: string): readonly (readonly [form: string, bytes: Buffer])[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  return [
    ['plain', bytes], ['hex', Buffer.from(hex)], ['hex', Buffer.from(hex.toUpperCase())], ['UTF-16', Buffer.from(text, 'utf16le')],
    ['URL-encoded', Buffer.from(encodeURIComponent(text))], ['JSON', Buffer.from(JSON.stringify(text).slice(1, -1))],
    ...[0, 1, 2].flatMap((offset) => ['base64', 'base64url'].map((form) => [form, base64At(bytes, offset, form as 'base64')] as const)),
  ];
}

/** What base64 of anything looks like in which these bytes begin at a place that is `offset` more than a multiple of three. */
function base64At(bytes: Buffer, offset: number, form: 'base64' | 'base64url'): Buffer {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
  const from = Math.ceil((offset * 8) / 6);
  const to = Math.floor((whole.length * 8) / 6);
  return Buffer.from(whole.toString(form).slice(from, to));
}

/** Looks for canaries in all of their forms. Answers what was found, by name and form; empty: nothing. */
export function createSearch(canaries: readonly Canary[]): (bytes: Buffer | string) => readonly string[] {
  const forms = canaries.flatMap(({ name, text }) => formsOf(text).map(([form, bytes]) => ({ found: `${name}, ${form}`, bytes })));
  const unique = [...new Map(forms.map((one) => [one.bytes.toString('latin1'), one])).values()];
  return (given) => {
    const haystack = typeof given === 'string' ? Buffer.from(given) : given;
    return [...new Set(unique.filter(({ bytes }) => haystack.includes(bytes)).map(({ found }) => found))];
  };
}
