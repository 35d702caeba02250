import { bytesOf, concat, fromBase64, fromHex } from './bytes';
import { headerOf, type HeadersLike } from './headers';
import { ReceiveError } from './receive-error';

/** A request before it is believed: its headers and the bytes of its body, as they came. */
export interface RawRequest {
  readonly headers: HeadersLike;
  readonly body: Uint8Array;
}

/** Checks a request. @returns when its sender says to have sent it; null where that is not signed. @throws ReceiveError */
export type Check = (request: RawRequest, now: Date) => Promise<Date | null>;

type Bytes = Uint8Array<ArrayBuffer>;
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
interface VersionedKey {
  readonly version: 'v1' | 'v1a';
  readonly key: Promise<Key>;
}

const HMAC = { name: 'HMAC', hash: 'SHA-256' } as const;
const ED25519 = { name: 'Ed25519' } as const;
/** A sender has at most eleven secrets at once. More would only make us work for somebody whom we do not know. */
const MOST_SIGNATURES = 20;

/**
 * A check by Standard Webhooks 1.0.0: one signature that fits one of the keys is enough.
 * @param secrets `whsec_` secrets (`v1`), or `whpk_` public keys (`v1a`); several while they are rotated.
 * @param toleranceSeconds how far the timestamp may be away from now, in both directions.
 * @throws TypeError for a secret that is neither, without repeating it.
 */
export function standardCheck(secrets: readonly string[], toleranceSeconds: number): Check {
  const keys = secrets.map(standardKey);
  return async ({ headers, body }, now) => {
    const [id, seconds, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headerOf(headers, name));
    if (!id || !seconds || !signatures) throw new ReceiveError('unsigned', 'webhook-id, webhook-timestamp and webhook-signature are needed, each once');
    if (!/^\d{1,12}$/.test(seconds)) throw new ReceiveError('timestamp', 'webhook-timestamp is not a number of seconds');
    const awaySeconds = Math.abs(Math.floor(now.getTime() / 1000) - Number(seconds));
    if (awaySeconds > toleranceSeconds) {
      throw new ReceiveError('timestamp', `webhook-timestamp is ${awaySeconds} s away from now; at most ${toleranceSeconds} s are allowed`);
    }
    const given = signatures.split(' ');
    if (given.length > MOST_SIGNATURES) throw new ReceiveError('signature', `webhook-signature holds more than ${MOST_SIGNATURES} signatures`);
    const content = concat([bytesOf(`${id}.${seconds}.`), body]);
    for (const { version, key } of keys) {
      for (const signature of given) {
        if (signature.startsWith(`${version},`) && (await fits(version, await key, signature.slice(version.length + 1), content))) return new Date(Number(seconds) * 1000);
      }
    }
    throw new ReceiveError('signature', 'no signature in webhook-signature fits');
  };
}

/**
 * A check of `X-Chakra-Signature-256`: HMAC-SHA256 of the body in hex. It holds no time: who has a copy may send it again.
 * @throws TypeError for an empty secret: anybody could sign with it.
 */
export function hexCheck(secrets: readonly string[]): Check {
  if (secrets.includes('')) throw new TypeError('A secret is empty: anybody could sign with it');
  const keys = secrets.map((secret) => importHmac(bytesOf(secret)));
  return async ({ headers, body }) => {
    const signature = headerOf(headers, 'x-chakra-signature-256');
    if (signature === null) throw new ReceiveError('unsigned', 'X-Chakra-Signature-256 is needed, once');
    const bytes = fromHex(signature);
    if (!bytes) throw new ReceiveError('signature', 'X-Chakra-Signature-256 is not 64 hex digits in small letters');
    for (const key of keys) if (await crypto.subtle.verify('HMAC', await key, bytes, body as Bytes)) return null;
    throw new ReceiveError('signature', 'X-Chakra-Signature-256 does not fit');
  };
}

/** Whether a text is one of these, in a time that does not tell how much of it is right. */
export async function isOneOf(given: string, allowed: readonly string[]): Promise<boolean> {
  const key = await importHmac(crypto.getRandomValues(new Uint8Array(32)));
  const mac = await crypto.subtle.sign('HMAC', key, bytesOf(given));
  const found = await Promise.all(allowed.map((text) => crypto.subtle.verify('HMAC', key, mac, bytesOf(text))));
  return found.includes(true);
}

function standardKey(secret: string): VersionedKey {
  const bytes = fromBase64(secret.slice(secret.indexOf('_') + 1));
  if (secret.startsWith('whsec_') && bytes && bytes.length > 0) return { version: 'v1', key: importHmac(bytes) };
  if (secret.startsWith('whpk_') && bytes?.length === 32) return { version: 'v1a', key: importEd25519(bytes) };
  throw new TypeError(
    secret.startsWith('whsk_')
      ? 'A whsk_ secret is the private key of the sender: take the public one (whpk_...)'
      : 'A secret must be whsec_ and base64, or whpk_ and the base64 of 32 bytes',
  );
}

async function fits(version: 'v1' | 'v1a', key: Key, signature: string, content: Bytes): Promise<boolean> {
  const bytes = fromBase64(signature);
  return bytes !== null && crypto.subtle.verify(version === 'v1' ? 'HMAC' : ED25519, key, bytes, content);
}

const importHmac = (bytes: Bytes): Promise<Key> => unheard(crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign', 'verify']));
const importEd25519 = (bytes: Bytes): Promise<Key> => unheard(crypto.subtle.importKey('raw', bytes, ED25519, false, ['verify']));

/** Each request that needs the key hears of its failure; until one does, nobody has to. */
function unheard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
