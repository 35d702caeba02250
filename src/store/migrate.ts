import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import { Client } from 'pg';
import { type Sql, violation } from './db';

/** `migrations/` beside this file's `src/`: TypeScript in the sources, JavaScript in the build. */
const FOLDER = join(__dirname, '..', '..', 'migrations');
/** Key of the advisory lock that a migrating process holds: "posthorn" in ASCII. */
const LOCK = '8101821198468346478';

/** `up`: all that are missing; `down`: the newest one is undone. */
export type Direction = 'up' | 'down';

/**
 * Brings the tables of a database to what this build needs, or one migration back.
 * Several processes may call it at once: they take turns, and the later ones find nothing to do.
 * @returns the names of the migrations that were run, in order.
 * @throws when the database can't be reached, or knows a migration that this build does not.
 */
export async function migrate(databaseUrl: string, direction: Direction = 'up'): Promise<string[]> {
  const turn = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000, application_name: 'posthorn migrate' });
  await turn.connect();
  const db = knex({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 1 }, migrations: { migrationSource }, log: SILENT });
  try {
    await turn.query('select pg_advisory_lock($1)', [LOCK]);
    // Whoever holds the advisory lock migrates alone: what knex's own lock says then is left of a process that was killed.
    await db.migrate.forceFreeMigrationsLock();
    const [, names] = (await (direction === 'up' ? db.migrate.latest() : db.migrate.down())) as [number, string[]];
    return names;
  } catch (error) {
    throw inOurWords(error);
  } finally {
    await db.destroy();
    await turn.end();
  }
}

/** The migrations of a database compared with those of this build, by name, in order. */
export interface MigrationState {
  readonly done: readonly string[];
  /** Of this build, and not run yet. */
  readonly missing: readonly string[];
  /** Run by another build, and none of this one. */
  readonly unknown: readonly string[];
}

/** Reads which migrations a database has run; changes nothing. */
export async function migrationState(sql: Sql): Promise<MigrationState> {
  const [table] = await sql.query<{ there: boolean }>({ text: `select to_regclass('knex_migrations') is not null as there` });
  const rows = table?.there === true ? await sql.query<{ name: string }>({ text: 'select name from knex_migrations order by name' }) : [];
  const done = rows.map(({ name }) => name);
  const known = (await migrationSource.getMigrations([])).map((file) => migrationSource.getMigrationName(file));
  return { done, missing: known.filter((name) => !done.includes(name)), unknown: done.filter((name) => !known.includes(name)) };
}

/** What fails is thrown, and told by whoever asked. */
const SILENT: Knex.Logger = { warn: () => undefined, error: () => undefined };

/** SQLSTATE of what a migration raises itself. */
const RAISED = 'P0001';

/** Of an error that a migration raises the words alone: knex puts the whole statement in front of them. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof Error) || violation(error)?.code !== RAISED) return error;
  return new Error(error.message.slice(error.message.lastIndexOf(' - ') + 3), { cause: error });
}

interface Migration {
  readonly up: (knex: Knex) => Promise<void>;
  readonly down: (knex: Knex) => Promise<void>;
}

const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => (await readdir(FOLDER)).filter((file) => /^\d{4}_\w+\.[jt]s$/.test(file)).sort(),
  // Without its extension, since a database migrated by the build must look the same to the sources.
  getMigrationName: (file) => file.replace(/\.[jt]s$/, ''),
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the names are known only when the folder is read
  getMigration: async (file) => require(join(FOLDER, file)) as Migration,
};
