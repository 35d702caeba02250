import { readdirSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflows } from '../src/bundle';
import type { Guarded } from '../src/embedded/guarded';
import { startPostgres } from '../src/embedded/postgres';
import { startTemporal } from '../src/embedded/temporal';
import { findTemporalCli } from '../src/embedded/temporal-cli';
import { migrate } from '../src/store/migrate';
import { administer, databaseOf, TEMPLATE } from './support/postgres';
import { offerServers } from './support/servers';

/** What the run's end must undo. */
export interface Run {
  readonly folder: string;
  readonly offer: Server;
  readonly servers: Guarded[];
}

declare global {
  var posthornTestRun: Run | undefined;
}

/** Nothing outlives the run, so its disk may lie; tests of crashes start a PostgreSQL of their own. */
const HASTE = { fsync: 'off', full_page_writes: 'off', max_connections: '300', shared_buffers: '128MB' };

/**
 * One PostgreSQL, one Temporal and one bundle of the workflows for the run, each made when a test first asks for it. With
 * TEMPORAL_ADDRESS the tests use that Temporal, and leave a namespace for each file behind in it.
 */
export default async function setUp(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-test-'));
  await chmod(folder, 0o711);
  loadMigrations();
  const servers: Guarded[] = [];
  const offer = await offerServers({
    async postgres() {
      const { url, server } = await startPostgres(folder, { settings: HASTE });
      servers.push(server);
      await administer(url, `create database ${TEMPLATE}`);
      await migrate(databaseOf(url, TEMPLATE));
      return url;
    },
    async temporal() {
      const given = process.env['TEMPORAL_ADDRESS'];
      if (given) return given;
      const cli = await findTemporalCli({ path: process.env['TEMPORAL_CLI'], progress: (line) => process.stderr.write(`${line}\n`) });
      const { address, server } = await startTemporal(folder, { cli, ports: 'free' });
      servers.push(server);
      return address;
    },
    async bundle() {
      const path = join(folder, 'workflow-bundle.js');
      await writeFile(path, await bundleWorkflows(join(__dirname, '..', 'workflows', 'index.ts')));
      return path;
    },
  });
  globalThis.posthornTestRun = { folder, offer, servers };
}

/** Jest reads TypeScript only until this set-up is over; what is loaded by then can be used later. */
function loadMigrations(): void {
  const migrations = join(__dirname, '..', 'migrations');
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- as src/store/migrate.ts does
  for (const file of readdirSync(migrations)) require(join(migrations, file));
}
