/**
 * PostgreSQL and Temporal of a run: embedded ones as `npm start` has them, on free ports and in an empty folder; or those of
 * DATABASE_URL and TEMPORAL_ADDRESS, in a database and a namespace of the run's own, which are removed with it.
 */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { pause, nowMs } from './clock.mjs';

const require = createRequire(import.meta.url);
const built = (path) => require(`../../dist/src/${path}`);

const NAMESPACE_MS = 60_000;

/**
 * @param {{ folder: string, settings?: Record<string, string>, progress: (line: string) => void, onStop: (stop: () => Promise<unknown>) => void }} options
 *   `settings`: of an embedded PostgreSQL, besides its own
 * @returns {Promise<{ url: string, isOwn: boolean }>}
 */
export async function openDatabase({ folder, settings = {}, progress, onStop }) {
  const given = process.env.DATABASE_URL?.trim();
  if (!given) {
    progress('Starting PostgreSQL');
    const { url, server } = await built('embedded/postgres.js').startPostgres(folder, { progress, settings });
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

/** @returns {Promise<{ address: string, namespace: string, isOwn: boolean, version: string }>} */
export async function openTemporal({ folder, progress, onStop }) {
  const given = process.env.TEMPORAL_ADDRESS?.trim();
  if (!given) {
    const { findTemporalCli } = built('embedded/temporal-cli.js');
    const cli = await findTemporalCli({ path: process.env.TEMPORAL_CLI?.trim() || undefined, progress });
    progress('Starting Temporal');
    const { address, server } = await built('embedded/temporal.js').startTemporal(folder, { cli, ports: 'free' });
    onStop(() => server.stop());
    return { address, namespace: 'default', isOwn: true, version: await versionOf(address) };
  }
  const namespace = `posthorn-bench-${randomBytes(6).toString('hex')}`;
  await makeNamespace(given, namespace, onStop);
  return { address: given, namespace, isOwn: false, version: await versionOf(given) };
}

/** The task queues have fixed names, so in a namespace that others use too they would take each other's work. */
async function makeNamespace(address, namespace, onStop) {
  await withConnection(address, async (connection) => {
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: 86_400 } });
    onStop(() => withConnection(address, (again) => again.operatorService.deleteNamespace({ namespace })));
    const { registerSearchAttributes } = built('search-attributes.js');
    const deadline = nowMs() + NAMESPACE_MS;
    while ((await registerSearchAttributes(connection, namespace)).length > 0 && nowMs() < deadline) await pause(200);
    // The server hears of a new namespace when it next refreshes what it knows.
    for (;;) {
      const known = await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1, query: 'PosthornWorkspace = "x"' }).then(() => true, () => false);
      if (known || nowMs() > deadline) return;
      await pause(200);
    }
  });
}

const versionOf = (address) =>
  withConnection(address, async (connection) => (await connection.workflowService.getSystemInfo({})).serverVersion ?? 'unknown');

async function withConnection(address, work) {
  const connection = await require('@temporalio/client').Connection.connect({ address });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
