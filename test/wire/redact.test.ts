import { createRedactor } from '../../src/wire/redact';

const target = {
  headers: { 'x-key': 'key-1234567', Authorization: 'Bearer to"ken\\4567 /+=', 'x-short': 'abc' },
  secrets: [{ secret: 'whsec_c2VjcmV0', expiresAt: null }, { secret: 'old-secret', expiresAt: new Date() }],
  verifyToken: 'key-1234567-and-more',
  auth: null,
};
const redact = createRedactor(target);

test('header values, signing secrets of now and before, and the verify token are taken out', () => {
  expect(redact('a key-1234567 b whsec_c2VjcmV0 c old-secret d')).toBe('a [redacted] b [redacted] c [redacted] d');
  expect(redact('key-1234567-and-more, key-1234567')).toBe('[redacted], [redacted]');
});

test('the token of an Authorization header is taken out without its scheme too', () => {
  expect(redact('got to"ken\\4567 /+=.')).toBe('got [redacted].');
  expect(redact('Bearer to"ken\\4567 /+=')).toBe('[redacted]');
});

test('a value that a receiver wrote as JSON or percent-encoded is known all the same', () => {
  expect(redact(JSON.stringify({ seen: target.headers.Authorization }))).toBe('{"seen":"[redacted]"}');
  expect(redact(`?auth=${encodeURIComponent(target.headers.Authorization)}&x=1`)).toBe('?auth=[redacted]&x=1');
});

test('where the text was cut off, the beginning of a value at its end goes too', () => {
  expect(redact('x'.repeat(20) + 'key-1234567-and-m', true)).toBe(`${'x'.repeat(20)}[redacted]`);
  expect(redact('answer whsec_c2Vj', true)).toBe('answer [redacted]');
  expect(redact('answer whsec_c2Vj', false)).toBe('answer whsec_c2Vj');
  expect(redact('answer whsec', true)).toBe('answer whsec');
});

test('short values and other text stay as they are', () => {
  expect(redact('abc and "100%" of \\ the rest')).toBe('abc and "100%" of \\ the rest');
  expect(redact('')).toBe('');
  expect(createRedactor({ headers: {}, secrets: [], verifyToken: null, auth: null })('anything')).toBe('anything');
});

test('what auth sends is taken out: passwords, basic credentials, client secrets and the access token', () => {
  const basic = createRedactor({ ...target, auth: { type: 'basic', username: 'posthorn', password: 'a pass-word' } });
  expect(basic(`a pass-word, Basic ${Buffer.from('posthorn:a pass-word').toString('base64')}`)).toBe('[redacted], Basic [redacted]');
  const oauth2 = createRedactor({ ...target, auth: { type: 'oauth2', tokenUrl: 'https://x/', clientId: 'c', clientSecret: 'client-secret', scope: null, audience: null, clientAuth: 'post' } }, 'token-123');
  expect(oauth2('client-secret, Bearer token-123')).toBe('[redacted], Bearer [redacted]');
});
