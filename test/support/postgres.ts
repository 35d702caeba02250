import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { type Db, openDb } from '../../src/store/db';
import { askFor } from './servers';

/** Name of the database that every test's is copied from: all migrations, no rows. */
export const TEMPLATE = 'posthorn_template';

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
  const server = await askFor('postgres');
  const name = `t_${randomBytes(8).toString('hex')}`;
  await administer(server, `create database ${name} template ${template}`);
  return { url: databaseOf(server, name), drop: () => administer(server, `drop database if exists ${name} with (force)`) };
}

/** The address of another database of a server. */
export function databaseOf(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs one statement on a server, beside all tests' databases. */
export async function administer(server: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: databaseOf(server, 'postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
