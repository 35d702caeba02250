import { CONNECTION_ERRNO } from '../errors';

/** What a command line's exit code says; docs/cli.md shows this table, and a test compares the two. */
export const EXIT_CODES = {
  done: [0, 'done'],
  failed: [1, 'it was done and came to nothing good: a signature is wrong, a test call failed, a job that was waited for is not `COMPLETED`, `doctor` found something'],
  usage: [2, 'the command line or the settings are not understood; nothing was done'],
  unreachable: [3, 'the API or PostgreSQL can not be reached'],
  refused: [4, 'the key is none, or may not do that'],
  notFound: [5, 'there is no such thing in the workspace'],
  impossible: [6, 'the API refuses what it was asked for: it is invalid, or things stand otherwise'],
  busy: [7, 'the API is busy or its database is away: try again later'],
} as const satisfies Record<string, readonly [code: number, meaning: string]>;

/** One of the reasons of {@link EXIT_CODES}. */
export type ExitReason = keyof typeof EXIT_CODES;

/** A command ends here: what people are told, and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(readonly reason: ExitReason, message: string) {
    super(message);
  }
}

/** Those of undici, which knows more than a socket does. */
const UNDICI_AWAY: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET']);

/** The exit code of whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  return EXIT_CODES[reasonOf(error)][0];
}

function reasonOf(error: unknown): ExitReason {
  if (error instanceof CliError) return error.reason;
  // By its name: the settings are read where they are needed alone.
  if (partsOf(error)['name'] === 'ConfigError') return 'usage';
  return isAway(error) ? 'unreachable' : 'failed';
}

/** Whether a connection could not be made, by the error of a socket or one that has it as its cause. */
export function isAway(error: unknown): boolean {
  const { code, cause, errors } = partsOf(error);
  return (typeof code === 'string' && (CONNECTION_ERRNO.has(code) || UNDICI_AWAY.has(code))) || (cause !== undefined && isAway(cause)) || (Array.isArray(errors) && errors.some(isAway));
}

/** What whatever was thrown says; of the innermost cause where it has one, which says more. */
export function messageOf(error: unknown): string {
  const { message, cause, errors, code } = partsOf(error);
  if (partsOf(cause)['message'] !== undefined) return messageOf(cause);
  const [first] = Array.isArray(errors) ? (errors as unknown[]) : [];
  if (message === '' && first !== undefined) return messageOf(first);
  return String(message || code || error);
}

const partsOf = (error: unknown): Readonly<Record<string, unknown>> => (typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {});
