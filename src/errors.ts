/**
 * Every error code of the API: its HTTP status and title. Nothing else defines a code; a test compares this table with
 * the documentation page.
 */
export const ERRORS = {
  malformed_json: [400, 'The body is not JSON'],
  bad_request: [400, 'The request can not be read'],
  unauthorized: [401, 'An API key is needed'],
  signature_mismatch: [401, 'The signature does not fit the body'],
  forbidden: [403, 'This key may not do that'],
  wrong_verify_token: [403, 'This is not the verify token'],
  bad_link: [403, 'This link is not one of ours'],
  not_found: [404, 'There is no such thing in this workspace'],
  method_not_allowed: [405, 'This address does not know that method'],
  request_timeout: [408, 'The request took too long to come'],
  conflict: [409, 'It clashes with what is there'],
  duplicate_primary_key: [409, 'An object of this kind and type already has this primary key'],
  in_use: [409, 'Other objects refer to it'],
  in_flight: [409, 'A request with this Idempotency-Key is still running'],
  endpoint_deactivated: [409, 'The endpoint is deactivated'],
  not_possible: [409, 'It is not in a state that allows this'],
  link_expired: [410, 'This link is no longer good'],
  version_conflict: [412, 'It was changed meanwhile'],
  too_large: [413, 'It is too large'],
  unsupported_media_type: [415, 'Only application/json is understood'],
  invalid: [422, 'Something in the request is not as it must be'],
  schema_mismatch: [422, 'The event does not fit the schema of its type'],
  idempotency_mismatch: [422, 'This Idempotency-Key was used with another request'],
  address_forbidden: [422, 'This address may not be called'],
  https_required: [422, 'This dialect only speaks https'],
  scope_full: [422, 'The scope holds as many endpoints as it may'],
  limit_reached: [422, 'The workspace holds as many of these as it may'],
  too_many_requests: [429, 'Too many requests'],
  headers_too_large: [431, 'The headers are too large'],
  internal: [500, 'Something went wrong on our side'],
  unavailable: [503, 'The database is away'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

/** One of the codes of {@link ERRORS}. */
export type ErrorCode = keyof typeof ERRORS;

/** One mistake in a request: where it is (`condition.state.$gtt`), and what was wrong and what is allowed. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** An error that a caller is told about. `detail` says what was seen and what is allowed. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly status: number;
  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly retryAfterSeconds?: number,
  ) {
    super(`${code}: ${detail}`);
    this.status = ERRORS[code][0];
  }
}

/** The 404 for an id that this workspace has none of. */
export const notFound = (what: string, id: string): AppError =>
  new AppError('not_found', `There is no ${what} ${id} in this workspace.`);

/** The 422 for one mistake. */
export const invalid = (path: string, message: string): AppError =>
  new AppError('invalid', `${path}: ${message}`, [{ path, message }]);

/** Codes of Node.js for a connection that could not be made or broke, to whatever it was. */
export const CONNECTION_ERRNO: ReadonlySet<string> = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN',
  'EMFILE', 'ENFILE',
]);
