import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { createKeyRing } from '../src/seal';

const key = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const PLACE = 'endpoint_secret|sec_1';

test('what was sealed for a place opens there, whatever it is', () => {
  const ring = createKeyRing([key('k1')]);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string(), (clear, where) => {
    expect(ring.open(ring.seal(clear, where), where)).toBe(clear);
  }));
});

test('what was sealed for one row does not open in another', () => {
  const ring = createKeyRing([key('k1')]);
  expect(() => ring.open(ring.seal('whsec_x', PLACE), 'endpoint_secret|sec_2')).toThrow();
});

test('the same text is sealed in another way each time, and does not show', () => {
  const ring = createKeyRing([key('k1')]);
  const sealed = Array.from({ length: 100 }, () => ring.seal('whsec_canary', PLACE));
  expect(new Set(sealed).size).toBe(100);
  for (const text of sealed) expect(Buffer.from(text.slice('k1:'.length), 'base64').toString('latin1')).not.toContain('canary');
});

test('a changed byte, anywhere, does not open', () => {
  const ring = createKeyRing([key('k1')]);
  const bytes = Buffer.from(ring.seal('whsec_x', PLACE).slice('k1:'.length), 'base64');
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => ring.open(`k1:${changed.toString('base64')}`, PLACE)).toThrow();
  }
});

test.each(['', 'k1', 'k1:', 'k1:AAAA', `k1:${Buffer.alloc(27).toString('base64')}`])('%j was never sealed and does not open', (text) => {
  expect(() => createKeyRing([key('k1')]).open(text, PLACE)).toThrow();
});

test('the first key seals; what an older one sealed still opens', () => {
  const [older, newer] = [key('old'), key('new')];
  const sealed = createKeyRing([older]).seal('whsec_x', PLACE);
  const ring = createKeyRing([newer, older]);
  expect(ring.open(sealed, PLACE)).toBe('whsec_x');
  expect(ring.seal('whsec_x', PLACE)).toMatch(/^new:/);
});

test('what was sealed by a key that is gone says which one to add back', () => {
  const sealed = createKeyRing([key('old')]).seal('whsec_x', PLACE);
  expect(() => createKeyRing([key('new')]).open(sealed, PLACE)).toThrow(/"old".*POSTHORN_ENCRYPTION_KEYS/);
});

test('another key under the same id does not open it, nor does a text that claims another key', () => {
  const [a, b] = [key('a'), key('b')];
  const sealed = createKeyRing([a]).seal('whsec_x', PLACE);
  expect(() => createKeyRing([key('a')]).open(sealed, PLACE)).toThrow();
  expect(() => createKeyRing([b, a]).open(sealed.replace(/^a:/, 'b:'), PLACE)).toThrow();
});

test('a ring needs a key', () => {
  expect(() => createKeyRing([])).toThrow(/at least one key/);
});
