import { join, resolve } from 'node:path';
import { type Config, readConfig } from './config';
import { claimDataDir } from './embedded/claim';
import { encryptionKeys } from './embedded/encryption-keys';
import { isPortFree } from './embedded/ports';
import { startPostgres } from './embedded/postgres';
import { keepRunning, type Keeper, type Ready } from './embedded/process';
import { makeDataDir } from './embedded/reachable';
import { keepServer } from './embedded/server';
import { postgresUser } from './embedded/server-user';
import { startTemporal } from './embedded/temporal';
import { findTemporalCli } from './embedded/temporal-cli';
import { NODE_FLAGS } from './node-flags';
import { migrate } from './store/migrate';
import { welcome } from './welcome';

type Env = Readonly<Record<string, string | undefined>>;

/** What runs beside PostgreSQL and Temporal, as arguments of `node`; tests put stand-ins here. */
export interface Commands {
  readonly work: readonly string[];
  readonly serve: readonly string[];
}

const CLI = join(__dirname, 'cli.js');
const OURS: Commands = { work: [...NODE_FLAGS, CLI, 'work'], serve: [...NODE_FLAGS, CLI, 'serve'] };

/** Of the 50 s that a stop may take in all; PostgreSQL and Temporal have 7 s and 3 s by their guards. */
const STOP_MS = 50_000;
/** What a worker takes at most: see `close` in work.ts. */
const WORK_GRACE_MS = 36_000;
const SERVE_GRACE_MS = 4_000;
/** npm repeats the terminal's SIGINT: those within this time are one. */
const ONE_SIGNAL_MS = 2_000;

/** What a supervisor tells people, and how tests change it. */
export interface SuperviseOptions {
  readonly commands?: Commands;
  /** What is for the caller: addresses, the root key. */
  readonly out: (text: string) => void;
  /** What takes long or went wrong. */
  readonly progress: (line: string) => void;
}

/** Everything of one data dir. */
export interface Supervisor {
  /** Fulfilled when the API answers. Rejects when something does not start; what had started by then is stopped. */
  readonly started: Promise<void>;
  /** Stops everything in order: worker, API, Temporal, PostgreSQL; also while it starts. */
  stop(): Promise<void>;
  /** Whether `stop` was called. */
  isStopping(): boolean;
  /** Ends the worker and the API at once. */
  kill(): void;
}

/** Where the worker tells its metrics unless told otherwise; where another process has it, it tells none. */
const WORKER_METRICS_PORT = 9464;

type Stop = () => Promise<void>;

/** A part that runs, and what the processes must know of it. */
interface Part {
  readonly env: Readonly<Record<string, string>>;
  readonly stop: Stop;
}

/**
 * Runs everything of one data dir: PostgreSQL and Temporal (each unless the settings name another), migrations, the worker, and
 * last the API. What ends unasked is started again.
 * @throws ConfigError before anything is started.
 */
export function supervise(env: Env, options: SuperviseOptions): Supervisor {
  const config = readConfig(env);
  const stops: Stop[] = [];
  const keepers: Keeper[] = [];
  let isStopping = false;
  const stopAll = async (): Promise<void> => {
    for (let next = stops.pop(); next; next = stops.pop()) await next();
  };
  const starting = start({
    env,
    config,
    options,
    onStop: (stop) => stops.push(stop),
    onKeeper: (keeper) => keepers.push(keeper),
    isStopping: () => isStopping,
  });
  const started = starting.catch(async (error: unknown) => {
    await stopAll();
    throw error;
  });
  return {
    started,
    async stop() {
      isStopping = true;
      await stopAll();
      await started.catch(() => undefined);
      await stopAll();
    },
    isStopping: () => isStopping,
    kill: () => keepers.forEach((keeper) => keeper.kill()),
  };
}

interface Start {
  readonly env: Env;
  readonly config: Config;
  readonly options: SuperviseOptions;
  /** Keeps what undoes a step; the newest is undone first. */
  readonly onStop: (stop: Stop) => void;
  readonly onKeeper: (keeper: Keeper) => void;
  readonly isStopping: () => boolean;
}

