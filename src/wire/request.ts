import { DIALECTS } from '../domain/dialect';
import type { EndpointTarget } from '../domain/endpoint';
import type { Event } from '../domain/event';
import { signatureHeaders } from './sign';

/** How requests name their sender; a test compares it with `package.json`. */
export const USER_AGENT = 'Posthorn/0.1.0';

const MAX_VALUE_LENGTH = 4096;

/** Ours to set, hop-by-hop (RFC 9110, 7.6.1), or telling a receiver of our own traces. A trailing `-` stands for all that begin so. */
const FORBIDDEN = [
  'host', 'connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect', 'proxy-', 'content-', 'webhook-',
  'x-chakra-signature-256', 'x-hub-signature-256', 'traceparent', 'tracestate', 'baggage', 'accept-encoding',
];

/** The headers of one attempt: ours, the endpoint's own (which may name another user agent), then the signatures over `body`. */
export function requestHeaders(
  target: Pick<EndpointTarget, 'dialect' | 'headers' | 'secrets'>, event: Pick<Event, 'id' | 'received'>, body: Uint8Array, now: Date,
): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
  if (!Object.keys(target.headers).some((name) => name.toLowerCase() === 'user-agent')) headers['user-agent'] = USER_AGENT;
  const { signature, passesSignature } = DIALECTS[target.dialect];
  const received = event.received?.signature ?? null;
  if (passesSignature && received !== null) headers['X-Hub-Signature-256'] = received;
  const signatures = signatureHeaders(signature, { id: event.id, timestamp: now, body, secrets: target.secrets });
  return Object.assign(headers, target.headers, signatures);
}

/** What is wrong with a header that somebody wants to be sent to their endpoint, and what is allowed; null where it may be saved. */
export function checkHeader(name: string, value: string): string | null {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(name)) return 'the name must have 1 to 64 letters, digits and hyphens';
  const lower = name.toLowerCase();
  if (FORBIDDEN.some((rule) => (rule.endsWith('-') ? lower.startsWith(rule) : lower === rule))) return `${lower} can not be set`;
  if (value.length > MAX_VALUE_LENGTH) return `the value has ${value.length} characters; at most ${MAX_VALUE_LENGTH} are allowed`;
  if (!/^[\t\x20-\x7e]*$/.test(value)) return 'the value must be visible ASCII characters, spaces and tabs';
  return null;
}
