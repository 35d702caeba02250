import type { Context } from 'koa';
import { AppError } from '../errors';
import { withTrace } from '../trace-context';
import type { Tracing } from '../tracing/tracing';
import type { Route } from './route';

/**
 * Runs a call within a span of its own, which continues the caller's trace where the request names one; what the call makes
 * belongs to it. Nothing is told of calls that need no key, such as those that look whether the process lives.
 */
export async function traceRequest(tracing: Tracing | null, route: Route, ctx: Context, work: () => Promise<void>): Promise<void> {
  if (!tracing || !isTraced(route)) return work();
  const span = tracing.begin({
    name: `${route.method} ${route.path}`, kind: 'server', parent: ctx.get('traceparent') || undefined,
    attributes: { 'http.request.method': route.method, 'http.route': route.path, 'posthorn.request.id': String(ctx.state['requestId']) },
  });
  try {
    await withTrace(span.traceparent, work);
    span.end({ 'http.response.status_code': ctx.status });
  } catch (error) {
    const status = error instanceof AppError ? error.status : 500;
    span.end({ 'http.response.status_code': status }, status < 500 ? undefined : 'fault');
    throw error;
  }
}

const isTraced = ({ role, path }: Route): boolean => role !== null || path.startsWith('/inbound/');
