import type { Dialect } from './bodies';
import { readFetchBody } from './read-body';
import { createReceive, type Handle, type ReceiverOptions } from './receive';

/**
 * A handler from `Request` to `Response`: for Hono, Next.js, Deno, Bun and edge runtimes that have WebCrypto. What `handle` throws
 * rejects it.
 * @throws TypeError for the options.
 */
export function fetchReceiver<D extends Dialect, T extends boolean = false>(
  options: ReceiverOptions<D, T>, handle: Handle<D, T>,
): (request: Request) => Promise<Response> {
  const receive = createReceive(options, handle);
  return async (request) => {
    const { status, headers = {}, body = null } = await receive({
      method: request.method, headers: request.headers, read: (limit) => readFetchBody(request, limit),
    });
    return new Response(body, { status, headers: { ...headers } });
  };
}
