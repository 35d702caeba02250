import type { Context } from 'koa';
import { AppError } from '../errors';
import { failpoint } from '../failpoint';
import type { Sql, WorkspaceDb } from '../store/db';
import { insertEvents } from '../store/event-insert';
import type { Announced } from '../store/outbox';
import type { Admitted } from './admission';
import type { AppParts } from './app';
import type { Auth } from './auth';
import type { Guard } from './guard';
import { answerOnce, readIdempotencyKey } from './idempotency';
import { readBytes, readJsonBody, type JsonBody } from './json-body';
import type { Answer, ApiDeps, Caller, Route, WideContext } from './route';

/** One call of one route by one caller; null: a route that needs no key. */
export interface Call {
  readonly route: Route;
  readonly guard: Guard;
  readonly caller: Caller | null;
  readonly requestId: string;
  /** Whether the caller may still do so. @throws AppError where not. */
  readonly mayStill: () => Promise<void>;
  readonly admitted: Admitted;
}

/** Largest body in bytes where a route does not say. */
const BODY_LIMIT = 64 * 1024;
const NO_BODY: JsonBody = { raw: '', value: undefined };
const NO_BYTES = Buffer.alloc(0);
const NOBODY: Caller = { workspaceId: '', role: 'read', keyId: 'none', isRoot: false };

/** Runs calls: reads and guards their input, calls the handler, once where asked to, and checks what it answers. */
export function createRunner(parts: AppParts, auth: Pick<Auth, 'refuse'>): (call: Call, ctx: Context) => Promise<Answer> {
  const { deps: { db, ...deps }, announcer, publisher, catalogues, onUndeclaredAnswer, exposition, streams } = parts;
  const metricsText = (): Promise<string> => exposition.text();

  return async (call, ctx) => {
    const { route, guard } = call;
    const { bytes, ...body } = await readInput(call, ctx);
    const input = {
      params: guard.params((ctx['params'] ?? {}) as Record<string, string>),
      query: guard.query(ctx.querystring === '' ? {} : { ...ctx.query }),
      body: route.method === 'GET' ? undefined : guard.body(body.value),
      raw: body.raw,
      bytes,
    };
    const key = route.method === 'POST' && !route.noIdempotency && call.caller ? readIdempotencyKey(header(ctx, 'idempotency-key')) : undefined;
    const refused = route.prepare ? await faultOf(route.prepare(input as Parameters<Route['handle']>[0], { caller: call.caller ?? NOBODY, deps })) : null;
    const handle = async (context: WideContext): Promise<Answer> => {
      if (refused) throw refused;
      const answer = await route.handle(input as Parameters<Route['handle']>[0], context);
      const fault = guard.fault(answer);
      if (fault === null) return answer;
      const message = `${route.method} ${route.path} answered what it does not declare: ${fault}`;
      if (onUndeclaredAnswer === 'throw') throw new Error(message);
      deps.log.error({ requestId: call.requestId }, message);
      return answer;
    };

    if (key === undefined) return tagged(route, await handle(plainContext(call, ctx)));
    const { workspaceId } = call.caller ?? NOBODY;
    const request = { workspaceId, key, isSecret: route.secretReply === true, method: route.method, url: ctx.url, raw: route.rawBody ? bytes.toString('base64') : body.raw };
    const answer = await reachOf(call).transaction(async (trx) => {
      const made = await answerOnce(trx, deps.keyRing, request, () => handle(contextIn(trx, call, ctx)));
      failpoint('before-commit');
      return made;
    });
    announcer.announce('anything');
    return tagged(route, answer);
  };

  /** What the call's transactions see: the caller's workspace, or all where its route is of no one workspace. */
  function reachOf({ route, caller }: Call): Pick<WorkspaceDb, 'transaction'> {
    return route.isWide ? db : db.within((caller ?? NOBODY).workspaceId);
  }

  /** Each write is a transaction of its own. */
  function plainContext(call: Call, ctx: Context): WideContext {
    const announced = async <T>(writing: Promise<T>, what: Announced): Promise<T> => {
      const result = await writing;
      announcer.announce(what);
      return result;
    };
    const own = db.within((call.caller ?? NOBODY).workspaceId);
    return {
      ...baseOf(call, ctx),
      sql: { query: (statement) => own.read((sql) => sql.query(statement)) },
      read: (work) => own.read(work),
      write: (work) => announced(own.transaction(work), 'anything'),
      publish: (event) => publisher.publish(event),
      publishAll: (events) => announced(insertEvents(db, events), 'events'),
      isIdempotent: false,
      ...only(call, {
        everywhere: db,
        writeAnywhere: (work) => announced(db.transaction(work), 'anything'),
        writeOneAnywhere: (work) => announced(work(db), 'anything'),
      }),
    };
  }

  /** All that the handler does, reading included, is in `trx`: a second connection could wait for the first for ever. */
  function contextIn(trx: Sql, call: Call, ctx: Context): WideContext {
    const work = <T>(doing: (sql: Sql) => Promise<T>): Promise<T> => doing(trx);
    return {
      ...baseOf(call, ctx),
      sql: trx,
      read: work,
      write: work,
      publish: async (event) => {
        const [inserted] = await insertEvents(trx, [event]);
        if (!inserted) throw new Error('A stored event was not told of');
        return inserted;
      },
      publishAll: (events) => insertEvents(trx, events),
      isIdempotent: true,
      ...only(call, { everywhere: trx, writeAnywhere: work, writeOneAnywhere: work }),
    };
  }

  function baseOf({ caller, requestId, mayStill }: Call, ctx: Context) {
    return {
      deps: deps satisfies ApiDeps,
      caller: caller ?? NOBODY,
      requestId,
      header: (name: string) => header(ctx, name),
      openStream: (lastEventId: string | undefined) => streams.open({ workspaceId: (caller ?? NOBODY).workspaceId, lastEventId, mayStill }),
      ifMatch: readIfMatch(header(ctx, 'if-match')),
      catalogues,
      metricsText,
      refuseKey: (keyId: string) => auth.refuse(keyId),
    };
  }
}

