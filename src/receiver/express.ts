import type { Dialect } from './bodies';
import { type NodeRequest, type ParsedBefore, readNodeBody } from './read-body';
import { createReceive, type Handle, type ReceiverOptions, type TransformedReceiverOptions } from './receive';

/** Of Node's `ServerResponse` what is needed to answer. */
interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}

type ExpressHandler = (request: NodeRequest & ParsedBefore, response: NodeResponse, next: (error: unknown) => void) => Promise<void>;

/**
 * A handler for Express, or for Node's own `createServer`: `app.post('/hook', expressReceiver(options, handle))`, before any body
 * parser. What `handle` throws goes to `next`.
 * @throws TypeError for the options.
 */
export function expressReceiver<D extends Dialect>(options: ReceiverOptions<D>, handle: Handle<D>): ExpressHandler;
export function expressReceiver<D extends Dialect>(options: TransformedReceiverOptions<D>, handle: Handle<D, unknown>): ExpressHandler;
export function expressReceiver<D extends Dialect>(options: ReceiverOptions<D> | TransformedReceiverOptions<D>, handle: Handle<D, never>): ExpressHandler {
  const receive = createReceive(options, handle);
  return async (request, response, next) => {
    try {
      const { status, headers = {}, body } = await receive({
        method: request.method, headers: request.headers, read: (limit) => readNodeBody(request, request, limit),
      });
      response.statusCode = status;
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(body);
    } catch (error) {
      next(error);
    }
  };
}
