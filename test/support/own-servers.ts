import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startPostgres } from '../../src/embedded/postgres';
import { type EmbeddedTemporal, startTemporal } from '../../src/embedded/temporal';
import { findTemporalCli } from '../../src/embedded/temporal-cli';
import { openDb } from '../../src/store/db';
import { migrate } from '../../src/store/migrate';
import { freePort } from './ports';
import type { TestDatabase } from './postgres';

/** A PostgreSQL, migrated, and a Temporal of one test in a folder of its own, which it may kill and start again where they were. */
export interface OwnServers {
  readonly folder: string;
  postgres: EmbeddedPostgres;
  temporal: EmbeddedTemporal;
  /** The database as `startService` takes it; what is left is removed with the servers. */
  database(): TestDatabase;
  /** Kills PostgreSQL as a power failure would: what it has not written to the disk is gone. */
  killPostgres(): Promise<void>;
  /** Kills Temporal, which keeps its file. */
  killTemporal(): Promise<void>;
  restartPostgres(): Promise<void>;
  restartTemporal(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts both on free ports. @param settings of PostgreSQL */
export async function startOwnServers(settings: Readonly<Record<string, string>> = {}): Promise<OwnServers> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-own-'));
  await chmod(folder, 0o711);
  const cli = await findTemporalCli({ path: process.env['TEMPORAL_CLI'], progress: () => undefined });
  const temporalPort = await freePort();
  const postgres = await startPostgres(folder, { port: await freePort(), settings });
  const temporal = await migrate(postgres.url).then(() => startTemporal(folder, { cli, ports: { port: temporalPort, uiPort: null } })).catch(async (error: unknown) => {
    await postgres.server.stop();
    throw error;
  });
  const servers: OwnServers = {
    folder, postgres, temporal,
    database() {
      const db = openDb(servers.postgres.url, 5);
      return { url: servers.postgres.url, db, drop: () => db.close() };
    },
    async killPostgres() {
      const [pid] = (await readFile(join(servers.postgres.elsewhere ?? join(folder, 'postgres'), 'data', 'postmaster.pid'), 'utf8')).split('\n');
      process.kill(Number(pid), 'SIGKILL');
      await servers.postgres.server.end;
    },
    async killTemporal() {
      process.kill(Number(await readFile(join(folder, 'temporal.pid'), 'utf8')), 'SIGKILL');
      await servers.temporal.server.end;
    },
    async restartPostgres() {
      servers.postgres = await startPostgres(folder, { port: servers.postgres.port, settings });
    },
    async restartTemporal() {
      servers.temporal = await startTemporal(folder, { cli, ports: servers.temporal.ports });
    },
    async stop() {
      await servers.temporal.server.stop();
      await servers.postgres.server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return servers;
}
