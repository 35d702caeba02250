import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Catalogues } from '../commands/catalogue';
import type { Deps } from '../deps';
import type { Sql } from '../store/db';
import type { InsertedEvent, NewEvent } from '../store/event-insert';

/** What a key may do; each of the first three may also do what the next one may. `publish` may only POST objects and events. */
export type Role = 'admin' | 'write' | 'read' | 'publish';

/** Who calls: the workspace that every query of the request is bound to. */
export interface Caller {
  readonly workspaceId: string;
  readonly role: Role;
  /** The key's id; `root` for the root key. */
  readonly keyId: string;
  readonly isRoot: boolean;
}

/** What a handler may use of the process: not the database itself, which knows no workspaces. */
export type ApiDeps = Omit<Deps, 'db'>;

/** What a handler may use besides its input. */
export interface RouteContext {
  readonly caller: Caller;
  readonly deps: ApiDeps;
  /** Reads what the caller's workspace has, and nothing of another, whatever the statement asks for; it can't write. */
  readonly sql: Sql;
  /** The same for several reads: fewer round trips, and at most one connection. */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  readonly requestId: string;
  /** The version of an `If-Match` header; null without one. */
  readonly ifMatch: number | null;
  /**
   * Runs `work` in one transaction of the caller's workspace: the one that also stores the answer where the request has an
   * Idempotency-Key. The relay is woken after its commit.
   */
  write<T>(work: (trx: Sql) => Promise<T>): Promise<T>;
  /** What is enforced of the events that are published. */
  readonly catalogues: Catalogues;
  /** Stores a custom event of no object together with those of concurrent requests; on its own where `isIdempotent`. */
  publish(event: NewEvent): Promise<InsertedEvent>;
  /** Stores custom events of no object, all or none of them. */
  publishAll(events: readonly NewEvent[]): Promise<readonly InsertedEvent[]>;
  /** A header of the request, by its name in lower case. @throws AppError 400 where it stands more than once. */
  header(name: string): string | undefined;
  /** Has this process refuse a key that was revoked from now on; others do within a second. */
  refuseKey(keyId: string): void;
  /**
   * Opens a stream of what happens in the caller's workspace, after the id of the last event that the caller has, if any.
   * @throws AppError 429 where too many are open.
   */
  openStream(lastEventId: string | undefined): Promise<Readable>;
  /** The metrics of this process as Prometheus reads them. */
  metricsText(): Promise<string>;
  /** Whether the request has an Idempotency-Key: then all is read and written in the transaction that stores its answer. */
  readonly isIdempotent: boolean;
}

/** What is there before a request has a connection. */
export type PrepareContext = Pick<RouteContext, 'caller' | 'deps'>;

/** What the handler of a {@link wideRoute} may use besides: the tables as their owner sees them, with all workspaces. */
export interface WideContext extends RouteContext {
  /** Reads. */
  readonly everywhere: Sql;
  /** Runs `work` in one transaction, as {@link RouteContext.write} does. */
  writeAnywhere<T>(work: (trx: Sql) => Promise<T>): Promise<T>;
  /** The same for work that is a single statement: without a transaction of its own where the request needs none. */
  writeOneAnywhere<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

/** What a handler answers; `body` is checked against the route's schema for `status`. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  /** The body's JSON text, where parts of it must go out as they are stored; else it is made from `body`. */
  readonly text?: string;
  /** The body where it is no JSON; its media type is among `headers`. */
  readonly bytes?: Buffer;
  /** The body of a route that `streams`, as it comes. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a handler is given: all checked and typed by the route's schemas. */
export interface RouteInput<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The request's own bytes as text; `''` without a body. */
  readonly raw: string;
  /** The request's own bytes, for a route of `rawBody`; else empty. */
  readonly bytes: Buffer;
}

/** One route as data: the router, the OpenAPI document and the generated isolation test are all made from it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path as koa-router takes it: `/v1/rules/:ruleId`. */
  readonly path: string;
  /** Null: needs no key. `root`: only the root key. */
  readonly role: Role | 'root' | null;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Largest body in bytes; 64 KiB unless told. */
  readonly bodyLimit?: number;
  /** The body is taken as it comes, and is not read as JSON: the media type that it usually has. Any is taken. */
  readonly rawBody?: string;
  /** Media type of the answers, in UTF-8; `application/json` unless told. */
  readonly replyType?: string;
  /** Schema of the answer by status; null: no body. Problems are added to each route. */
  readonly replies: Readonly<Record<number, z.ZodType | null>>;
  /** Statuses of problems that this route alone answers, beside those that all of its kind can. */
  readonly problems?: readonly number[];
  /** The stored answer of an Idempotency-Key holds a secret and is sealed. */
  readonly secretReply?: boolean;
  /** Idempotency-Key is not looked at (the call has an effect of its own each time). */
  readonly noIdempotency?: boolean;
  /** Its answer does not end by itself. */
  readonly streams?: boolean;
  /** Heeds an `If-Match` header. */
  readonly ifMatch?: boolean;
  /** Answers an object, with its version as its ETag. */
  readonly etag?: boolean;
  /** It is of no one workspace: made by {@link wideRoute}. */
  readonly isWide?: true;
  /**
   * What takes long without PostgreSQL, such as a look at an address: done before the request has a connection. What it throws is
   * answered, but where the request has an answer stored already.
   */
  readonly prepare?: (input: RouteInput<never, never, never>, context: PrepareContext) => Promise<void>;
  readonly handle: (input: RouteInput<never, never, never>, context: WideContext) => Promise<Answer>;
}

interface TypedRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, C> extends Omit<Route, 'params' | 'query' | 'body' | 'isWide' | 'prepare' | 'handle'> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly prepare?: (input: RouteInput<z.output<P>, z.output<Q>, z.output<B>>, context: PrepareContext) => Promise<void>;
  readonly handle: (input: RouteInput<z.output<P>, z.output<Q>, z.output<B>>, context: C) => Promise<Answer>;
}

/** Declares a route; its handler's input is typed by its schemas, and it reaches the caller's workspace alone. */
export const route = <P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(typed: TypedRoute<P, Q, B, RouteContext>): Route =>
  typed as unknown as Route;

/** Declares a route that is of no one workspace, such as one that learns only from a row whose it is. A test lists all of them. */
export const wideRoute = <P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(typed: TypedRoute<P, Q, B, WideContext>): Route =>
  ({ ...typed, isWide: true }) as unknown as Route;
