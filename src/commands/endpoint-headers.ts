import { AppError } from '../errors';
import type { KeyRing } from '../seal';
import { headerPlace } from '../store/sealed-places';
import { REDACTED } from '../wire/redact';

/** A new map of headers: a value, {@link REDACTED} to keep the one that is there, null to have none. */
export type HeaderChange = Readonly<Record<string, string | null>>;

/** Seals each value for its place. Names and values are checked. @throws AppError 422 where a value is {@link REDACTED}. */
export const sealHeaders = (keyRing: KeyRing, endpointId: string, headers: Readonly<Record<string, string>>): Record<string, string> =>
  changeHeaders(keyRing, endpointId, {}, headers);

/**
 * The sealed headers after a change, which replaces the whole map. A name is the same in any case of letters.
 * @throws AppError 422 where a value is to be kept that is not there.
 */
export function changeHeaders(
  keyRing: KeyRing, endpointId: string, before: Readonly<Record<string, string>>, change: HeaderChange,
): Record<string, string> {
  const kept = new Map(Object.entries(before).map(([name, sealed]) => [name.toLowerCase(), { name, sealed }]));
  const after: Record<string, string> = {};
  for (const [name, value] of Object.entries(change)) {
    if (value === null) continue;
    if (value !== REDACTED) {
      after[name] = keyRing.seal(value, headerPlace(endpointId, name));
      continue;
    }
    const old = kept.get(name.toLowerCase());
    if (!old) {
      const message = `"${REDACTED}" keeps the value of a header that is there; this endpoint has no header ${name}`;
      throw new AppError('invalid', `headers.${name}: ${message}`, [{ path: `headers.${name}`, message }]);
    }
    // Sealed for its own name: it keeps that, whatever case the caller wrote it in.
    after[old.name] = old.sealed;
  }
  return after;
}
