import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { type Guarded, logTail, startGuarded } from './guarded';
import { endLeftover, isAlive } from './leftover';
import { freePort } from './ports';
import { postgresFolder } from './postgres-binaries';
import { makeDataDir, reachableBinaries, reachableFolder } from './reachable';
import { postgresUser, type User } from './server-user';

const run = promisify(execFile);
const DATABASE = 'posthorn';
/** Until a server must answer, in ms: after a crash it first reads its log again. */
const START_MS = 120_000;
const LOG_BYTES = 10_000_000;

/** How every embedded PostgreSQL runs. What was acknowledged is on the disk: `fsync` and `synchronous_commit` stay on. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  synchronous_commit: 'on',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  log_min_messages: 'warning',
  // A statement holds what a caller sent: none of it belongs into a log.
  log_min_error_statement: 'panic',
  log_parameter_max_length_on_error: '0',
};

/** A PostgreSQL of ours that answers. */
export interface EmbeddedPostgres {
  readonly url: string;
  readonly port: number;
  /** Where its files are, if not below the data dir because its user can't reach that. */
  readonly elsewhere: string | null;
  readonly server: Guarded;
}

/** What differs between the real thing and a test. */
export interface PostgresOptions {
  /** Where it listens; unset: on any free port. */
  readonly port?: number | undefined;
  readonly settings?: Readonly<Record<string, string>>;
  /** Told what takes long. */
  readonly progress?: (line: string) => void;
}

/**
 * Starts the PostgreSQL of a data dir, which is made at the first start: `postgres/` with its files, `postgres.password`
 * and `postgres.log`. It listens on a free port of 127.0.0.1 only.
 * @throws when there is no PostgreSQL for this platform, nobody it may run as, or it does not answer; with its last words.
 */
export async function startPostgres(dataDir: string, options: PostgresOptions = {}): Promise<EmbeddedPostgres> {
  const { settings = {}, progress = () => undefined } = options;
  const base = resolve(dataDir);
  const user = await postgresUser();
  await makeDataDir(base, user);
  const binaries = await findBinaries(user);
  const { folder, elsewhere } = await reachableFolder(join(base, 'postgres'), user);
  const data = join(folder, 'data');
  await endEarlierServer(data, progress);
  const password = await readOrWrite(join(base, 'postgres.password'), () => randomBytes(24).toString('base64url'));
  if (!(await exists(data))) {
    progress('Making the database (once)');
    await initialise(binaries, folder, password, user);
  }
  const logFile = join(base, 'postgres.log');
  if (((await stat(logFile).catch(() => null))?.size ?? 0) > LOG_BYTES) await truncate(logFile);

  const port = options.port ?? (await freePort());
  const args = Object.entries({ ...SETTINGS, ...settings, port: String(port) }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = await startGuarded({
    command: join(binaries, 'bin', 'postgres'),
    args: ['-D', data, ...args],
    logFile,
    stopSignal: 'SIGINT',
    graceMs: 7_000,
    cwd: folder,
    ...(user && { uid: user.uid, gid: user.gid }),
  });
  const urlOf = (database: string): string => `postgres://${DATABASE}:${password}@127.0.0.1:${port}/${database}`;
  try {
    await untilAnswers(urlOf('postgres'), server);
  } catch (error) {
    await server.stop();
    throw new Error(`The embedded PostgreSQL did not start (${(error as Error).message}). The end of ${logFile}:\n${await logTail(logFile)}`);
  }
  return { url: urlOf(DATABASE), port, elsewhere: elsewhere ? folder : null, server };
}

async function findBinaries(user: User | null): Promise<string> {
  const folder = await postgresFolder();
  const { stdout } = await run(join(folder, 'bin', 'postgres'), ['--version']);
  return reachableBinaries(folder, stdout.trim().split(' ').at(-1) ?? 'unknown', user);
}

async function endEarlierServer(data: string, progress: (line: string) => void): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!pid) return;
  if (await isAlive(pid, data)) {
    progress('The PostgreSQL of an earlier start is still alive: waiting for its end');
    await endLeftover(pid, data, 'SIGINT');
    return;
  }
  // After a restart of the machine or container the id may be another process's, which PostgreSQL would take for its own.
  await rm(pidFile, { force: true });
}

/** In a folder beside, so that `data` is whole or not there, whenever this is cut off. */
async function initialise(binaries: string, folder: string, password: string, user: User | null): Promise<void> {
  const [half, passwordFile] = [join(folder, 'new'), join(folder, 'password')];
  await rm(half, { recursive: true, force: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  const args = ['-D', half, '-U', DATABASE, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--no-locale', '--no-instructions'];
  try {
    await run(join(binaries, 'bin', 'initdb'), args, { cwd: folder, ...(user && { uid: user.uid, gid: user.gid }) });
    await rename(half, join(folder, 'data'));
  } catch (error) {
    throw new Error(`initdb failed: ${((error as { stderr?: string }).stderr ?? String(error)).trim()}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Also makes the database, so that a start that was cut off between the two is completed by the next. */
async function untilAnswers(url: string, server: Guarded): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`create database ${DATABASE}`);
      return;
    } catch (error) {
      if (server.ended()) throw new Error('it ended', { cause: error });
      if (Date.now() > deadline) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
    await delay(50);
  }
}

async function readOrWrite(path: string, make: () => string): Promise<string> {
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known) return known.trim();
  const value = make();
  await writeFile(path, `${value}\n`, { mode: 0o600 });
  return value;
}

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);
