import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import type { Catalogues } from '../commands/catalogue';
import type { Publisher } from '../commands/publish';
import type { Deps } from '../deps';
import { AppError } from '../errors';
import type { Exposition } from '../metrics/exposition';
import type { Announcer } from '../store/announcer';
import type { ApiDocument } from '../docs/api-document';
import { createAdmission, OF_STRANGERS, OF_THE_SAME_KEY, type Admission } from './admission';
import { createAuth, type Auth, type Standing } from './auth';
import { serveDocs } from './docs';
import { guardOf } from './guard';
import { openapiDocument } from './openapi';
import { present, presentError, requestIdOf } from './present';
import type { Route } from './route';
import { createRunner } from './run';
import type { StreamHub } from './stream-hub';
import { traceRequest } from './trace-request';

/** What the app is made of. */
export interface AppParts {
  readonly deps: Deps;
  readonly announcer: Pick<Announcer, 'announce'>;
  readonly publisher: Publisher;
  readonly catalogues: Catalogues;
  readonly routes: readonly Route[];
  readonly exposition: Exposition;
  readonly streams: StreamHub;
  /** Answers what is no call of the API, and passes on all else. */
  readonly pages: Middleware;
  /** What follows an answer that its own route does not declare: `throw` a 500 (tests, development), or only `log` it. */
  readonly onUndeclaredAnswer: 'throw' | 'log';
}

type RequestTimes = ReturnType<Deps['metrics']['api']['requestsOf']>;

/** A request that takes longer is logged, in ms. */
const SLOW_MS = 1_000;
/** Most headers of a request. */
const MAX_HEADERS = 100;

/** The HTTP application: request id, log, errors, then for each route auth, guard, handler and the check of its answer. */
export function createApp(parts: AppParts): Koa {
  const app = new Koa();
  const { log, metrics: { api: metrics } } = parts.deps;
  const unrouted = metrics.requestsOf('other', 'other');
  const router = createRouter(parts, createAuth(parts.deps));

  app.use(async (ctx, next) => {
    const requestId = requestIdOf(ctx.get('X-Request-Id') || undefined);
    const startedAt = performance.now();
    ctx.state['requestId'] = requestId;
    ctx.set('X-Request-Id', requestId);
    ctx.set('Cache-Control', 'no-store');
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      // A name and a value each.
      if (ctx.req.rawHeaders.length > 2 * MAX_HEADERS) throw new AppError('headers_too_large', `A request may have at most ${MAX_HEADERS} headers.`);
      await next();
    } catch (error) {
      presentError(ctx, error, requestId, log);
    }
    const durationMs = performance.now() - startedAt;
    const { status, method } = ctx;
    timesOf(ctx, unrouted, status).observeMs(durationMs);
    if (status < 300 && method !== 'GET') metrics.ack.observeMs(durationMs);
    if (durationMs > SLOW_MS) log.warn({ requestId, method, path: ctx.path, status, durationMs: Math.round(durationMs) }, 'slow request');
  });
  app.use(serveDocs(() => openapiDocument(parts.routes) as unknown as ApiDocument));
  app.use(parts.pages);
  app.use(refuseOtherMethods(parts.routes));
  app.use(router.routes());
  app.use((ctx) => refuseUnknown(router, ctx));
  // Faults while an answer is being written: the caller is gone.
  app.on('error', (err: unknown) => log.debug({ err }, 'an answer was not taken'));
  return app;
}

function createRouter(parts: AppParts, auth: Auth): Router {
  // One spelling for each address: rules by path, such as which methods it knows, must not be passed by another.
  const router = new Router({ strict: true, sensitive: true });
  const run = createRunner(parts, auth);
  const ofKeys = createAdmission();
  const ofStrangers = createAdmission(OF_STRANGERS);
  // Until a key is known to be good, who sends it takes no room of those whose key is.
  const byStanding: Readonly<Record<Standing, Admission>> = { good: ofKeys, asked: createAdmission(OF_THE_SAME_KEY), unknown: ofStrangers };
  for (const route of parts.routes) {
    const guard = guardOf(route);
    const times = parts.deps.metrics.api.requestsOf(route.method, route.path);
    router.register(route.path, [route.method], async (ctx) => {
      const requestId = String(ctx.state['requestId']);
      ctx.state['times'] = times;
      await traceRequest(parts.deps.tracing, route, ctx, async () => {
        const credentials = credentialsOf(ctx);
        const met = route.role === null ? null : auth.meet(credentials);
        const isProven = met === null || met.standing === 'good';
        let admitted = (met ? byStanding[met.standing] : ofStrangers).enter(isProven && waitsElsewhere(route, ctx));
        try {
          const caller = met && (await auth.authenticate(met, route));
          if (!isProven) {
            admitted.leave();
            admitted = ofKeys.enter(waitsElsewhere(route, ctx));
          }
          const answer = await run({ route, guard, caller, requestId, admitted, mayStill: () => auth.confirm(credentials, route) }, ctx);
          present(ctx, answer, route.replyType);
        } finally {
          admitted.leave();
        }
      });
    });
  }
  return router;
}

/** Of a request's route, or of all that have none: the times of answers of this class. */
function timesOf(ctx: Context, unrouted: RequestTimes, status: number): RequestTimes['2'] {
  const times = (ctx.state['times'] as RequestTimes | undefined) ?? unrouted;
  return status < 300 ? times[2] : status < 400 ? times[3] : status < 500 ? times[4] : times[5];
}

/** A published event waits in the publisher's queue, unless its answer is kept; who watches over the process is always answered. */
const waitsElsewhere = ({ method, path, tag }: Route, ctx: Context): boolean =>
  tag === 'operations' || (method === 'POST' && path === '/v1/events' && ctx.req.headers['idempotency-key'] === undefined);

const credentialsOf = (ctx: Context) => ({
  address: ctx.req.socket.remoteAddress ?? '',
  authorization: ctx.req.headers.authorization,
  workspace: ctx.get('Posthorn-Workspace') || undefined,
});

/** A path without parameters is only itself: `PATCH /v1/rules/try` is not a change of the rule "try". */
function refuseOtherMethods(routes: readonly Route[]): (ctx: Context, next: () => Promise<unknown>) => Promise<unknown> {
  const methodsOf = new Map<string, Set<string>>();
  for (const { method, path } of routes.filter((one) => !one.path.includes(':'))) {
    const methods = methodsOf.get(path) ?? new Set<string>();
    methodsOf.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  return (ctx, next) => {
    const known = methodsOf.get(ctx.path);
    if (known && !known.has(ctx.method)) throw unknownMethod(ctx, known);
    return next();
  };
}

function refuseUnknown(router: Router, ctx: Context): never {
  const known = new Set(router.match(ctx.path, ctx.method).path.flatMap(({ methods }) => methods));
  if (known.size > 0) throw unknownMethod(ctx, known);
  throw new AppError('not_found', `There is nothing at ${ctx.path}; the addresses are listed at /docs/api and in /openapi.json.`);
}

function unknownMethod(ctx: Context, known: ReadonlySet<string>): AppError {
  const allowed = [...known].sort().join(', ');
  ctx.set('Allow', allowed);
  return new AppError('method_not_allowed', `${ctx.path} knows ${allowed}, not ${ctx.method}.`);
}
