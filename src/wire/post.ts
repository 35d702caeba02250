import { Pool } from 'undici';
import type { Reply } from '../domain/attempt';
import type { AddressPolicy } from './address';
import { guardedConnector } from './connect';
import { Exchange } from './exchange';

/** One POST to make. */
export interface PostRequest {
  /** Connections are kept per endpoint and never shared between two of them. */
  readonly endpointId: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** For the whole exchange: DNS, TCP, TLS, request and answer. */
  readonly timeoutMs: number;
  /** Its share for DNS, TCP and TLS. */
  readonly connectTimeoutMs: number;
}

/** Makes POSTs that can not reach an address that is not allowed. */
export interface Poster {
  /** Never throws for what the receiver did. */
  post(request: PostRequest): Promise<Reply>;
  /** Closes the idle connections of an endpoint whose address changed or that was deleted. */
  forget(endpointId: string): void;
  close(): Promise<void>;
}

/** Endpoints whose connections are kept at most, and for how long after their last POST. */
const MAX_LANES = 2048;
const LANE_IDLE_MS = 60_000;

/** One endpoint's connections. */
interface Lane {
  url: string;
  path: string;
  readonly origin: string;
  readonly pool: Pool;
  usedAtMs: number;
  connectTimeoutMs: number;
}

/** The poster of a process. Its connections are dialled by the policy, and closed a few seconds after they fell idle. */
export function createPoster({ policy }: { readonly policy: AddressPolicy }): Poster {
  /** Least recently used first. */
  const lanes = new Map<string, Lane>();
  let closed = false;

  function drop(endpointId: string, lane: Lane): Promise<void> {
    lanes.delete(endpointId);
    // Lets what is in flight come to its end.
    return lane.pool.close();
  }

  function dropIdle(nowMs: number): void {
    for (const [endpointId, lane] of lanes) {
      if (lanes.size <= MAX_LANES && nowMs - lane.usedAtMs < LANE_IDLE_MS) return;
      void drop(endpointId, lane);
    }
  }

  function laneFor(request: PostRequest): Lane {
    const known = lanes.get(request.endpointId);
    const lane = known?.url === request.url ? known : moved(known, request);
    lane.usedAtMs = performance.now();
    lane.connectTimeoutMs = request.connectTimeoutMs;
    lanes.delete(request.endpointId);
    lanes.set(request.endpointId, lane);
    dropIdle(lane.usedAtMs);
    return lane;
  }

  function moved(known: Lane | undefined, request: PostRequest): Lane {
    const { origin, pathname, search } = new URL(request.url);
    if (known?.origin === origin) return Object.assign(known, { url: request.url, path: pathname + search });
    if (known) void drop(request.endpointId, known);
    const lane: Lane = {
      url: request.url, path: pathname + search, origin, usedAtMs: 0, connectTimeoutMs: request.connectTimeoutMs,
      pool: new Pool(origin, {
        connect: guardedConnector(policy, () => lane.connectTimeoutMs),
        connections: 256, pipelining: 1, allowH2: false, maxHeaderSize: 16 * 1024,
        // The exchange has a deadline of its own.
        headersTimeout: 0, bodyTimeout: 0,
        // Shorter than the 5 s after which many servers close; a receiver's own hint is followed up to a minute.
        keepAliveTimeout: 4000, keepAliveMaxTimeout: 60_000,
      }),
    };
    return lane;
  }

  return {
    post: (request) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('The poster is closed'));
        const send = (): void => {
          const { pool, path } = laneFor(request);
          pool.dispatch({ method: 'POST', path, headers: request.headers, body: request.body }, exchange);
        };
        const exchange = new Exchange(request.timeoutMs, send, resolve);
        try {
          send();
        } catch (error) {
          // A URL that can not be called is a fault of this exchange, as any other.
          exchange.onResponseError(null, error as Error);
        }
      }),
    forget(endpointId) {
      const lane = lanes.get(endpointId);
      if (lane) void drop(endpointId, lane);
    },
    async close() {
      closed = true;
      await Promise.all([...lanes].map(([endpointId, lane]) => drop(endpointId, lane)));
    },
  };
}
