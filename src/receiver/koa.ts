import type { Dialect } from './bodies';
import { type NodeRequest, type ParsedBefore, readNodeBody } from './read-body';
import { createReceive, type Handle, type ReceiverOptions, type TransformedReceiverOptions } from './receive';

/** Of Koa's context what is needed. */
interface KoaContext {
  readonly req: NodeRequest;
  readonly request: object;
  status: number;
  body: unknown;
  set(name: string, value: string): unknown;
}

type KoaMiddleware = (context: KoaContext) => Promise<void>;

/**
 * A middleware for Koa: `router.post('/hook', koaReceiver(options, handle))`, before any body parser. What `handle` throws goes on
 * to Koa.
 * @throws TypeError for the options.
 */
export function koaReceiver<D extends Dialect>(options: ReceiverOptions<D>, handle: Handle<D>): KoaMiddleware;
export function koaReceiver<D extends Dialect>(options: TransformedReceiverOptions<D>, handle: Handle<D, unknown>): KoaMiddleware;
export function koaReceiver<D extends Dialect>(options: ReceiverOptions<D> | TransformedReceiverOptions<D>, handle: Handle<D, never>): KoaMiddleware {
  const receive = createReceive(options, handle);
  return async (context) => {
    const { req: request } = context;
    const { status, headers = {}, body = '' } = await receive({
      method: request.method, headers: request.headers, read: (limit) => readNodeBody(request, context.request as ParsedBefore, limit),
    });
    // The status comes last: a body that is set makes it 200.
    for (const [name, value] of Object.entries(headers)) context.set(name, value);
    context.body = body;
    context.status = status;
  };
}
