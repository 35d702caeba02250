import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import fc from 'fast-check';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { SigningSecret } from '../../src/domain/endpoint';
import { checkSecret, generateSecret, publicKeyOf, signatureHeaders, verifyChakra, verifyStandard } from '../../src/wire/sign';

const NOW = new Date();
const BODY = Buffer.from('{"id":"evt_1","data":{"emoji":"☃ 𝄞","n":1.10}}');
const current = (secret: string): SigningSecret => ({ secret, expiresAt: null });
const until = (secret: string, inMs: number): SigningSecret => ({ secret, expiresAt: new Date(NOW.getTime() + inMs) });
const sign = (secrets: readonly SigningSecret[], body: Uint8Array = BODY, id = 'evt_1', timestamp = NOW): Record<string, string> =>
  signatureHeaders('standard-webhooks', { id, timestamp, body, secrets });
/** Two libraries that receivers use. */
const OTHERS = [StandardWebhook, SvixWebhook] as const;

describe('Standard Webhooks', () => {
  test('the published vectors come out bit by bit', () => {
    // Of the reference implementations' test suites.
    const headers = signatureHeaders('standard-webhooks', {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: new Date(1614265330 * 1000), body: Buffer.from('{"test": 2432232314}'),
      secrets: [current('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
    });
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test.each(OTHERS)('the library %p accepts what we sign, and refuses it once a byte has changed', (Webhook) => {
    const secret = generateSecret('v1');
    const headers = sign([current(secret)]);
    expect(new Webhook(secret).verify(BODY.toString(), headers)).toEqual(JSON.parse(BODY.toString()));
    expect(() => new Webhook(secret).verify(`${BODY.toString()} `, headers)).toThrow();
    expect(() => new Webhook(secret).verify(BODY.toString(), { ...headers, 'webhook-id': 'evt_2' })).toThrow();
    expect(() => new Webhook(generateSecret('v1')).verify(BODY.toString(), headers)).toThrow();
  });

  test.each(OTHERS)('we accept what the library %p signs', (Webhook) => {
    const secret = generateSecret('v1');
    const signature = new Webhook(secret).sign('evt_1', NOW, BODY.toString());
    const headers = { 'webhook-id': 'evt_1', 'webhook-timestamp': String(Math.floor(NOW.getTime() / 1000)), 'webhook-signature': signature };
    expect(verifyStandard(headers, BODY, secret, NOW)).toEqual({ valid: true });
  });

  test('any text is signed as its UTF-8 bytes', () => {
    const secret = generateSecret('v1');
    fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), (text) => {
      const bytes = Buffer.from(text);
      new StandardWebhook(secret).verify(bytes.toString(), sign([current(secret)], bytes));
    }));
  });

  test('during a rotation both secrets sign, the newest first, each good alone; one past its time does not', () => {
    const [fresh, old, older] = [generateSecret('v1'), generateSecret('v1'), generateSecret('v1')] as const;
    const headers = sign([current(fresh), until(old, 1000), until(older, 0)]);
    expect(headers['webhook-signature']?.split(' ')).toEqual([sign([current(fresh)])['webhook-signature'], sign([current(old)])['webhook-signature']]);
    for (const Webhook of OTHERS) {
      for (const secret of [fresh, old]) expect(new Webhook(secret).verify(BODY.toString(), headers)).toBeTruthy();
      expect(() => new Webhook(older).verify(BODY.toString(), headers)).toThrow();
    }
    expect([fresh, old].map((secret) => verifyStandard(headers, BODY, secret, NOW))).toEqual([{ valid: true }, { valid: true }]);
    expect(verifyStandard(headers, BODY, older, NOW)).toMatchObject({ valid: false });
  });

  test('without a secret the id and the time are still told', () => {
    expect(sign([])).toEqual({ 'webhook-id': 'evt_1', 'webhook-timestamp': String(Math.floor(NOW.getTime() / 1000)) });
  });

  test('a v1a signature is good by the public key alone, also from a bare seed, and beside a v1 one', () => {
    const pair = generateSecret('v1a');
    const seedOnly = `whsk_${Buffer.from(pair.slice(5), 'base64').subarray(0, 32).toString('base64')}`;
    const shared = generateSecret('v1');
    expect(publicKeyOf(seedOnly)).toBe(publicKeyOf(pair));
    for (const secret of [pair, seedOnly]) {
      const headers = sign([current(secret), until(shared, 1000)]);
      const [signature = '', v1 = ''] = headers['webhook-signature']?.split(' ') ?? [];
      expect(signature).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/);
      expect(v1).toMatch(/^v1,/);
      const x = Buffer.from(publicKeyOf(secret).slice(5), 'base64').toString('base64url');
      const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
      const content = Buffer.concat([Buffer.from(`evt_1.${headers['webhook-timestamp']}.`), BODY]);
      expect(verify(null, content, key, Buffer.from(signature.slice(4), 'base64'))).toBe(true);
      expect(verifyStandard(headers, BODY, publicKeyOf(secret), NOW)).toEqual({ valid: true });
      expect(verifyStandard(headers, BODY, secret, NOW)).toEqual({ valid: true });
      expect(verifyStandard(headers, Buffer.from('x'), publicKeyOf(secret), NOW)).toMatchObject({ valid: false });
      expect(verifyStandard(headers, BODY, publicKeyOf(generateSecret('v1a')), NOW)).toMatchObject({ valid: false });
    }
  });

  test('the vector of RFC 8032, 7.1 (test 1): the public key of a seed', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const publicKey = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
    expect(publicKeyOf(`whsk_${seed.toString('base64')}`)).toBe(`whpk_${publicKey.toString('base64')}`);
    expect(checkSecret('standard-webhooks', `whsk_${Buffer.concat([seed, publicKey]).toString('base64')}`)).toBeNull();
  });

  test('a request is refused for its time when it is more than five minutes away, either way', () => {
    const secret = generateSecret('v1');
    const at = (seconds: number): unknown => verifyStandard(sign([current(secret)]), BODY, secret, new Date(Math.floor(NOW.getTime() / 1000) * 1000 + seconds * 1000));
    expect([at(-300), at(0), at(300)]).toEqual([{ valid: true }, { valid: true }, { valid: true }]);
    expect([at(-301), at(301)]).toEqual(Array(2).fill({ valid: false, reason: 'webhook-timestamp is more than 5 minutes away from now' }));
  });

  test.each([
    ['no headers', {}], ['a header twice', { 'webhook-id': ['a', 'b'] }], ['a time that is none', { 'webhook-timestamp': 'now' }], ['a negative time', { 'webhook-timestamp': '-1' }],
    ['an empty signature', { 'webhook-signature': '' }], ['a signature of another version', { 'webhook-signature': 'v2,AAAA' }],
    ['a short one', { 'webhook-signature': 'v1,AAAA' }], ['none after the comma', { 'webhook-signature': 'v1,' }],
  ])('%s: refused with a reason, not thrown', (what, more) => {
    const secret = generateSecret('v1');
    const headers = what === 'no headers' ? {} : { ...sign([current(secret)]), ...more };
    expect(verifyStandard(headers, BODY, secret, NOW)).toEqual({ valid: false, reason: expect.any(String) as string });
  });

  test.each(['', 'whpk_', 'whpk_AAAA', 'whsk_AAAA', 'x', 'whpk'])('the key %j is refused with a reason, not thrown', (key) => {
    expect(verifyStandard(sign([current(generateSecret('v1a'))]), BODY, key, NOW)).toMatchObject({ valid: false });
  });

  test('an empty key verifies nothing, though the sum is right', () => {
    const forged = createHmac('sha256', '').update(`evt_1.${Math.floor(NOW.getTime() / 1000)}.`).update(BODY).digest('base64');
    expect(verifyStandard({ ...sign([]), 'webhook-signature': `v1,${forged}` }, BODY, 'whsec_', NOW)).toMatchObject({ valid: false });
    expect(verifyChakra(createHmac('sha256', '').update(BODY).digest('hex'), BODY, '')).toMatchObject({ valid: false });
  });
});

