import {
  createHmac, createPrivateKey, createPublicKey, randomBytes, sign as signBytes, timingSafeEqual, verify as verifyBytes, type KeyObject,
} from 'node:crypto';
import type { SignatureScheme } from '../domain/dialect';
import type { SigningSecret } from '../domain/endpoint';

/** What is signed: the event's id, when the request leaves, and the body's bytes. */
export interface SignedContent {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: Uint8Array;
}

/** What a check of a signature came to, and for people why it failed. */
export type Verification = { readonly valid: true } | { readonly valid: false; readonly reason: string };

const TOLERANCE_SECONDS = 5 * 60;

/** DER heads of an ed25519 key (RFC 8410): what follows is the 32 bytes of the seed, or of the public key. */
const PKCS8_SEED = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PUBLIC = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * The headers that prove who sent a request.
 *
 * `standard-webhooks` (Standard Webhooks 1.0.0): every secret that is valid at the timestamp signs, `v1` or `v1a` by its
 * kind. `chakra-sha256` (seed "Chakra APIs, inbound events webhook"): bare hex of the current secret's HMAC over the raw
 * body; no header without a secret. `none`: no headers.
 */
export function signatureHeaders(
  scheme: SignatureScheme,
  { id, timestamp, body, secrets }: SignedContent & { readonly secrets: readonly SigningSecret[] },
): Record<string, string> {
  if (scheme === 'none') return {};
  if (scheme === 'chakra-sha256') {
    const current = secrets.find(({ expiresAt }) => expiresAt === null);
    return current ? { 'X-Chakra-Signature-256': hmac(current.secret, body).toString('hex') } : {};
  }
  const seconds = String(Math.floor(timestamp.getTime() / 1000));
  const prefix = `${id}.${seconds}.`;
  const signatures = secrets
    .filter(({ expiresAt }) => expiresAt === null || expiresAt > timestamp)
    .map(({ secret }) => signStandard(secret, prefix, body));
  const headers: Record<string, string> = { 'webhook-id': id, 'webhook-timestamp': seconds };
  if (signatures.length > 0) headers['webhook-signature'] = signatures.join(' ');
  return headers;
}

/** A new secret: `v1` is `whsec_` and 32 random bytes, `v1a` is `whsk_` and an ed25519 key pair of 64 bytes, both in base64. */
export function generateSecret(kind: 'v1' | 'v1a'): string {
  const random = randomBytes(32);
  if (kind === 'v1') return `whsec_${random.toString('base64')}`;
  return `whsk_${Buffer.concat([random, publicBytes(privateKey(random))]).toString('base64')}`;
}

/** What is wrong with a secret that a caller brings, and what is allowed; null where it can be used. Never repeats the secret. */
export function checkSecret(scheme: SignatureScheme, secret: string): string | null {
  if (scheme === 'none') return 'is of no use: this dialect signs nothing';
  if (scheme === 'chakra-sha256') return secret.length >= 1 && secret.length <= 256 ? null : 'must have 1 to 256 characters';
  const kind = /^(whsec|whsk)_/.exec(secret)?.[1];
  if (!kind) return 'must begin with whsec_ (a shared secret) or whsk_ (an ed25519 private key), followed by base64';
  const bytes = payload(secret);
  if (bytes.toString('base64') !== secret.slice(kind.length + 1)) return `must be base64 with padding after ${kind}_`;
  if (kind === 'whsec') return bytes.length >= 24 && bytes.length <= 64 ? null : `must hold 24 to 64 bytes after whsec_, not ${bytes.length}`;
  if (bytes.length !== 32 && bytes.length !== 64) return `must hold 32 bytes (seed) or 64 bytes (seed and public key) after whsk_, not ${bytes.length}`;
  const fits = bytes.length === 32 || bytes.subarray(32).equals(publicBytes(privateKey(bytes.subarray(0, 32))));
  return fits ? null : 'holds a public key that does not belong to its seed';
}

/** The `whpk_` public key by which receivers check what a `whsk_` secret signed. */
export const publicKeyOf = (secret: string): string => `whpk_${publicBytes(privateKey(payload(secret).subarray(0, 32))).toString('base64')}`;

