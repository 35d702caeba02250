import type { Deps } from '../deps';
import { DIALECTS, type DialectName } from '../domain/dialect';
import type { EndpointTls } from '../domain/endpoint-auth';
import { AppError, invalid, type FieldError } from '../errors';
import { describeFault } from '../transform/transformer';
import { checkUrl } from '../wire/address';
import { checkEndpointTls } from '../wire/endpoint-tls';
import { REDACTED } from '../wire/redact';
import { checkHeader } from '../wire/request';
import { checkSecret, generateSecret } from '../wire/sign';

/** An address as a caller gives it: a URL, or host and path. */
export interface GivenAddress {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
}

/**
 * The URL of an address: `host` may carry a scheme, else it is https. `before` is the URL that a change starts from: a
 * host alone keeps its path, a path alone its host. Undefined where nothing is given.
 */
export function urlOf({ url, host, path }: GivenAddress, before?: string): string | undefined {
  if (url !== undefined) return url;
  if (host === undefined && path === undefined) return undefined;
  const old = before === undefined ? null : new URL(before);
  const origin = host === undefined ? (old?.origin ?? '') : /^https?:\/\//i.test(host) ? host : `https://${host}`;
  return origin + (path ?? (old ? old.pathname + old.search : '/'));
}

/** @throws AppError 422 `invalid`, `address_forbidden` or `https_required` where the URL may not be saved. */
export async function requireUrl(deps: Pick<Deps, 'addresses'>, url: string, dialect: DialectName, path = 'url'): Promise<void> {
  const problem = await checkUrl(url, deps.addresses, { httpsOnly: DIALECTS[dialect].httpsOnly });
  if (problem) throw new AppError(problem.code, `${path}: ${problem.message}`, [{ path, message: problem.message }]);
}

/**
 * @param keptKey the private key that `"[redacted]"` stands for; null: there is none.
 * @throws AppError 422 where a part can not be read or has expired, or the key is not the certificate's.
 */
export function requireTls(deps: Pick<Deps, 'now'>, tls: EndpointTls | null | undefined, keptKey: string | null): void {
  if (!tls) return;
  // Where there is none to keep, the change itself is refused, with words of its own.
  const problem = checkEndpointTls({ ...tls, key: tls.key === REDACTED ? keptKey : tls.key }, deps.now());
  if (problem) throw invalid(`tls.${problem.part}`, problem.message);
}

/** @throws AppError 422 with every header whose name or value may not be sent, and every name that stands twice. */
export function requireHeaders(headers: Readonly<Record<string, string | null>>): void {
  const seen = new Set<string>();
  const errors = Object.entries(headers).flatMap(([name, value]): FieldError[] => {
    const path = `headers.${name}`;
    const isTwice = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    const message = isTwice ? 'stands twice: names are the same in any case of letters' : checkHeader(name, value ?? '');
    return message === null ? [] : [{ path, message }];
  });
  if (errors.length > 0) throw new AppError('invalid', `${errors.length} of the headers can not be sent: ${errors.map((e) => `${e.path}: ${e.message}`).join('; ')}.`, errors);
}

/** @throws AppError 422 for an expression that can not be read, with the place of the mistake; 503 where it can not be told now. */
export async function requireTransform(
  { transformer }: Pick<Deps, 'transformer'>, workspaceId: string, transform: { readonly expression: string } | null | undefined,
): Promise<void> {
  if (!transform) return;
  const mistake = await transformer.check({ workspaceId, key: `check|${workspaceId}` }, transform.expression);
  if (mistake?.isOurs) throw new AppError('unavailable', `The expression could not be checked: ${mistake.fault}. Nothing was changed. Try again.`, [], 1);
  if (mistake) throw invalid('transform.expression', describeFault(mistake).replace(/^transform: /, ''));
}

/** The secret that an endpoint is to have: the given one, else a generated one where its dialect does so, else null. */
export function secretFor(dialect: DialectName, given: string | undefined, signature: 'v1' | 'v1a' | undefined): string | null {
  const scheme = DIALECTS[dialect].signature;
  if (given !== undefined) {
    const mistake = checkSecret(scheme, given);
    if (mistake !== null) throw invalid('secret', mistake);
    return given;
  }
  if (DIALECTS[dialect].generatesSecret) return generateSecret(signature ?? 'v1');
  if (signature !== undefined && scheme === 'none') throw invalid('signature', `is of no use: the dialect ${dialect} signs nothing`);
  if (signature !== undefined) throw invalid('signature', `is chosen for generated secrets; the dialect ${dialect} signs with one that you set`);
  return null;
}