describe('X-Chakra-Signature-256', () => {
  test('is bare lower-case hex of the current secret over the raw body', () => {
    const secrets = [until('old', 1000), current('any string, even città')];
    const headers = signatureHeaders('chakra-sha256', { id: 'evt_1', timestamp: NOW, body: BODY, secrets });
    expect(headers).toEqual({ 'X-Chakra-Signature-256': createHmac('sha256', Buffer.from('any string, even città', 'utf8')).update(BODY).digest('hex') });
    expect(verifyChakra(headers['X-Chakra-Signature-256'], BODY, 'any string, even città')).toEqual({ valid: true });
    expect(verifyChakra(headers['X-Chakra-Signature-256'], Buffer.from('x'), 'any string, even città')).toMatchObject({ valid: false });
  });

  test('is absent without a secret', () => {
    expect(signatureHeaders('chakra-sha256', { id: 'evt_1', timestamp: NOW, body: BODY, secrets: [] })).toEqual({});
  });

  test.each([undefined, '', 'sha256=00', 'zz'.repeat(32), 'AA'.repeat(32), '00'.repeat(31), '00'.repeat(32)])('%j is refused with a reason', (signature) => {
    expect(verifyChakra(signature, BODY, 'secret')).toEqual({ valid: false, reason: expect.any(String) as string });
  });
});

