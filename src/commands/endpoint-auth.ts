import { secretNameOf, secretOf, withoutSecret, type AuthSecretName, type EndpointAuth, type EndpointTls, type StoredAuth, type StoredTls } from '../domain/endpoint-auth';
import { invalid } from '../errors';
import type { KeyRing } from '../seal';
import { authPlace } from '../store/sealed-places';
import { REDACTED } from '../wire/redact';

/** How an endpoint's authentication and its own TLS are stored. */
export interface StoredAuthentication {
  readonly auth: StoredAuth | null;
  readonly tls: StoredTls | null;
  /** Their secrets by name, each sealed for its own place. */
  readonly sealedAuth: Readonly<Record<string, string>>;
}

/** None at all. */
export const NO_AUTHENTICATION: StoredAuthentication = { auth: null, tls: null, sealedAuth: {} };

/** A change of both: what is undefined stays, null removes, else the whole is replaced; a secret of {@link REDACTED} is kept. */
export interface AuthenticationChange {
  readonly auth?: EndpointAuth | null | undefined;
  readonly tls?: EndpointTls | null | undefined;
}

/**
 * Both after a change, with new secrets sealed.
 * @param others names of the endpoint's headers, and its URL.
 * @throws AppError 422 where a secret is to be kept that is not there, or for another token server, where a header sets `authorization` too, and where what
 * TLS has of its own is of no use.
 */
export function changeAuthentication(
  keyRing: KeyRing, endpointId: string, before: StoredAuthentication, change: AuthenticationChange,
  others: { readonly headerNames: readonly string[]; readonly url: string },
): StoredAuthentication {
  const auth = change.auth === undefined ? before.auth : change.auth && withoutSecret(change.auth);
  const tls = change.tls === undefined ? before.tls : change.tls && { certificate: change.tls.certificate, ca: change.tls.ca };
  if (auth && others.headerNames.some((name) => name.toLowerCase() === 'authorization')) {
    throw invalid('auth', 'sets the header authorization, which stands among the headers, too: take it out of one of them');
  }
  if (sendsElsewhere(before.auth, change.auth)) {
    throw invalid('auth.clientSecret', `must be given anew: "${REDACTED}" would send the one that is there to another server than before`);
  }
  if (tls && /^http:/i.test(others.url)) throw invalid('tls', 'is of no use: the URL begins with http:');

  const sealedAuth: Record<string, string> = {};
  const put = (name: AuthSecretName, path: string, given: string | null | undefined): void => {
    const old = before.sealedAuth[name];
    if (given !== undefined && given !== null && given !== REDACTED) sealedAuth[name] = keyRing.seal(given, authPlace(endpointId, name));
    else if (old !== undefined) sealedAuth[name] = old;
    else if (given === REDACTED) throw invalid(path, `"${REDACTED}" keeps the one that is there; this endpoint has none`);
  };
  if (auth) put(secretNameOf(auth), `auth.${secretNameOf(auth)}`, change.auth && secretOf(change.auth));
  if (tls && tls.certificate !== null) put('key', 'tls.key', change.tls?.key);
  return { auth, tls, sealedAuth };
}

/** Whether a client secret that nobody may read would be kept for another token server, which whoever changes it may have chosen. */
function sendsElsewhere(before: StoredAuth | null, change: EndpointAuth | null | undefined): boolean {
  if (before?.type !== 'oauth2' || change?.type !== 'oauth2' || change.clientSecret !== REDACTED) return false;
  return new URL(before.tokenUrl).origin !== new URL(change.tokenUrl).origin;
}
