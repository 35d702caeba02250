import type { Bodies, Dialect } from './bodies';
import type { HeadersLike } from './headers';
import { ReceiveError } from './receive-error';
import { createVerifier, type Received, type TransformedOptions, type VerifyOptions } from './verify';

/** What a request is answered. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * What is done with a request that was checked. Returning nothing answers 200. An {@link Answer} answers that: 410 to be called
 * never again, 429 with `retry-after` to be called later. What it throws is the framework's to answer (500), and is sent again.
 */
export type Handle<D extends Dialect, B = Bodies[D]> = (received: Received<D, B>) => Answer | void | Promise<Answer | void>;

/** How an endpoint receives, whatever its bodies are. */
interface ReceiveOptions {
  /** Largest body in bytes; 5 MiB unless told, 1 MiB for `spektr` and `flow`. */
  readonly maxBodyBytes?: number;
  /** Told of each request that is refused, for a log. */
  readonly onRefused?: (error: ReceiveError) => void;
}

/** How an endpoint receives. */
export type ReceiverOptions<D extends Dialect> = VerifyOptions<D> & ReceiveOptions;

/** How an endpoint receives that has a `transform`. */
export type TransformedReceiverOptions<D extends Dialect> = TransformedOptions<D> & ReceiveOptions;

/** A request in the hands of a framework. */
interface Arrived {
  readonly method: string | undefined;
  readonly headers: HeadersLike;
  readonly read: (limit: number) => Promise<Uint8Array>;
}

const MIB = 1024 * 1024;
/** All others can be told of what a channel received, as it came: that is up to 4 MiB, and an envelope. */
const NEVER_OF_CHANNELS: ReadonlySet<Dialect> = new Set(['spektr', 'flow']);

/** Reads, checks, hands over: the same for every framework. @throws TypeError for the options. */
export function createReceive<D extends Dialect>(
  options: ReceiverOptions<D> | TransformedReceiverOptions<D>, handle: Handle<D, never>,
): (arrived: Arrived) => Promise<Answer> {
  const verifier = createVerifier(options);
  const { maxBodyBytes = NEVER_OF_CHANNELS.has(options.dialect) ? MIB : 5 * MIB, onRefused } = options;
  return async ({ method, headers, read }) => {
    let received: Received<D, unknown>;
    try {
      if (method !== 'POST') throw new ReceiveError('method', 'only POST is taken here');
      received = await verifier({ headers, body: await read(maxBodyBytes) });
    } catch (error) {
      if (!(error instanceof ReceiveError)) throw error;
      onRefused?.(error);
      return { status: error.status, headers: { 'content-type': 'text/plain; charset=utf-8', ...(error.status === 405 && { allow: 'POST' }) }, body: error.message };
    }
    // What was checked is of the dialect, or of an expression, as the options say.
    return (await handle(received as Received<D, never>)) ?? { status: 200 };
  };
}