/**
 * Checks a request by Standard Webhooks, in constant time.
 * @param headers names in lower case.
 * @param key a `whsec_` secret for `v1` signatures; a `whpk_` public key, or the `whsk_` secret itself, for `v1a`.
 */
export function verifyStandard(
  headers: Readonly<Record<string, string | string[] | undefined>>, body: Uint8Array, key: string, now: Date,
): Verification {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || typeof seconds !== 'string' || typeof signatures !== 'string') {
    return invalid('webhook-id, webhook-timestamp and webhook-signature are needed, each once');
  }
  if (!/^\d{1,12}$/.test(seconds)) return invalid('webhook-timestamp is not a number of seconds');
  if (Math.abs(Math.floor(now.getTime() / 1000) - Number(seconds)) > TOLERANCE_SECONDS) {
    return invalid('webhook-timestamp is more than 5 minutes away from now');
  }
  const prefix = `${id}.${seconds}.`;
  const version = key.startsWith('whsec_') ? 'v1' : 'v1a';
  const fits = version === 'v1' ? matcherV1(key, prefix, body) : matcherV1a(key, prefix, body);
  if (!fits) return invalid('the key is neither a whsec_ secret nor a whpk_ or whsk_ key');
  const given = signatures.split(' ').filter((part) => part.startsWith(`${version},`)).map((part) => payload(part, ','));
  return given.some(fits) ? { valid: true } : invalid(`no ${version} signature in webhook-signature fits`);
}

/** Checks the value of `X-Chakra-Signature-256`, in constant time. */
export function verifyChakra(signature: string | undefined, body: Uint8Array, secret: string): Verification {
  if (secret === '') return invalid('the secret is empty: anybody could have signed with it');
  if (signature === undefined) return invalid('x-chakra-signature-256 is needed');
  if (!/^[0-9a-f]{64}$/.test(signature)) return invalid('x-chakra-signature-256 is not 64 lower-case hex digits');
  const fits = timingSafeEqual(Buffer.from(signature, 'hex'), hmac(secret, body));
  return fits ? { valid: true } : invalid('x-chakra-signature-256 does not fit');
}

const invalid = (reason: string): Verification => ({ valid: false, reason });

function signStandard(secret: string, prefix: string, body: Uint8Array): string {
  if (secret.startsWith('whsk_')) {
    const key = privateKey(payload(secret).subarray(0, 32));
    return `v1a,${signBytes(null, Buffer.concat([Buffer.from(prefix), body]), key).toString('base64')}`;
  }
  return `v1,${hmac(payload(secret), body, prefix).toString('base64')}`;
}

function matcherV1(key: string, prefix: string, body: Uint8Array): ((signature: Buffer) => boolean) | null {
  // With an empty key anybody can sign.
  if (payload(key).length === 0) return null;
  const expected = hmac(payload(key), body, prefix);
  return (signature) => signature.length === expected.length && timingSafeEqual(signature, expected);
}

function matcherV1a(key: string, prefix: string, body: Uint8Array): ((signature: Buffer) => boolean) | null {
  const isPrivate = checkSecret('standard-webhooks', key) === null;
  const bytes = payload(isPrivate ? publicKeyOf(key) : key);
  if (!(isPrivate || key.startsWith('whpk_')) || bytes.length !== 32) return null;
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PUBLIC, bytes]), format: 'der', type: 'spki' });
  const content = Buffer.concat([Buffer.from(prefix), body]);
  return (signature) => verifyBytes(null, content, publicKey, signature);
}

function hmac(key: string | Buffer, body: Uint8Array, prefix = ''): Buffer {
  return createHmac('sha256', key).update(prefix).update(body).digest();
}

/** The bytes that stand in base64 after the first separator. */
const payload = (value: string, separator = '_'): Buffer => Buffer.from(value.slice(value.indexOf(separator) + 1), 'base64');

const privateKey = (seed: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_SEED, seed]), format: 'der', type: 'pkcs8' });

const publicBytes = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_PUBLIC.length);
