import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts what must not stand in the clear in the database. `where` names the row and purpose it belongs to. */
export interface KeyRing {
  /** The id of the first key, which seals. */
  readonly activeId: string;
  /** Seals with the first key. The text holds the key's id, so that older keys keep opening what they sealed. */
  seal(clear: string, where: string): string;
  /** @throws Error where the text was changed, moved to another row, or sealed with a key that is not in the ring. */
  open(sealed: string, where: string): string;
  /** Signs `text` for a purpose, with a key made from the first key. Holds the key's id, as a sealed text does. */
  sign(text: string, purpose: string): string;
  /** Whether {@link sign} made this signature, with any key of the ring. In constant time. */
  isSigned(text: string, purpose: string, signature: string): boolean;
}

/** AES-256-GCM with a random 96-bit IV each time; `where` and the key's id are bound in (AAD). Keys are `id:base64` of 32 bytes. */
export function createKeyRing(keys: readonly string[]): KeyRing {
  const ring = new Map(keys.map((entry) => [entry.slice(0, entry.indexOf(':')), Buffer.from(entry.slice(entry.indexOf(':') + 1), 'base64')]));
  const [active] = ring.keys();
  if (active === undefined) throw new Error('An encryption key ring needs at least one key');

  return {
    activeId: active,
    seal(clear, where) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', keyOf(ring, active), iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(aad(where, active));
      const body = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final()]);
      return `${active}:${Buffer.concat([iv, body, cipher.getAuthTag()]).toString('base64')}`;
    },
    open(sealed, where) {
      const id = sealed.slice(0, sealed.indexOf(':'));
      const bytes = Buffer.from(sealed.slice(id.length + 1), 'base64');
      const decipher = createDecipheriv('aes-256-gcm', keyOf(ring, id), bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(aad(where, id));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      return decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
    sign: (text, purpose) => `${active}.${mac(keyOf(ring, active), text, purpose).toString('base64url')}`,
    isSigned(text, purpose, signature) {
      const id = signature.slice(0, signature.lastIndexOf('.'));
      const key = ring.get(id);
      const given = Buffer.from(signature.slice(id.length + 1), 'base64url');
      const expected = key && mac(key, text, purpose);
      return expected !== undefined && given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/** The key is derived by HKDF (RFC 5869), so that no key that encrypts also signs. */
const mac = (key: Buffer, text: string, purpose: string): Buffer =>
  createHmac('sha256', Buffer.from(hkdfSync('sha256', key, '', `posthorn|${purpose}|v1`, 32))).update(text).digest();

const aad = (where: string, keyId: string): Buffer => Buffer.from(`posthorn|${where}|${keyId}|v1`);

function keyOf(ring: ReadonlyMap<string, Buffer>, id: string): Buffer {
  const key = ring.get(id);
  if (!key) throw new Error(`The encryption key "${id}" is not among POSTHORN_ENCRYPTION_KEYS; add it back to open what it sealed`);
  return key;
}
