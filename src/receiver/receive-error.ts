/** Why a request is not taken; the HTTP status that tells its sender so. */
export const REFUSALS = {
  unsigned: 401,
  timestamp: 401,
  signature: 401,
  not_json: 400,
  not_the_dialect: 400,
  broken_off: 400,
  method: 405,
  too_large: 413,
} as const;

/** One of the reasons of {@link REFUSALS}. */
export type Refusal = keyof typeof REFUSALS;

/** A request that is not taken. The message may be told to its sender: it repeats no secret. */
export class ReceiveError extends Error {
  override readonly name = 'ReceiveError';
  /** 400, 401, 405 or 413. */
  readonly status: number;
  constructor(readonly code: Refusal, message: string) {
    super(message);
    this.status = REFUSALS[code];
  }
}
