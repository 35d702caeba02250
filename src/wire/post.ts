import type { Reply } from '../domain/attempt';

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
