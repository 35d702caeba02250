import { readFile, stat, truncate } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { registerSearchAttributes, SEARCH_ATTRIBUTE_TYPES } from '../search-attributes';
import { type Guarded, logTail, startGuarded } from './guarded';
import { endLeftover, isAlive } from './leftover';
import { freePort, isPortFree } from './ports';
import { makeDataDir } from './reachable';
import { endWhenSilent } from './temporal-watch';

/** How long Temporal keeps a workflow after its end. */
const RETENTION_S = 7 * 86_400;
const START_MS = 60_000;
/** A dev server that answers nothing for so long is ended. */
const SILENT_MS = 30_000;
const LOG_BYTES = 10_000_000;
const USUAL_PORT = 7233;
const USUAL_UI_PORT = 8233;
const PAIRS = 50;

/** The dev server limits itself to a few hundred workflows a second; PostgreSQL and the machine are limit enough. */
const DYNAMIC_CONFIG = [
  'frontend.rps=100000',
  'frontend.namespaceRPS=100000',
  'history.rps=100000',
  'matching.rps=100000',
  'system.enableActivityEagerExecution=true',
  // Timers are held back by this, a second unless told, for the sake of clocks that differ: here there is one clock.
  'history.timerProcessorMaxTimeShift="10ms"',
] as const;

/** Where a dev server listens; without a port for the web UI there is none. */
export interface TemporalPorts {
  readonly port: number;
  readonly uiPort: number | null;
}

/** A Temporal of ours that answers. */
export interface EmbeddedTemporal {
  /** `host:port` */
  readonly address: string;
  /** Base of its web UI; null where it was started without. */
  readonly uiUrl: string | null;
  readonly ports: TemporalPorts;
  readonly server: Guarded;
}

/** How a dev server is started. */
export interface TemporalOptions {
  /** Path of the `temporal` binary; see findTemporalCli. */
  readonly cli: string;
  /** Made beside `default` where it is another. */
  readonly namespace?: string;
  /** `usual`: 7233 and 8233, or the next pair that is free. `free`: any, without the web UI. Else these very ones. */
  readonly ports?: 'usual' | 'free' | TemporalPorts;
  /** Told what takes long or went wrong. */
  readonly progress?: (line: string) => void;
  /** It is ended once it has answered nothing for so long, in ms; 30,000 unless told. */
  readonly silentMs?: number;
}

/**
 * Starts the Temporal dev server of a data dir: `temporal.db`, `temporal.pid`, `temporal.log`. It listens on 127.0.0.1 only, has
 * the search attributes, and keeps ended workflows for seven days.
 * @throws when it does not answer, with its last words.
 */
export async function startTemporal(dataDir: string, options: TemporalOptions): Promise<EmbeddedTemporal> {
  const { cli, namespace = 'default', ports = 'usual', progress = () => undefined, silentMs = SILENT_MS } = options;
  const base = resolve(dataDir);
  await makeDataDir(base, null);
  await endEarlierServer(base, progress);
  const logFile = join(base, 'temporal.log');
  if (((await stat(logFile).catch(() => null))?.size ?? 0) > LOG_BYTES) await truncate(logFile);

  // Its inner services take ports by themselves, which another process may take in the same moment: hence three tries.
  for (let tries = 1; ; tries++) {
    const pair = await choose(ports);
    const server = await startGuarded({
      command: cli,
      args: [...serverArgs(base, namespace), ...portArgs(pair)],
      logFile,
      pidFile: join(base, 'temporal.pid'),
      stopSignal: 'SIGTERM',
      graceMs: 3_000,
      cwd: base,
    });
    const address = `127.0.0.1:${pair.port}`;
    try {
      await untilReady(address, namespace, server);
      void endWhenSilent(address, namespace, server, silentMs, progress);
      return { address, uiUrl: pair.uiPort === null ? null : `http://127.0.0.1:${pair.uiPort}`, ports: pair, server };
    } catch (error) {
      const fellOver = server.ended();
      await server.stop();
      if (fellOver && tries < 3) continue;
      throw new Error(`Temporal's dev server did not start (${(error as Error).message}). The end of ${logFile}:\n${await logTail(logFile)}`);
    }
  }
}

const serverArgs = (base: string, namespace: string): readonly string[] => [
  'server', 'start-dev',
  '--db-filename', join(base, 'temporal.db'),
  '--sqlite-pragma', 'journal_mode=wal',
  '--sqlite-pragma', 'synchronous=normal',
  '--ip', '127.0.0.1',
  '--namespace', namespace,
  '--log-level', 'error',
  ...Object.entries(SEARCH_ATTRIBUTE_TYPES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
];

const portArgs = ({ port, uiPort }: TemporalPorts): readonly string[] =>
  ['--port', String(port), ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)])];

async function choose(ports: 'usual' | 'free' | TemporalPorts): Promise<TemporalPorts> {
  if (ports === 'usual') return usualPorts();
  return ports === 'free' ? { port: await freePort(), uiPort: null } : ports;
}

async function usualPorts(): Promise<TemporalPorts> {
  for (let step = 0; step < PAIRS; step++) {
    const [port, uiPort] = [USUAL_PORT + step, USUAL_UI_PORT + step];
    if ((await isPortFree(port)) && (await isPortFree(uiPort))) return { port, uiPort };
  }
  throw new Error(`No pair of ports from ${USUAL_PORT} and ${USUAL_UI_PORT} on is free on 127.0.0.1, of the next ${PAIRS}`);
}

async function endEarlierServer(base: string, progress: (line: string) => void): Promise<void> {
  const pid = Number(await readFile(join(base, 'temporal.pid'), 'utf8').catch(() => ''));
  const mark = join(base, 'temporal.db');
  if (!pid || !(await isAlive(pid, mark))) return;
  progress('The Temporal of an earlier start is still alive: waiting for its end');
  await endLeftover(pid, mark, 'SIGTERM');
}

async function untilReady(address: string, namespace: string, server: Guarded): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      try {
        await registerSearchAttributes(connection, namespace);
        const config = { workflowExecutionRetentionTtl: { seconds: RETENTION_S } } as unknown as NamespaceConfig;
        await connection.workflowService.updateNamespace({ namespace, config });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (server.ended()) throw new Error('it ended', { cause: error });
      if (Date.now() > deadline) throw error;
    }
    await delay(50);
  }
}

type NamespaceConfig = NonNullable<Parameters<Connection['workflowService']['updateNamespace']>[0]['config']>;
