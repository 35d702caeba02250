import type { EndpointTarget } from '../domain/endpoint';
import { secretOf, type EndpointAuth } from '../domain/endpoint-auth';
import { basicCredentials } from './access-token';

/** What is shown in the place of a secret value; given back as a header's value, it keeps the one that is there. */
export const REDACTED = '[redacted]';

/** Shorter values are left: they would tear holes into everything, and guard nothing. */
const SHORTEST = 6;

/**
 * Takes out of a receiver's answer what it sent back of its endpoint's secrets: header values (of `Authorization` also the
 * part behind the scheme), signing secrets, the verify token, and what its `auth` sends (`token`: the access token that was sent), as they are, as JSON writes them and percent-encoded. A
 * value of less than 6 characters is left. `isCut`: the text was cut off at its end, where a value may have begun.
 */
export function createRedactor(
  { headers, secrets, verifyToken, auth }: Pick<EndpointTarget, 'headers' | 'secrets' | 'verifyToken' | 'auth'>, token = '',
): (text: string, isCut?: boolean) => string {
  const values = [
    ...Object.entries(headers).flatMap(([name, value]) => (name.toLowerCase() === 'authorization' ? [value, value.slice(value.indexOf(' ') + 1)] : [value])),
    ...secrets.map(({ secret }) => secret),
    verifyToken ?? '',
    ...(auth ? sentBy(auth) : []),
    token,
  ].map((value) => value.trim()).filter((value) => value.length >= SHORTEST);
  if (values.length === 0) return (text) => text;
  // The longest first: what is a part of another would leave the rest of that behind.
  const known = [...new Set(values)].sort((a, b) => b.length - a.length);
  return (text, isCut = false) => {
    if (text === '') return text;
    const forms = known.flatMap((value) => formsOf(value, text));
    return forms.reduce((shown, form) => (shown.includes(form) ? shown.replaceAll(form, REDACTED) : shown), isCut ? withoutBeginning(text, forms) : text);
  };
}

const sentBy = (auth: EndpointAuth): string[] =>
  [secretOf(auth), ...(auth.type === 'basic' ? [basicCredentials(auth.username, auth.password).slice('Basic '.length)] : [])];

/** How a value may stand in this text. */
function formsOf(value: string, text: string): string[] {
  const forms = [value];
  if (text.includes('\\')) forms.push(JSON.stringify(value).slice(1, -1));
  if (text.includes('%')) forms.push(encodeURIComponent(value));
  return forms;
}

/** Without what a value begins with where the text ends. */
function withoutBeginning(text: string, forms: readonly string[]): string {
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, text.length); length >= SHORTEST; length--) {
      if (text.endsWith(form.slice(0, length))) return text.slice(0, -length) + REDACTED;
    }
  }
  return text;
}
