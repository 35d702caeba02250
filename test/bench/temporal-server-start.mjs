/** Starts PostgreSQL and, on it, a Temporal server with its four services in one process, as the image of docker-compose.yml does. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { nowMs, pause } from './clock.mjs';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const require = createRequire(import.meta.url);
const built = (path) => require(join(root, 'dist', 'src', path));

const READY_MS = 90_000;
const RETENTION_S = 7 * 86_400;
const [LOWEST_PORT, HIGHEST_PORT] = [20_000, 32_768];
/** A line of the server's log holds a whole stack. */
const SHOWN = 300;
const SERVICES = ['frontend', 'history', 'matching', 'worker'];

/**
 * @param {{ folder: string, shards: number, server: { server: string, sqlTool: string, schema: string }, say: (line: string) => void, onStop: (stop: () => Promise<unknown>) => void }} options
 *   `onStop` takes what undoes each step; the newest is to be undone first
 * @returns {Promise<{ address: string, databaseUrl: string }>} `databaseUrl` may make databases of its own
 */
export async function startTemporalServer({ folder, shards, server: paths, say, onStop }) {
  say('Starting PostgreSQL');
  const postgres = await built('embedded/postgres.js').startPostgres(folder, { settings: { max_connections: '400' }, progress: say });
  onStop(() => postgres.server.stop());
  const database = new URL(postgres.url);
  for (const [name, kind] of [['temporal', 'temporal'], ['temporal_visibility', 'visibility']]) await makeTables(paths, database, name, kind);

  say(`Starting Temporal with ${shards} shards`);
  const ports = await choosePorts();
  await mkdir(join(folder, 'config'));
  // YAML takes JSON as it is.
  await writeFile(join(folder, 'config', 'posthorn.yaml'), JSON.stringify(configOf({ shards, database, ports, folder }), null, 2));
  await writeFile(join(folder, 'config', 'dynamic.yaml'), '{}\n');
  const { startGuarded, logTail } = built('embedded/guarded.js');
  const logFile = join(folder, 'temporal-server.log');
  const server = await startGuarded({
    command: paths.server, args: ['--root', folder, '--config', 'config', '--env', 'posthorn', '--allow-no-auth', 'start'],
    logFile, stopSignal: 'SIGTERM', graceMs: 10_000, cwd: folder,
  });
  onStop(() => server.stop());
  const address = `127.0.0.1:${ports.frontend.grpcPort}`;
  try {
    await untilReady(address, server);
  } catch (error) {
    throw new Error(`Temporal's server did not start (${error.message}). The end of its log:\n${(await logTail(logFile, 5)).replace(/^.*$/gm, (line) => line.slice(0, SHOWN))}`);
  }
  return { address, databaseUrl: postgres.url };
}

/** As the compose file's `temporal-schema` does. */
async function makeTables({ sqlTool, schema }, { hostname, port, username, password }, database, kind) {
  const env = { ...process.env, SQL_PLUGIN: 'postgres12', SQL_HOST: hostname, SQL_PORT: port, SQL_USER: username, SQL_PASSWORD: password, SQL_DATABASE: database };
  for (const args of [['create-database'], ['setup-schema', '--version', '0.0'], ['update-schema', '--schema-dir', join(schema, kind, 'versioned')]]) {
    await run(sqlTool, args, { env }).catch((error) => {
      throw new Error(`temporal-sql-tool ${args.join(' ')} failed for ${database}: ${String(error.stderr || error.stdout || error.message).trim().slice(-500)}`);
    });
  }
}

/** Below 32,768: the server keeps them in a `smallint`, and the ports that a system gives out by itself begin there. */
async function choosePorts() {
  const { isPortFree } = built('embedded/ports.js');
  const chosen = new Set();
  while (chosen.size < SERVICES.length * 2 + 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isPortFree(port)) chosen.add(port);
  }
  const [httpPort, ...rest] = chosen;
  const pairs = SERVICES.map((name, index) => [name, { grpcPort: rest[index * 2], membershipPort: rest[index * 2 + 1], bindOnIP: '127.0.0.1' }]);
  return Object.fromEntries(pairs.map(([name, pair]) => [name, name === 'frontend' ? { ...pair, httpPort } : pair]));
}

/** What the image makes of the compose file's variables (its config_template.yaml), but for the ports. */
function configOf({ shards, database, ports, folder }) {
  const sql = (databaseName, maxConns) => ({
    sql: {
      pluginName: 'postgres12', databaseName, connectAddr: database.host, connectProtocol: 'tcp', user: database.username, password: database.password,
      maxConns, maxIdleConns: maxConns, maxConnLifetime: '1h',
    },
  });
  const rpcAddress = `127.0.0.1:${ports.frontend.grpcPort}`;
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      numHistoryShards: shards, defaultStore: 'default', visibilityStore: 'visibility',
      datastores: { default: sql('temporal', 20), visibility: sql('temporal_visibility', 10) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(SERVICES.map((name) => [name, { rpc: ports[name] }])),
    clusterMetadata: {
      enableGlobalNamespace: false, failoverVersionIncrement: 10, masterClusterName: 'active', currentClusterName: 'active',
      clusterInformation: { active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress } },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    publicClient: { hostPort: rpcAddress },
    dynamicConfigClient: { filepath: join(folder, 'config', 'dynamic.yaml'), pollInterval: '60s' },
  };
}

/** Waits for an answer and makes the namespace `default`, as the compose file's `temporal-namespace` does. */
async function untilReady(address, server) {
  const { Connection } = require('@temporalio/client');
  const deadline = nowMs() + READY_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      try {
        await connection.workflowService.registerNamespace({ namespace: 'default', workflowExecutionRetentionPeriod: { seconds: RETENTION_S } });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (error.code === 6) return;
      if (server.ended()) throw new Error('it ended', { cause: error });
      if (nowMs() > deadline) throw error;
      await pause(200);
    }
  }
}
