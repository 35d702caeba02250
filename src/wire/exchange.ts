import type { Dispatcher } from 'undici';
import type { Reply } from '../domain/attempt';
import { ConnectError, faultOf } from './connect';

/** The most of an answer's body that is read, in bytes; then the connection is closed. */
const MAX_READ = 64 * 1024;
/** The most of it that is kept, in bytes (product.md, "Endpoint policy"). */
const MAX_KEPT = 16 * 1024;
/** Interim answers (1xx) that are listened to; a receiver that sends more of them is keeping us busy. */
const MAX_INTERIM = 1000;

const NO_BODY: Uint8Array = new Uint8Array(0);

type Fault = readonly [outcome: Reply['outcome'], error: string];
type Headers = Record<string, string | string[] | undefined>;

/**
 * One request and its answer, as undici reports them. Settles once, at the latest after `timeoutMs`: the one deadline over
 * everything, since undici's own timers begin anew with each byte. Once the final status is known it stands, whatever
 * becomes of the body: the receiver has spoken.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly startedAtMs = performance.now();
  private readonly timer: NodeJS.Timeout;
  private settled = false;
  private isSent = false;
  private interim = 0;
  private statusCode: number | null = null;
  private headers: Readonly<Record<string, string>> = {};
  private readonly chunks: Uint8Array[] = [];
  private readBytes = 0;

  /**
   * @param again sends the request once more on a fresh connection; called at most once, and only when no byte of it had left.
   * @param settle takes the reply, and whether the connection may serve another request; where not, it must be closed.
   */
  constructor(timeoutMs: number, private again: (() => void) | null, private readonly settle: (reply: Reply, isReusable: boolean) => void) {
    this.timer = setTimeout(() => this.onDeadline(), timeoutMs);
  }

  /** Called just before the first byte is written. */
  onRequestStart(): void {
    this.isSent = true;
  }

  onResponseStart(_: unknown, statusCode: number, headers: Headers): void {
    if (this.settled) return;
    if (statusCode >= 100 && statusCode < 200) {
      if (++this.interim > MAX_INTERIM) this.fail(['protocol_error', 'TOO_MANY_INTERIM']);
    } else if (statusCode < 200 || statusCode > 599) {
      this.fail(['protocol_error', 'BAD_STATUS']);
    } else {
      this.statusCode = statusCode;
      this.headers = joined(headers);
    }
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (this.settled) return;
    const room = MAX_KEPT - this.readBytes;
    if (room > 0) this.chunks.push(chunk.length <= room ? chunk : chunk.subarray(0, room));
    this.readBytes += chunk.length;
    if (this.readBytes > MAX_READ) this.finish(true, false);
  }

  onResponseEnd(): void {
    if (!this.settled) this.finish(this.readBytes > MAX_KEPT, true);
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.settled) return;
    if (this.statusCode !== null) return this.finish(true, false);
    const { again } = this;
    if (again && !this.isSent && brokeWhileIdle(error)) {
      // A kept connection that broke while it was idle fails the request that waits for it: nothing was sent, so a fresh one
      // may be tried; not from within undici's work on the broken one.
      this.again = null;
      setImmediate(() => { if (!this.settled) again(); });
      return;
    }
    this.fail(faultOfExchange(error));
  }

  private onDeadline(): void {
    if (this.statusCode !== null) this.finish(true, false);
    else this.fail(this.isSent ? ['timeout', 'TIMEOUT'] : ['connect_timeout', 'CONNECT_TIMEOUT']);
  }

  private finish(truncated: boolean, isReusable: boolean): void {
    const { statusCode, headers } = this;
    const durationMs = this.end();
    this.settle({ outcome: 'ok', statusCode, headers, body: concatenated(this.chunks), truncated, error: null, durationMs }, isReusable);
  }

  private fail([outcome, error]: Fault): void {
    const durationMs = this.end();
    this.settle({ outcome, statusCode: null, headers: {}, body: NO_BODY, truncated: false, error, durationMs }, false);
  }

  private end(): number {
    this.settled = true;
    clearTimeout(this.timer);
    return Math.round(performance.now() - this.startedAtMs);
  }
}

const BROKEN_SOCKET: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'UND_ERR_SOCKET']);

const brokeWhileIdle = (error: Error): boolean => !(error instanceof ConnectError) && BROKEN_SOCKET.has(faultOf(error));

/** What the error that ended an exchange says of the receiver. */
function faultOfExchange(error: Error): Fault {
  if (error instanceof ConnectError) return [error.outcome, error.fault];
  const fault = faultOf(error);
  // Undici tells these apart by their text alone.
  if (fault === 'UND_ERR_SOCKET' && error.message === 'bad upgrade') return ['protocol_error', 'BAD_UPGRADE'];
  if (fault === 'UND_ERR_SOCKET' && error.message === 'bad response') return ['protocol_error', 'BAD_RESPONSE'];
  if (fault === 'UND_ERR_SOCKET') return ['connection_reset', 'CLOSED'];
  // It carries no code that says more.
  if (error.name === 'HTTPParserError') return ['protocol_error', 'NOT_HTTP'];
  if (BROKEN_SOCKET.has(fault) || fault.startsWith('EHOST') || fault.startsWith('ENET')) return ['connection_reset', fault];
  // With TLS 1.3 a receiver may object to the handshake after our side of it is done.
  if (fault === 'EPROTO' || fault.startsWith('ERR_SSL_') || fault.startsWith('ERR_TLS_')) return ['tls_error', fault];
  return ['protocol_error', fault];
}

function joined(headers: Headers): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (Array.isArray(value)) headers[name] = value.join(', ');
  }
  return headers as Record<string, string>;
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 0) return NO_BODY;
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}