describe('secrets', () => {
  const base64 = (length: number): string => randomBytes(length).toString('base64');

  test('generated ones are random, and good', () => {
    expect(generateSecret('v1')).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(generateSecret('v1a')).toMatch(/^whsk_[A-Za-z0-9+/]{86}==$/);
    for (const kind of ['v1', 'v1a'] as const) {
      expect(generateSecret(kind)).not.toBe(generateSecret(kind));
      expect(checkSecret('standard-webhooks', generateSecret(kind))).toBeNull();
    }
  });

  test.each([`whsec_${base64(24)}`, `whsec_${base64(25)}`, `whsec_${base64(64)}`, `whsk_${base64(32)}`])('%s is taken', (secret) => {
    expect(checkSecret('standard-webhooks', secret)).toBeNull();
  });

  test('a key pair that another tool made is taken', () => {
    const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    const pair = Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]);
    expect(checkSecret('standard-webhooks', `whsk_${pair.toString('base64')}`)).toBeNull();
  });

  test.each([
    ['', 'must begin with whsec_'], ['secret', 'must begin with whsec_'], [`whpk_${base64(32)}`, 'must begin with whsec_'], ['whsec_', '24 to 64 bytes'],
    [`whsec_${base64(23)}`, 'not 23'], [`whsec_${base64(65)}`, 'not 65'], ['whsec_äöü', 'base64'], [`whsec_${base64(24)}\n`, 'base64'], [`whsec_${base64(25).replace(/=+$/, '')}`, 'padding'],
    [`whsec_${Buffer.alloc(24, 255).toString('base64url')}`, 'base64'], [`whsk_${base64(33)}`, 'not 33'], [`whsk_${base64(64)}`, 'does not belong'],
  ])('%j is refused: %s', (secret, reason) => {
    const mistake = checkSecret('standard-webhooks', secret);
    expect(mistake).toContain(reason);
    if (secret.length > 12) expect(mistake).not.toContain(secret.slice(6).trim());
  });

  test('chakra takes any text of 1 to 256 characters', () => {
    expect(['x', 'ü'.repeat(256)].map((secret) => checkSecret('chakra-sha256', secret))).toEqual([null, null]);
    expect(['', 'x'.repeat(257)].map((secret) => checkSecret('chakra-sha256', secret))).toEqual(Array(2).fill('must have 1 to 256 characters'));
  });
});
