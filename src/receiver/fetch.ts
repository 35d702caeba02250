import type { Dialect } from './bodies';
import { readFetchBody } from './read-body';
import { createReceive, type Handle, type ReceiverOptions, type TransformedReceiverOptions } from './receive';

type FetchHandler = (request: Request) => Promise<Response>;

/**
 * A handler from `Request` to `Response`: for Hono, Next.js, Deno, Bun and edge runtimes that have WebCrypto. What `handle` throws
 * rejects it.
 * @throws TypeError for the options.
 */
export function fetchReceiver<D extends Dialect>(options: ReceiverOptions<D>, handle: Handle<D>): FetchHandler;
export function fetchReceiver<D extends Dialect>(options: TransformedReceiverOptions<D>, handle: Handle<D, unknown>): FetchHandler;
export function fetchReceiver<D extends Dialect>(options: ReceiverOptions<D> | TransformedReceiverOptions<D>, handle: Handle<D, never>): FetchHandler {
  const receive = createReceive(options, handle);
  return async (request) => {
    const { status, headers = {}, body = null } = await receive({
      method: request.method, headers: request.headers, read: (limit) => readFetchBody(request, limit),
    });
    return new Response(body, { status, headers: { ...headers } });
  };
}
