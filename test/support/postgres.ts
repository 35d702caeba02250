import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { type Db, openDb } from '../../src/store/db';

/** Name of the database that every test's is copied from: all migrations, no rows. */
export const TEMPLATE = 'posthorn_template';
/** Where global setup says which server the run has. */
export const SERVER_VARIABLE = 'POSTHORN_TEST_POSTGRES';

/** A database of one test, with all migrations. */
export interface TestDatabase {
  readonly url: string;
  readonly db: Db;
  /** Closes `db` and removes the database, whoever is still connected. */
  drop(): Promise<void>;
}

/** Makes a database from the migrated template, in some 50 ms. */
export async function freshDatabase(poolSize = 10): Promise<TestDatabase> {
  const { url, drop } = await copyOf(TEMPLATE);
  const db = openDb(url, poolSize);
  return {
    url,
    db,
    async drop() {
      await db.close();
      await drop();
    },
  };
}

/** Makes a database with nothing in it. */
export const emptyDatabase = (): Promise<{ url: string; drop(): Promise<void> }> => copyOf('template1');

async function copyOf(template: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `t_${randomBytes(8).toString('hex')}`;
  await administer(`create database ${name} template ${template}`);
  return { url: urlOf(name), drop: () => administer(`drop database if exists ${name} with (force)`) };
}

/** The address of a database of the run's server. */
export function urlOf(database: string): string {
  const url = new URL(process.env[SERVER_VARIABLE] ?? '');
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs one statement beside all tests' databases. */
export async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: urlOf('postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
