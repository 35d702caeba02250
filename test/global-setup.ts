import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startPostgres } from '../src/embedded/postgres';
import { migrate } from '../src/store/migrate';
import { administer, SERVER_VARIABLE, TEMPLATE, urlOf } from './support/postgres';

/** What the run's end must undo. */
export interface Run {
  readonly folder: string;
  readonly postgres: EmbeddedPostgres;
}

declare global {
  var posthornTestRun: Run | undefined;
}

/** One PostgreSQL for the run. Its disk may lie, since none of it outlives the run; tests of crashes start their own. */
export default async function setUp(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-test-'));
  await chmod(folder, 0o711);
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '300', shared_buffers: '128MB', autovacuum_naptime: '1h' };
  const postgres = await startPostgres(folder, { settings }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  globalThis.posthornTestRun = { folder, postgres };
  process.env[SERVER_VARIABLE] = postgres.url;
  await administer(`create database ${TEMPLATE}`);
  await migrate(urlOf(TEMPLATE));
}
