import { Pool, types, type PoolClient } from 'pg';
import { CONNECTION_ERRNO } from '../errors';
import { beginIn } from './workspace-role';

/** One statement. A `name` has PostgreSQL keep it prepared on each connection: for the hot path. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
}

/** What a query function needs: a pool or a transaction. */
export interface Sql {
  query<R>(statement: Statement): Promise<R[]>;
}

/** A pool of connections. */
export interface Db extends Sql {
  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
  transaction<T>(work: (trx: Sql) => Promise<T>): Promise<T>;
  /** The tables as one workspace sees them: whatever a statement asks for, no row of another is read or written. */
  within(workspaceId: string): WorkspaceDb;
  close(): Promise<void>;
}

/** A pool whose statements run as the role of workspaces, for one of them. */
export interface WorkspaceDb {
  /** Runs `work` in one transaction that can't write. */
  read<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** As {@link Db.transaction}. */
  transaction<T>(work: (trx: Sql) => Promise<T>): Promise<T>;
}

/** A pool that tells how much of it is used. */
export interface PooledDb extends Db {
  /** Connections that are open, those of them that are idle, and callers that wait for one. */
  connections(): { readonly open: number; readonly idle: number; readonly waiting: number };
}

// bigint: sequences and counts stay far below 2^53, and a string would have to be converted at every use.
types.setTypeParser(types.builtins.INT8, Number);
// json: kept as the text that was stored; whoever needs the value parses it.
types.setTypeParser(types.builtins.JSON, (text) => text);

/**
 * SQLSTATEs that say "PostgreSQL is away": connection, operator intervention, out of resources (disk, connections), writes
 * refused (a standby, or an operator's doing), the end of a session that was idle within a transaction, and a statement that took
 * too long, behind somebody's lock at most.
 */
const AWAY = /^(08|57P|57014|53|25006|25P03)/;
/** The code of a Unix socket that is not there. */
const NO_SOCKET = 'ENOENT';

/** Whether an error means that the database can't be reached now, rather than that a statement was wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return AWAY.test(code) || CONNECTION_ERRNO.has(code) || code === NO_SOCKET
    || /Connection terminated|timeout exceeded when trying to connect|Query read timeout|is not queryable|Client was closed/.test(error.message);
}

/** The SQLSTATE and constraint of a PostgreSQL error; null for any other. */
export function violation(error: unknown): { readonly code: string; readonly constraint: string } | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null;
  return { code: error.code, constraint: 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : '' };
}

/** SQLSTATEs of a deadlock and of a serialization failure. */
const LOST_A_RACE: ReadonlySet<string> = new Set(['40P01', '40001']);

/** Whether PostgreSQL gave up one of several that changed the same things: nothing of it was done, and it may go again. */
export const isLostRace = (error: unknown): boolean => LOST_A_RACE.has(violation(error)?.code ?? '');

/** Others have all connections, and have used them a moment ago: PostgreSQL is there, and has more to do than it can. */
class BusyError extends Error {
  override readonly name = 'BusyError';
}

/** Whether an error means that more was asked for at once than PostgreSQL can do, and nothing was done of it. */
export const isDatabaseBusy = (error: unknown): boolean => error instanceof BusyError;

/** Within so long of its last answer a database counts as there, in ms. */
const ANSWERED_MS = 2_000;

const isSilent = (error: unknown): error is Error => error instanceof Error && /Query read timeout/.test(error.message);

/** A table was extended since the statement was prepared on this session, by a migration: nothing of it was done, another session can. */
const isStale = (error: unknown): error is Error => violation(error)?.code === '0A000' && /cached plan/.test((error as Error).message);

/** SQLSTATEs by name. */
export const UNIQUE_VIOLATION = '23505';
export const FOREIGN_KEY_VIOLATION = '23503';

/** What a pool is for. */
export interface DbOptions {
  /**
   * Commits are not waited for on the disk: only for what a crash of PostgreSQL may take back without harm, such as
   * claims of outbox rows. Nothing that was acknowledged is ever written so.
   */
  readonly isForgetful?: boolean;
}

/** Opens a pool. A statement that takes longer than 30 s is given up, here and by the server. */
export function openDb(url: string, max: number, { isForgetful = false }: DbOptions = {}): PooledDb {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    query_timeout: 30_000,
    statement_timeout: 30_000,
    // Of a process that the network has cut off PostgreSQL would hear nothing for hours, and keep the locks of its transaction.
    idle_in_transaction_session_timeout: 30_000,
    application_name: 'posthorn',
    // A statement over partitions takes longer to plan than to run: it is planned once a connection. Compiling never pays here.
    // A plan outlives what it was made for: a week's partition or the outbox, empty then, would be read from end to end when they
    // are full. Each statement has an index to go by.
    options: `-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off${isForgetful ? ' -c synchronous_commit=off' : ''}`,
  });
  // An idle connection that breaks is replaced at its next use; unheard, its error would end the process.
  pool.on('error', () => undefined);
  // So would that of a connection which breaks on its way from one user to the next.
  pool.on('connect', (client) => client.on('error', () => undefined));
  let answeredAt = -Infinity;
  pool.on('release', (error) => {
    if (!error) answeredAt = performance.now();
  });
  const named = (error: unknown): unknown =>
    error instanceof Error && /timeout exceeded when trying to connect/.test(error.message) && performance.now() - answeredAt < ANSWERED_MS
      ? new BusyError(error.message, { cause: error })
      : error;
  const transaction = async <T>(begin: string, work: (trx: Sql) => Promise<T>): Promise<T> => {
    const client = await pool.connect().catch((error: unknown) => {
      throw named(error);
    });
    let failure: Error | undefined;
    let isOver = false;
    try {
      await client.query(begin);
      const result = await work(within(client, () => isOver));
      isOver = true;
      await client.query('commit');
      return result;
    } catch (error) {
      isOver = true;
      // A session that does not answer would not answer this either, and one whose plans are stale is of no use to the next.
      failure = isSilent(error) || isStale(error) ? error : await client.query('rollback').then(() => undefined, (reason: Error) => reason);
      throw error;
    } finally {
      client.release(failure);
    }
  };
  const query = async <R>(statement: Statement, tries = max): Promise<R[]> => {
    try {
      return (await pool.query(toConfig(statement))).rows as R[];
    } catch (error) {
      if (tries > 0 && isStale(error)) return query(statement, tries - 1);
      throw named(error);
    }
  };
  return {
    query: (statement) => query(statement),
    transaction: (work) => transaction('begin', work),
    within: (workspaceId) => ({
      read: (work) => transaction(beginIn(workspaceId, 'read only'), (trx) => work(ofRole(trx))),
      transaction: (work) => transaction(beginIn(workspaceId, 'read write'), (trx) => work(ofRole(trx))),
    }),
    connections: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}

/** What is asked after the end would run outside of the transaction, and as another role. */
const within = (client: PoolClient, isOver: () => boolean): Sql => ({
  async query<R>(statement: Statement) {
    if (isOver()) throw new Error('A statement was asked for after the end of its transaction');
    return (await client.query(toConfig(statement))).rows as R[];
  },
});

/** Prepared apart from the owner's: a plan is of one role, and would be made anew at each turn from one to the other. */
const ofRole = (trx: Sql): Sql => ({
  query: ({ name, ...statement }) => trx.query(name === undefined ? statement : { ...statement, name: `workspace-${name}` }),
});

const toConfig = ({ text, values, name }: Statement) => ({ text, values: values ? [...values] : [], ...(name && { name }) });
