import { createHash } from 'node:crypto';
import { AppError, invalid } from '../errors';
import type { KeyRing } from '../seal';
import type { Sql } from '../store/db';
import { findAnswer, storeAnswer, takeTurn } from '../store/idempotency';
import { answerPlace } from '../store/sealed-places';
import type { Answer } from './route';

/** What makes two requests the same. */
export interface Fingerprinted {
  readonly method: string;
  /** With its query string. */
  readonly url: string;
  readonly raw: string;
}

/** One request with an Idempotency-Key. */
export interface OnceRequest extends Fingerprinted {
  readonly workspaceId: string;
  readonly key: string;
  /** The answer holds a secret: it is sealed where it is stored. */
  readonly isSecret: boolean;
}

/** The header's value, checked; undefined where there is none. @throws AppError 422. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw invalid('Idempotency-Key', 'must be 1 to 255 printable ASCII characters without spaces');
}

/** SHA-256 over method, address and body; no part can run into the next, since method and address hold no line breaks. */
export const fingerprintOf = ({ method, url, raw }: Fingerprinted): Buffer =>
  createHash('sha256').update(`${method}\n${url}\n`).update(raw).digest();

/**
 * Answers a request once: `work` runs in `trx`, and its answer is stored there beside what it changed. The same request
 * again within 24 hours gets that answer. An answer of 400 and above is not stored (and a throw undoes all).
 * @throws AppError 409 `in_flight` while another request with the key is running, 422 `idempotency_mismatch`.
 */
export async function answerOnce(trx: Sql, keyRing: KeyRing, request: OnceRequest, work: () => Promise<Answer>): Promise<Answer> {
  const { workspaceId, key, isSecret } = request;
  if (!(await takeTurn(trx, workspaceId, key))) {
    throw new AppError('in_flight', 'A request with this Idempotency-Key is still running. Try again when it is over.', [], 1);
  }
  const fingerprint = fingerprintOf(request);
  const place = answerPlace(workspaceId, key);
  const stored = await findAnswer(trx, workspaceId, key);
  if (stored) {
    if (!stored.fingerprint.equals(fingerprint)) {
      throw new AppError('idempotency_mismatch', 'This Idempotency-Key was used in the last 24 hours with another method, address or body.');
    }
    const text = stored.response !== null && stored.sealed ? keyRing.open(stored.response, place) : stored.response;
    const headers = { 'Idempotent-Replayed': 'true' };
    return text === null ? { status: stored.status, headers } : { status: stored.status, body: JSON.parse(text) as unknown, text, headers };
  }
  const answer = await work();
  if (answer.status >= 400) return answer;
  const text = answer.body === undefined ? null : (answer.text ?? JSON.stringify(answer.body));
  const response = text !== null && isSecret ? keyRing.seal(text, place) : text;
  await storeAnswer(trx, workspaceId, key, { fingerprint, status: answer.status, response, sealed: isSecret && text !== null });
  return answer;
}
