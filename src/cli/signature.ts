import type { SignatureScheme } from '../domain/dialect';
import { checkSecret, signatureHeaders, type Verification, verifyChakra, verifyStandard } from '../wire/sign';
import { UsageError } from './command';

const SCHEMES: Readonly<Record<string, SignatureScheme>> = { standard: 'standard-webhooks', chakra: 'chakra-sha256' };

/** Checks the signature that a request has, of whichever scheme. Header names are in lower case. */
export function checkSignature(headers: Readonly<Record<string, string | undefined>>, body: Uint8Array, secret: string, now: Date): Verification {
  const chakra = headers['x-chakra-signature-256'];
  if (chakra !== undefined) return verifyChakra(chakra, body, secret);
  if (headers['webhook-signature'] !== undefined) return verifyStandard(headers, body, secret, now);
  return { valid: false, reason: 'there is neither webhook-signature nor x-chakra-signature-256' };
}

/**
 * The scheme of this name, or, unless told, the one whose secrets look like this one.
 * @throws UsageError for a name that is none, and for a secret that the scheme can not use.
 */
export function schemeOf(name: string | undefined, secret: string): SignatureScheme {
  const scheme = SCHEMES[name ?? (/^(whsec|whsk)_/.test(secret) ? 'standard' : 'chakra')];
  if (!scheme) throw new UsageError(`--scheme must be standard or chakra (seen: ${JSON.stringify(name)})`);
  const wrong = checkSecret(scheme, secret);
  if (wrong !== null) throw new UsageError(`--secret ${wrong}`);
  return scheme;
}

/** The signature headers of a body. */
export const signBody = (scheme: SignatureScheme, secret: string, content: { readonly id: string; readonly timestamp: Date; readonly body: Uint8Array }) =>
  signatureHeaders(scheme, { ...content, secrets: [{ secret, expiresAt: null }] });
