import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { checkHeader, requestHeaders, USER_AGENT } from '../../src/wire/request';

const NOW = new Date();
const BODY = Buffer.from('{}');
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const headersFor = (dialect: 'standard' | 'chakra', headers: Record<string, string>, secret: string | null): Record<string, string> =>
  requestHeaders({ dialect, headers, secrets: secret === null ? [] : [{ secret, expiresAt: null }] }, { id: 'evt_1' }, BODY, NOW);

test('ours come first, then the endpoint\'s own as they were given, then the signatures', () => {
  const headers = headersFor('standard', { Authorization: 'Bearer x', 'X-Team': 'a b' }, SECRET);
  expect(Object.keys(headers)).toEqual([
    'content-type', 'accept-encoding', 'user-agent', 'Authorization', 'X-Team', 'webhook-id', 'webhook-timestamp', 'webhook-signature',
  ]);
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'accept-encoding': 'identity', 'user-agent': USER_AGENT, 'webhook-id': 'evt_1' });
  expect(() => new Webhook(SECRET).verify(BODY.toString(), headers)).not.toThrow();
});

test('a receiver of chakra gets its own signature header and no other, and none without a secret', () => {
  expect(Object.keys(headersFor('chakra', {}, 'any')).slice(3)).toEqual(['X-Chakra-Signature-256']);
  expect(Object.keys(headersFor('chakra', {}, null)).slice(3)).toEqual([]);
});

test('an endpoint may name another user agent, in any case of letters, and is then sent one alone', () => {
  const headers = headersFor('standard', { 'USER-Agent': 'mine/1' }, SECRET);
  expect(Object.entries(headers).filter(([name]) => name.toLowerCase() === 'user-agent')).toEqual([['USER-Agent', 'mine/1']]);
});

test('the version in the user agent is that of the package', () => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
  expect(USER_AGENT).toBe(`Posthorn/${version}`);
});

test.each([
  ['Authorization', 'Bearer abc.def'], ['X-Api-Key', 'a\tb'], ['user-agent', 'mine/1'], ['a', ''], ['x'.repeat(64), 'x'.repeat(4096)], ['cookie', 'a=b; c="d"'], ['X-Content-Type', 'x'],
])('the header %s may be set', (name, value) => {
  expect(checkHeader(name, value)).toBeNull();
});

test.each([
  'host', 'Host', 'connection', 'Keep-Alive', 'transfer-encoding', 'TE', 'trailer', 'upgrade', 'expect', 'proxy-authorization', 'Proxy-Connection', 'content-length', 'Content-Type',
  'content-encoding', 'webhook-id', 'Webhook-Signature', 'X-Chakra-Signature-256', 'traceparent', 'tracestate', 'baggage', 'accept-encoding',
])('the header %s may not be set, and the answer names it', (name) => {
  expect(checkHeader(name, 'x')).toBe(`${name.toLowerCase()} can not be set`);
});

test.each(['', ' ', 'a b', 'a:', 'a_b', 'x'.repeat(65), 'naïve', 'a\r\nb', '__proto__', ':path'])('%j is no name of a header', (name) => {
  expect(checkHeader(name, 'x')).toContain('letters, digits and hyphens');
});

test.each(['a\r\nb: c', 'a\nb', 'a\rb', 'a\0b', 'naïve', '\x7f', '☃'])('%j is no value of a header', (value) => {
  expect(checkHeader('X-A', value)).toContain('visible ASCII');
});

test('a value may have 4 KiB', () => {
  expect(checkHeader('X-A', 'x'.repeat(4097))).toContain('at most 4096');
});
