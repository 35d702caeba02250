/**
 * The service under measurement: PostgreSQL and Temporal as `npm start` has them, on free ports and in an empty folder, the API
 * and the workers. With DATABASE_URL or TEMPORAL_ADDRESS those are used instead, in a database and a namespace of the run's own.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nowMs, pause } from './clock.mjs';
import { untilIdle } from './proc.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const require = createRequire(import.meta.url);
const built = (path) => require(join(root, 'dist', 'src', path));

const READY_MS = 60_000;
const STOP_MS = 45_000;
const NETWORKS = '127.0.0.0/8,::1/128';

/**
 * @param {{ workers: number, ownPids: readonly number[], progress: (line: string) => void, onStop: (stop: () => Promise<unknown>) => void, check: () => void }} options
 *   `onStop` takes what undoes each step as soon as there is something to undo; the newest is to be undone first. `check` throws
 *   between steps when the bench is to stop
 */
export async function startStack({ workers, ownPids, progress, onStop, check }) {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-'));
  onStop(() => rm(folder, { recursive: true, force: true }));
  // PostgreSQL may run as another user, who must reach its folder.
  await chmod(folder, 0o711);

  const database = await openDatabase(folder, progress, onStop);
  check();
  const temporal = await openTemporal(folder, progress, onStop);
  check();
  await built('store/migrate.js').migrate(database.url);
  const db = new (require('pg').Pool)({ connectionString: database.url, max: 2 });
  db.on('error', () => undefined);
  onStop(() => db.end());

  const rootKey = `phk_${randomBytes(32).toString('base64url')}`;
  const env = {
    ...process.env,
    DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace,
    POSTHORN_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`, POSTHORN_ROOT_KEY: rootKey,
    DELIVERY_ALLOWED_NETWORKS: NETWORKS, HOST: '127.0.0.1', PORT: '0', API_RATE_PER_SECOND: '',
    LOG_LEVEL: process.env.LOG_LEVEL || 'warn', POSTHORN_SUPERVISED: '1',
  };
  const log = join(folder, 'service.log');
  const startWorkers = (overrides = {}) => Promise.all(Array.from({ length: workers }, () => startProcess('work', { ...env, ...overrides }, log)));
  let working = await startWorkers();
  onStop(() => Promise.all(working.map((worker) => worker.stop())));
  check();
  const api = await startProcess('serve', env, log);
  onStop(api.stop);

  const call = caller(api.ready.url, rootKey);
  return {
    url: api.ready.url, call, db,
    /** False where PostgreSQL or Temporal is somebody else's: then their share of the cost is not known. */
    isWhole: (database.isOwn && temporal.isOwn) || Boolean(process.env.BENCH_SERVERS_PID),
    versions: { postgres: (await db.query('show server_version')).rows[0].server_version.split(' ')[0], temporal: temporal.version },
    /** Ends all workers in good order and starts as many with other settings, or as they were. */
    async restartWorkers(overrides) {
      await Promise.all(working.map((worker) => worker.stop()));
      working = await startWorkers(overrides);
    },
    /** Waits until no work is left and the processes are idle, so that one case does not disturb the next. */
    async settle(withinMs = 90_000) {
      const deadline = nowMs() + withinMs;
      for (;;) {
        const { rows: [{ left }] } = await db.query(`select (select count(*) from outbox)
          + (select count(*) from deliveries where status in ('PENDING', 'RETRYING') or (status = 'HELD')) as left`);
        if (Number(left) === 0) break;
        if (nowMs() > deadline) return false;
        await pause(100);
      }
      await untilIdle(ownPids, Math.max(0, deadline - nowMs()), pause);
      return true;
    },
    /** What the service has written to its log since it started; for the message of a run that failed. */
    lastWords: async () => (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-15).join('\n').replaceAll(folder, '(data)').replaceAll(root, '.'),
  };
}

async function openDatabase(folder, progress, onStop) {
  const given = process.env.DATABASE_URL?.trim();
  if (!given) {
    progress('Starting PostgreSQL');
    const { url, server } = await built('embedded/postgres.js').startPostgres(folder, { progress });
    onStop(() => server.stop());
    return { url, isOwn: true };
  }
  const name = `posthorn_bench_${randomBytes(6).toString('hex')}`;
  await administer(given, `create database ${name}`);
  onStop(() => administer(given, `drop database if exists ${name} with (force)`));
  const url = new URL(given);
  url.pathname = `/${name}`;
  return { url: url.href, isOwn: false };
}

async function administer(url, statement) {
  const client = new (require('pg').Client)({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function openTemporal(folder, progress, onStop) {
  const given = process.env.TEMPORAL_ADDRESS?.trim();
  if (!given) {
    const { findTemporalCli } = built('embedded/temporal-cli.js');
    const cli = await findTemporalCli({ path: process.env.TEMPORAL_CLI?.trim() || undefined, progress });
    progress('Starting Temporal');
    const { address, server } = await built('embedded/temporal.js').startTemporal(folder, { cli, ports: 'free' });
    onStop(() => server.stop());
    return { address, namespace: 'default', isOwn: true, version: await temporalVersion(address) };
  }
  const namespace = `posthorn-bench-${randomBytes(6).toString('hex')}`;
  await makeNamespace(given, namespace, onStop);
  return { address: given, namespace, isOwn: false, version: await temporalVersion(given) };
}

/** The task queues have fixed names, so in a namespace that others use too they would take each other's work. */
async function makeNamespace(address, namespace, onStop) {
  await withConnection(address, async (connection) => {
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: 86_400 } });
    onStop(() => withConnection(address, (again) => again.operatorService.deleteNamespace({ namespace })));
    const { registerSearchAttributes } = built('search-attributes.js');
    const deadline = nowMs() + READY_MS;
    while ((await registerSearchAttributes(connection, namespace)).length > 0 && nowMs() < deadline) await pause(200);
    // The server hears of a new namespace when it next refreshes what it knows.
    for (;;) {
      const known = await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1, query: 'PosthornWorkspace = "x"' }).then(() => true, () => false);
      if (known || nowMs() > deadline) return;
      await pause(200);
    }
  });
}

const temporalVersion = (address) =>
  withConnection(address, async (connection) => (await connection.workflowService.getSystemInfo({})).serverVersion ?? 'unknown');

async function withConnection(address, work) {
  const connection = await require('@temporalio/client').Connection.connect({ address });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** A process of the service, ready. One that ends by itself before `stop` makes what waits for it fail, not start again. */
async function startProcess(command, env, log) {
  const child = spawn(process.execPath, [join(root, 'dist', 'src', 'cli.js'), command], { cwd: dirname(log), env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => appendFileSync(log, chunk));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const end = once(child, 'exit');
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await end;
    clearTimeout(kill);
  };
  try {
    const ready = await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`"${command}" was not ready within ${READY_MS / 1000} s`)), READY_MS);
      child.on('message', (message) => {
        clearTimeout(late);
        resolve(message);
      });
      child.once('exit', (code, signal) => {
        clearTimeout(late);
        reject(new Error(`"${command}" ended (${signal ?? `code ${code}`}) before it was ready`));
      });
    });
    return { ready, stop, pid: child.pid };
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${(await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-15).join('\n').replaceAll(root, '.')}`);
  }
}

/** Makes calls that must succeed. @returns the answer's body */
const caller = (url, rootKey) => async (method, path, body, key = rootKey, headers = {}) => {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
};