async function start({ env, config, options, onStop, onKeeper, isStopping }: Start): Promise<void> {
  const { commands = OURS, out, progress } = options;
  const dataDir = resolve(config.POSTHORN_DATA_DIR);
  if (!config.DATABASE_URL || !config.TEMPORAL_ADDRESS) {
    await makeDataDir(dataDir, await postgresUser());
    onStop((await claimDataDir(dataDir, progress)).release);
  }
  await refuseTakenPort(config);

  const ours = [...(config.DATABASE_URL ? [] : ['PostgreSQL']), ...(config.TEMPORAL_ADDRESS ? [] : ['Temporal'])];
  if (ours.length > 0) progress(`Starting ${ours.join(' and ')}`);
  const [database, temporal] = await Promise.allSettled([databasePart(config, dataDir, progress), temporalPart(config, dataDir, progress)]);
  for (const part of [database, temporal]) if (part.status === 'fulfilled') onStop(part.value.stop);
  if (database.status === 'rejected') throw database.reason;
  if (temporal.status === 'rejected') throw temporal.reason;
  const metrics: Env = config.WORKER_METRICS_PORT === undefined && (await isPortFree(WORKER_METRICS_PORT)) ? { WORKER_METRICS_PORT: String(WORKER_METRICS_PORT) } : {};
  const childEnv = { ...env, ...metrics, ...database.value.env, ...temporal.value.env, LOG_LEVEL: env['LOG_LEVEL'] || 'warn', POSTHORN_SUPERVISED: '1' };

  const run = async (name: string, args: readonly string[], graceMs: number): Promise<{ ready: Ready; stop: Stop }> => {
    if (isStopping()) throw new Error('Stopped while it was starting.');
    const keeper = keepRunning({ name, args, env: childEnv, progress });
    onKeeper(keeper);
    const stop = (): Promise<void> => keeper.stop(graceMs);
    const ready = await keeper.ready.catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    return { ready, stop };
  };
  progress('Starting the worker and the API');
  const worker = await run('worker', commands.work, WORK_GRACE_MS);
  onStop(worker.stop);
  const api = await run('API', commands.serve, SERVE_GRACE_MS);
  // The API starts last and ends after the worker.
  onStop(api.stop);
  onStop(worker.stop);
  out(welcome({ url: api.ready.url ?? `http://${config.HOST}:${config.PORT}`, rootKey: api.ready.rootKey, temporalUiUrl: temporal.value.env['TEMPORAL_UI_URL'] }));
}

async function refuseTakenPort({ HOST, PORT }: Config): Promise<void> {
  const isLocal = ['127.0.0.1', 'localhost', '0.0.0.0'].includes(HOST);
  if (PORT === 0 || !isLocal || (await isPortFree(PORT))) return;
  throw new Error(`PORT: ${PORT} is taken on this machine. Stop what listens there, or set PORT to another one, such as PORT=${PORT + 1}.`);
}

async function databasePart(config: Config, dataDir: string, progress: (line: string) => void): Promise<Part> {
  if (config.DATABASE_URL) {
    await migrate(config.DATABASE_URL);
    return { env: {}, stop: async () => undefined };
  }
  const keys = config.POSTHORN_ENCRYPTION_KEYS?.join(',') ?? (await encryptionKeys(dataDir));
  const { url, port, elsewhere, server } = await startPostgres(dataDir, { progress });
  if (elsewhere) progress(`The database's files are in ${elsewhere}: PostgreSQL does not run as root, and its user can not reach ${dataDir}.`);
  const { stop } = keepServer('PostgreSQL', server, async () => (await startPostgres(dataDir, { port, progress })).server, progress);
  await migrate(url).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  // With DATABASE_URL set, the processes would take this for a server in production, and allow no private network.
  const networks = config.DELIVERY_ALLOWED_NETWORKS?.join(',') ?? '127.0.0.0/8,::1/128';
  return { env: { DATABASE_URL: url, POSTHORN_ENCRYPTION_KEYS: keys, DELIVERY_ALLOWED_NETWORKS: networks }, stop };
}

async function temporalPart(config: Config, dataDir: string, progress: (line: string) => void): Promise<Part> {
  if (config.TEMPORAL_ADDRESS) return { env: {}, stop: async () => undefined };
  const cli = await findTemporalCli({ path: config.TEMPORAL_CLI, progress });
  const how = { cli, namespace: config.TEMPORAL_NAMESPACE, progress };
  const { server, ports, address, uiUrl } = await startTemporal(dataDir, how);
  const { stop } = keepServer('Temporal', server, async () => (await startTemporal(dataDir, { ...how, ports })).server, progress);
  const shown = config.TEMPORAL_UI_URL ?? uiUrl;
  return { env: { TEMPORAL_ADDRESS: address, ...(shown && { TEMPORAL_UI_URL: shown }) }, stop };
}

/** Runs everything until SIGINT, SIGTERM or SIGHUP, then stops it in order. A second SIGINT after two seconds stops it at once. */
export async function main(): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    const supervisor = supervise(process.env, { out: (text) => void process.stdout.write(`${text}\n`), progress: say });
    const signalled = untilStopped(supervisor, say);
    // What does not start because it is being stopped is no failure.
    await Promise.race([supervisor.started.catch((error: unknown) => (supervisor.isStopping() ? signalled : Promise.reject(error))), signalled]);
    await signalled;
    process.exit(0);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

function untilStopped(supervisor: Supervisor, say: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let since: number | undefined;
    const onSignal = (): void => {
      if (since === undefined) {
        since = performance.now();
        say('Stopping: deliveries in flight are seen through (press Ctrl-C again to stop at once)');
        setTimeout(() => process.exit(1), STOP_MS);
        void supervisor.stop().then(resolve);
      } else if (performance.now() - since > ONE_SIGNAL_MS) {
        supervisor.kill();
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

if (require.main === module) void main();