type Wide = Pick<WideContext, 'everywhere' | 'writeAnywhere' | 'writeOneAnywhere'>;

/** What reaches all workspaces is there for routes that are declared so; for others not even as a property. */
const only = ({ route }: Call, wide: Wide): Wide => (route.isWide ? wide : ({} as Wide));

/** The version of an object is its tag, in an answer that was just made and in one that was stored. */
const tagged = ({ etag }: Route, answer: Answer): Answer =>
  etag ? { ...answer, headers: { ...answer.headers, ETag: `"${(answer.body as { readonly version: number }).version}"` } } : answer;

/** What the promise is rejected with; null where it is not. */
const faultOf = (promise: Promise<void>): Promise<Error | null> =>
  promise.then(() => null, (fault: unknown) => (fault instanceof Error ? fault : new Error(String(fault))));

async function readInput({ route, admitted }: Call, ctx: Context): Promise<JsonBody & { readonly bytes: Buffer }> {
  const limit = route.bodyLimit ?? BODY_LIMIT;
  if (route.rawBody) return { ...NO_BODY, bytes: await readBytes(ctx.req, limit, admitted) };
  return { ...(route.method === 'GET' ? NO_BODY : await readJsonBody(ctx.req, limit, admitted)), bytes: NO_BYTES };
}

function header(ctx: Context, name: string): string | undefined {
  const value = ctx.req.headers[name];
  if (Array.isArray(value)) throw new AppError('bad_request', `The header ${name} may stand once.`);
  return value;
}

/** A version that no object has: what any other tag than `"<version>"` is read as, since it matches nothing. */
const NO_VERSION = -1;

/** The version of an `If-Match` header; null for none and for `*`, which any version matches. */
export function readIfMatch(value: string | undefined): number | null {
  if (value === undefined || value.trim() === '*') return null;
  const version = /^\s*(?:W\/)?"(\d{1,15})"\s*$/.exec(value)?.[1];
  return version === undefined ? NO_VERSION : Number(version);
}
