import { randomUUID } from 'node:crypto';
import type { Context } from 'koa';
import { AppError, ERRORS, type ErrorCode } from '../errors';
import type { Log } from '../log';
import { isDatabaseAway, isDatabaseBusy, isLostRace } from '../store/db';
import type { Answer } from './route';

/** An error as it is answered (RFC 9457, `application/problem+json`). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly requestId: string;
}

/** Where a code is explained, as an address on this service: `type` of a problem may be relative (RFC 9457, 3.1.1). */
const explained = (code: ErrorCode): string => `/docs/errors#${code}`;

/** The problem that an error is told as; of a fault of our own nothing is told but its request id. */
export function problemOf(error: AppError, requestId: string): Problem {
  const [status, title] = ERRORS[error.code];
  const { code, detail, errors } = error;
  return { type: explained(code), title, status, code, detail, ...(errors.length > 0 && { errors }), requestId };
}

/** A connection may break while PostgreSQL commits, and a statement may still run when it is waited for no longer. */
const AWAY = 'The database can not be reached now. Whether anything was changed is not known: try again, with the same Idempotency-Key if the request had one.';

/** Any error as one that a caller may be told of. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseBusy(error)) return new AppError('too_many_requests', 'More is asked of the database at once than it can do; nothing was changed. Try again shortly.', [], 1);
  if (isDatabaseAway(error)) return new AppError('unavailable', AWAY, [], 1);
  if (isLostRace(error)) {
    return new AppError('conflict', 'Others changed the same things at the same time; nothing was changed. Try again.', [], 1);
  }
  return new AppError('internal', 'The fault is logged under this request id.');
}

/** The caller's own request id where it is a plain word, else a new one. */
export const requestIdOf = (header: string | undefined): string => (header && /^[\w.:-]{1,128}$/.test(header) ? header : randomUUID());

/** Writes an answer, of this media type in UTF-8. */
export function present(ctx: Context, answer: Answer, type = 'application/json'): void {
  ctx.status = answer.status;
  if (answer.headers) ctx.set(answer.headers);
  if (answer.bytes) {
    ctx.body = answer.bytes;
    return;
  }
  if (answer.stream) {
    ctx.type = `${type}; charset=utf-8`;
    ctx.body = answer.stream;
    // One that was cut off is not ended: its reader would wait for ever.
    answer.stream.once('close', () => ctx.res.writableEnded || ctx.res.destroy());
    return;
  }
  if (answer.body === undefined) {
    ctx.body = null;
    // Koa turns a null body into 204; a declared 202 without a body stays one.
    ctx.status = answer.status;
    return;
  }
  ctx.type = `${type}; charset=utf-8`;
  ctx.body = answer.text ?? JSON.stringify(answer.body);
}

/** Writes an error, and logs it where the fault is ours. */
export function presentError(ctx: Context, thrown: unknown, requestId: string, log: Log): void {
  const error = toAppError(thrown);
  if (error.status >= 500) log.error({ err: thrown, requestId, method: ctx.method, path: ctx.path }, 'request failed');
  ctx.status = error.status;
  if (error.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(error.retryAfterSeconds));
  if (error.code === 'unauthorized') ctx.set('WWW-Authenticate', 'Bearer realm="posthorn"');
  ctx.type = 'application/problem+json';
  ctx.body = JSON.stringify(problemOf(error, requestId));
}
