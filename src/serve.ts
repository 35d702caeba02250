import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './api/app';
import { createStreamHub } from './api/stream-hub';
import { routes } from './api/routes';
import { createApiServer, type HttpLimits } from './api/server';
import { openCatalogues } from './commands/catalogue';
import { ensureDefaultWorkspace, ensureRootKey } from './commands/manage-keys';
import { createPublisher } from './commands/publish';
import type { Config } from './config';
import { serveConsole } from './console/serve';
import { createDeps } from './create-deps';
import type { Deps } from './deps';
import { failpoint } from './failpoint';
import { createLog, type Log } from './log';
import { bindBacklog } from './metrics/backlog';
import { createExposition } from './metrics/exposition';
import { startMetricsServer } from './metrics/server';
import { createAnnouncer } from './store/announcer';
import { isDatabaseAway, openDb, type Db } from './store/db';
import type { Announced } from './store/outbox';
import { ensurePartitions } from './store/partitions';
import { requireWorkspaceRole } from './store/workspace-role';
import { openTracing } from './tracing/tracing';

/** An API process that listens. */
export interface RunningApi {
  /** Where it listens. */
  readonly url: string;
  /** The root key, where this start generated it: to be printed once. */
  readonly rootKey: string | null;
  /** Listens no more, answers what is in flight, and closes; at most about 35 s. */
  close(): Promise<void>;
}

/** What only tests and development change. */
export interface ServeOptions {
  /** What follows an answer that its route does not declare; `log` unless told. */
  readonly onUndeclaredAnswer?: 'throw' | 'log';
  readonly log?: Log;
  /** Shorter times, and less, than in production. */
  readonly http?: Partial<HttpLimits>;
}

const LOOK_AGAIN_MS = 500;
const UPKEEP_MS = 3_600_000;
/** Connections that the catalogues are read by. */
const CATALOGUE_CONNECTIONS = 1;

/**
 * Runs the API. It waits for PostgreSQL, whose tables must be there, and never for Temporal.
 * `config` must name `DATABASE_URL` and `POSTHORN_ENCRYPTION_KEYS`.
 */
export async function serve(config: Config, options: ServeOptions = {}): Promise<RunningApi> {
  const log = options.log ?? createLog(config.LOG_LEVEL, { process: 'api' });
  const deps = createDeps(config, log, openTracing(config, log, 'api'));
  // Apart: a request that has a connection, for its Idempotency-Key, may wait for a catalogue, which must not wait for those connections.
  const catalogueDb = openDb(config.DATABASE_URL ?? '', CATALOGUE_CONNECTIONS);
  try {
    const rootKey = await prepare(deps);
    const announcer = createAnnouncer(config.DATABASE_URL ?? '');
    // Every write is announced when it is committed, before it is answered.
    const announce = (what: Announced): void => {
      failpoint('after-commit');
      announcer.announce(what);
    };
    const publisher = createPublisher(deps.db, () => announce('events'));
    const catalogues = await openCatalogues(catalogueDb, (err) => log.warn({ err }, 'api.catalogues_not_read'));
    const exposition = createExposition(deps.metrics.api.meter, { before: bindBacklog(deps.metrics.api, deps.db) });
    const streams = createStreamHub(deps, config.DATABASE_URL ?? '');
    const handle = createApp({ deps, streams, pages: serveConsole(), announcer: { announce }, publisher, catalogues, routes, exposition, onUndeclaredAnswer: options.onUndeclaredAnswer ?? 'log' }).callback();
    const { server, drain } = createApiServer((request, response) => void handle(request, response), options.http);
    await listen(server, config);
    const metricsServer = config.METRICS_PORT === undefined ? null : startMetricsServer(exposition, {
      host: config.METRICS_HOST, port: config.METRICS_PORT, onFault: ({ message }) => log.warn({ error: message }, 'api.metrics_port_taken'),
    });
    const stopUpkeep = startUpkeep(deps);
    return {
      url: urlOf(server, config.HOST),
      rootKey,
      async close() {
        await streams.close();
        await drain();
        catalogues.close();
        await catalogueDb.close();
        stopUpkeep();
        await metricsServer?.close();
        await announcer.close();
        await deps.close();
      },
    };
  } catch (error) {
    await catalogueDb.close();
    await deps.close();
    throw error;
  }
}

/** Waits for PostgreSQL and makes what must be there. @returns the root key where it was generated. */
async function prepare(deps: Deps): Promise<string | null> {
  await untilReachable(deps.db, deps.log);
  await requireWorkspaceRole(deps.db);
  await ensurePartitions(deps.db);
  await ensureDefaultWorkspace(deps.db, deps.newId);
  return ensureRootKey(deps.db, deps.config, deps.newId);
}

async function untilReachable(db: Db, log: Log): Promise<void> {
  for (;;) {
    try {
      await db.query({ text: 'select 1' });
      return;
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      log.warn({ error: error instanceof Error ? error.message : String(error) }, 'api.database_away');
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

/** Each hour: partitions for the coming weeks, since the API stores events also where no worker runs. @returns what stops it. */
function startUpkeep({ db, log }: Deps): () => void {
  const timer = setInterval(() => void ensurePartitions(db).catch((err: unknown) => log.error({ err }, 'api.upkeep_failed')), UPKEEP_MS);
  return () => clearInterval(timer);
}

const listen = (server: Server, { PORT, HOST }: Config): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(PORT, HOST, () => {
      server.off('error', reject);
      resolve();
    });
  });

function urlOf(server: Server, host: string): string {
  const { port, family, address } = server.address() as AddressInfo;
  const isAny = address === '0.0.0.0' || address === '::';
  const name = isAny ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : host;
  return `http://${name}:${port}`;
}
