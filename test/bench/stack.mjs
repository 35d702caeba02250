/** The service under measurement with its PostgreSQL and its Temporal, and what the bench asks of them. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nowMs, pause } from './clock.mjs';
import { untilIdle } from './proc.mjs';
import { openDatabase, openTemporal } from './servers.mjs';
import { startService } from './service.mjs';

const require = createRequire(import.meta.url);

const NETWORKS = '127.0.0.0/8,::1/128';
const SETTLE_MS = 90_000;

// Deliveries of the last day alone: what was stored as old is done, and there may be a million of them.
const LEFT = `select (select count(*) from outbox)
  + (select count(*) from deliveries where event_id >= id_floor('evt', now() - interval '1 day') and status in ('PENDING', 'RETRYING', 'HELD')) as left`;

/**
 * @param {{ workers: number, ownPids: readonly number[], waitsForIdle: boolean, postgresSettings?: Record<string, string>, nodeOptions?: (command: string) => string[], progress: (line: string) => void, onStop: (stop: () => Promise<unknown>) => void, check: () => void }} options
 *   `waitsForIdle`: for one case not to disturb the next; only figures need that. `onStop` takes what undoes each step as soon as there is something to undo; the newest is to be undone first. `check` throws
 *   between steps when the bench is to stop
 */
export async function startStack({ workers, ownPids, waitsForIdle, postgresSettings, nodeOptions = () => [], progress, onStop, check }) {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-'));
  onStop(() => rm(folder, { recursive: true, force: true }));
  // PostgreSQL may run as another user, who must reach its folder.
  await chmod(folder, 0o711);

  const database = await openDatabase({ folder, settings: postgresSettings, progress, onStop });
  check();
  const temporal = await openTemporal({ folder, progress, onStop });
  check();
  await require('../../dist/src/store/migrate.js').migrate(database.url);
  const db = new (require('pg').Pool)({ connectionString: database.url, max: 2 });
  db.on('error', () => undefined);
  onStop(() => db.end());
  check();

  const rootKey = `phk_${randomBytes(32).toString('base64url')}`;
  const env = {
    ...process.env,
    DATABASE_URL: database.url, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace,
    POSTHORN_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`, POSTHORN_ROOT_KEY: rootKey,
    DELIVERY_ALLOWED_NETWORKS: NETWORKS, HOST: '127.0.0.1', PORT: '0', API_RATE_PER_SECOND: '',
    LOG_LEVEL: process.env.LOG_LEVEL || 'warn', POSTHORN_SUPERVISED: '1',
  };
  const service = await startService({ folder, env, workers, nodeOptions, onStop });
  check();

  return {
    ...service,
    db,
    temporal: { address: temporal.address, namespace: temporal.namespace },
    call: caller(service.url, rootKey),
    /** False where PostgreSQL or Temporal is somebody else's: then their share of the cost is not known. */
    isWhole: (database.isOwn && temporal.isOwn) || Boolean(process.env.BENCH_SERVERS_PID),
    versions: { postgres: (await db.query('show server_version')).rows[0].server_version.split(' ')[0], temporal: temporal.version },
    /** Waits until no work is left and the processes are idle, so that one case does not disturb the next. @returns whether it is so */
    async settle(withinMs = SETTLE_MS) {
      const deadline = nowMs() + withinMs;
      for (;;) {
        const { rows: [{ left }] } = await db.query(LEFT);
        if (Number(left) === 0) break;
        if (nowMs() > deadline) return false;
        await pause(100);
      }
      if (waitsForIdle) await untilIdle(ownPids, Math.max(0, deadline - nowMs()), pause);
      return true;
    },
  };
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
