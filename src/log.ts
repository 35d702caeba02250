import pino from 'pino';

/** A logger of JSON lines with bound fields. */
export type Log = pino.Logger;

/** Fields that are never written, wherever they stand in a line. */
const SECRETS = ['authorization', 'secret', 'headers', 'key', 'verifyToken', 'auth', 'tls', 'token'];
const REDACTED = [...SECRETS, ...SECRETS.map((name) => `*.${name}`)];

/** A logger that writes to standard error, so that standard output stays for what a command answers. */
export const createLog = (level: string, bindings: Record<string, unknown> = {}): Log =>
  pino({ level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: REDACTED, censor: '[redacted]' } }, pino.destination(2));
