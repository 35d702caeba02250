import type { Client } from 'undici';
import type { Reply } from '../domain/attempt';
import type { EndpointAuth, EndpointTls } from '../domain/endpoint-auth';
import type { AddressPolicy } from './address';
import { withAuth } from './authorize';
import { Exchange } from './exchange';
import { discard, Connections } from './connections';

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
  /** Sets the header `authorization`; a token is fetched where one is needed. Null or absent: as the headers say. */
  readonly auth?: EndpointAuth | null;
  /** What the endpoint's TLS has of its own; null or absent: nothing. */
  readonly tls?: EndpointTls | null;
}

/** Makes POSTs that can not reach an address that is not allowed. */
export interface Poster {
  /** Never throws for what the receiver did. */
  post(request: PostRequest): Promise<Reply>;
  /** Closes the idle connections of an endpoint whose address changed or that was deleted. */
  forget(endpointId: string): void;
  /** Takes no more requests and resolves when those in flight have come to their end, by their deadlines at the latest. */
  close(): Promise<void>;
}

/** Endpoints whose connections are kept at most, and for how long after their last POST. */
const MAX_ENDPOINTS = 2048;
const IDLE_MS = 60_000;

/** How a poster dials. */
export interface PosterOptions {
  readonly policy: AddressPolicy;
  /** Most connections at once, as long as no more requests are in flight: those that are idle make room. No bound unless told. */
  readonly maxConnections?: number;
}

/** The poster of a process. Its connections are dialled by the policy, and closed a few seconds after they fell idle. */
export function createPoster({ policy, maxConnections = Infinity }: PosterOptions): Poster {
  /** By endpoint, least recently used first. */
  const byEndpoint = new Map<string, Connections>();
  const all = { idle: 0 };
  let inFlight = 0;
  let closing: { readonly promise: Promise<void>; readonly done: () => void } | null = null;

  function drop(endpointId: string): void {
    byEndpoint.get(endpointId)?.drop();
    byEndpoint.delete(endpointId);
  }

  function connectionsFor({ endpointId, timeoutMs, connectTimeoutMs, tls = null }: PostRequest, origin: string): Connections {
    const known = byEndpoint.get(endpointId);
    const isSame = known?.origin === origin && hasSameTls(known.tls, tls);
    if (known && !isSame) known.drop();
    const connections = known && isSame ? known : new Connections(origin, policy, tls, all);
    // A connection that is still being opened is not given up with its exchange.
    connections.connectTimeoutMs = Math.min(connectTimeoutMs, timeoutMs);
    connections.usedAtMs = performance.now();
    byEndpoint.delete(endpointId);
    byEndpoint.set(endpointId, connections);
    dropUnused(connections.usedAtMs);
    return connections;
  }

  function dropUnused(nowMs: number): void {
    for (const [endpointId, { usedAtMs }] of byEndpoint) {
      if (byEndpoint.size <= MAX_ENDPOINTS && nowMs - usedAtMs < IDLE_MS) return;
      drop(endpointId);
    }
  }

  function makeRoom(): void {
    for (const connections of byEndpoint.values()) {
      if (inFlight + all.idle <= maxConnections) return;
      connections.closeIdle();
    }
  }

  function post(request: PostRequest): Promise<Reply> {
    if (closing) return Promise.reject(new Error('The poster is closed'));
    inFlight += 1;
    return new Promise((resolve) => {
      let connections: Connections | undefined;
      let client: Client | undefined;
      const send = (): void => {
        if (client) discard(client);
        const { origin, pathname, search } = new URL(request.url);
        connections = connectionsFor(request, origin);
        if (!connections.hasIdle()) makeRoom();
        client = connections.take();
        client.dispatch({ method: 'POST', path: pathname + search, headers: request.headers, body: request.body }, exchange);
      };
      const settle = (reply: Reply, isReusable: boolean): void => {
        if (client && isReusable && !closing) connections?.giveBack(client);
        else if (client) discard(client);
        resolve(reply);
        inFlight -= 1;
        if (inFlight === 0) closing?.done();
      };
      const exchange = new Exchange(request.timeoutMs, send, settle);
      try {
        send();
      } catch (error) {
        // A URL that can not be called is a fault of this exchange, as any other.
        exchange.onResponseError(null, error as Error);
      }
    });
  }

  function close(): Promise<void> {
    if (closing) return closing.promise;
    for (const endpointId of [...byEndpoint.keys()]) drop(endpointId);
    let done = (): void => undefined;
    const promise = new Promise<void>((resolve) => { done = resolve; });
    closing = { promise, done };
    if (inFlight === 0) done();
    return promise;
  }

  return withAuth({ post, forget: drop, close });
}

const hasSameTls = (one: EndpointTls | null, other: EndpointTls | null): boolean =>
  one === other || (one?.certificate === other?.certificate && one?.key === other?.key && one?.ca === other?.ca);
