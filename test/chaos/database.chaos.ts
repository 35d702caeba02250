import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { readDeliveries, violationsAt } from '../support/checks';
import { insist } from '../support/insist';
import { type OwnServers, startOwnServers } from '../support/own-servers';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { tell } from '../support/tell';
import { until } from '../support/wait';

const POLICY = { timeout: '2s', connectTimeout: '1s', retry: { delays: Array(40).fill('200ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 50, ratePerSecond: 30 };

let servers: OwnServers;
const { service, receiver } = useService(async (later) => {
  servers = await startOwnServers({ max_connections: '60' });
  later(() => servers.stop());
  return { database: servers.database(), temporal: { address: servers.temporal.address, namespace: 'default' }, env: { POSTHORN_RECONCILE_EVERY_MS: '2000' } };
}, { each: true });

async function connected<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: servers.postgres.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What PostgreSQL can refuse, and how it is made to and stops again. */
const REFUSALS: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
  async 'takes no writes'() {
    await connected(async (client) => {
      await client.query('alter system set default_transaction_read_only = on');
      await client.query('select pg_reload_conf()');
    });
    return () => connected(async (client) => {
      await client.query('alter system reset default_transaction_read_only');
      await client.query('select pg_reload_conf()');
    });
  },
  // As it answers where a file can not grow: to each write of what a delivery needs.
  async 'has a full disk'() {
    const tables = ['events', 'plans', 'deliveries', 'attempts', 'objects', 'outbox'];
    await connected(async (client) => {
      await client.query(`create function full_disk() returns trigger language plpgsql as $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$`);
      for (const table of tables) await client.query(`create trigger full_disk before insert or update on ${table} for each row execute function full_disk()`);
    });
    return () => connected((client) => client.query('drop function full_disk cascade'));
  },
  async 'has no connection left'() {
    const taken: Client[] = [];
    const others = `from pg_stat_activity where application_name like 'posthorn%' and backend_type = 'client backend'`;
    const take = async (): Promise<boolean> => {
      const client = new Client({ connectionString: servers.postgres.url, application_name: 'taker' });
      client.on('error', () => undefined);
      return client.connect().then(() => taken.push(client) > 0, () => false);
    };
    await take();
    // Each connection that is ended is taken before its owner has it back.
    await until(async () => {
      await taken[0]!.query(`select pg_terminate_backend(pid) ${others}`);
      while (await take());
      return (await taken[0]!.query(`select 1 ${others}`)).rowCount === 0;
    }, { what: 'all connections to be taken', deadlineMs: 60_000 });
    return () => Promise.all(taken.map((client) => client.end()));
  },
};

test.each(Object.keys(REFUSALS))('while PostgreSQL %s the API answers 503, and nothing is sent that is not on record', async (name) => {
  const endpoint = await service.endpoint(`${receiver.url}/refused`, { events: ['refused'], policy: POLICY });
  receiver.willAnswer('/refused', Array(20).fill(500), 200);
  const eventIds = await service.publish(200, 'refused');
  await until(() => receiver.received('/refused').length >= 30, { what: 'deliveries to flow' });
  const end = await REFUSALS[name]!();
  const reply = await until(async () => {
    const answer = await service.call('POST', '/v1/events', { type: 'refused', data: {}, id: 'late' });
    return answer.status !== 202 && answer;
  }, { what: 'a refusal', deadlineMs: 30_000 });
  expect([reply.status, reply.body.code, reply.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
  // Several looks later what had been begun is sent, and no more: each new attempt would have to be written down first.
  const failures = (): number => service.workers()[0]!.output().split('turn_failed').length;
  const since = failures();
  await until(() => failures() > since + 10, { what: 'the worker to look again and again', deadlineMs: 60_000 });
  const sent = receiver.received('/refused').length;
  const later = failures();
  await until(() => failures() > later + 6, { what: 'more looks', deadlineMs: 60_000 });
  expect(receiver.received('/refused')).toHaveLength(sent);
  await end();

  eventIds.push((await insist(service, 'POST', '/v1/events', { type: 'refused', data: {}, id: 'late' })).id);
  await untilSettled(service, eventIds, 120_000);
  // What was under way when it began could not be recorded.
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/refused', eventIds, crashes: 1 })).toEqual([]);
  const deliveries = await readDeliveries(service.db, endpoint.id);
  expect(deliveries.filter(({ status }) => status !== 'DELIVERED')).toEqual([]);
  expect([service.workers().length, service.api().isAlive()]).toEqual([1, true]);
  tell('attempts that could not be recorded', deliveries.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome === 'unknown').length);
});

test('PostgreSQL is restored from an old backup while Temporal is newer: what is known is delivered, what is not ends quietly', async () => {
  const policy = { ...POLICY, ratePerSecond: 5_000, retry: { delays: Array(20).fill('3s'), jitter: 0 } };
  const endpoint = await service.endpoint(`${receiver.url}/restored`, { events: ['restored'], policy });
  const before = await service.publish(20, 'restored');
  await untilSettled(service, before);
  receiver.willAnswer('/restored', Array(20).fill(500), 200);
  const open = await service.publish(20, 'restored');
  await until(async () => (await readDeliveries(service.db, endpoint.id)).filter(({ status }) => status === 'RETRYING').length >= 10, { what: 'retries that sleep' });

  // As docs/operating.md says: all is stopped, restored, and started again; Temporal goes on.
  const stopAll = async (): Promise<void> => {
    await Promise.all([...service.workers(), service.api()].map((part) => part.kill('SIGKILL')));
    await servers.postgres.server.stop();
  };
  const data = join(servers.postgres.elsewhere ?? join(servers.folder, 'postgres'), 'data');
  await stopAll();
  await cp(data, `${data}-backup`, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  await own(data, `${data}-backup`);
  await servers.restartPostgres();
  await service.startApi();
  await service.startWorker();
  receiver.willAnswer('/restored', Array(30).fill(500), 200);
  const lost = await service.publish(30, 'restored');
  await until(() => service.temporal.workflow.count('WorkflowType = "deliver" and ExecutionStatus = "Running"').then(({ count }) => count >= 20), { what: 'workflows of what is lost', deadlineMs: 30_000 });
  await stopAll();
  await rm(data, { recursive: true });
  await cp(`${data}-backup`, data, { recursive: true, preserveTimestamps: true });
  await own(`${data}-backup`, data);
  await servers.restartPostgres();
  await service.startApi();
  await service.startWorker();

  const after = await service.publish(20, 'restored');
  await untilSettled(service, [...open, ...after], 120_000);
  await until(() => service.temporal.workflow.count('WorkflowType != "watchEndpoint" and ExecutionStatus = "Running"').then(({ count }) => count === 0), {
    what: 'the end of the workflows that nobody knows', deadlineMs: 120_000,
  });
  const deliveries = await readDeliveries(service.db, endpoint.id);
  expect(new Set(deliveries.map(({ eventId }) => eventId))).toEqual(new Set([...before, ...open, ...after]));
  expect(deliveries.filter(({ status }) => status !== 'DELIVERED')).toEqual([]);
  const received = receiver.received('/restored').map(({ headers }) => headers['webhook-id']);
  expect([...open, ...after].filter((id) => !received.includes(id))).toEqual([]);
  tell('events that the backup did not have', lost.length);
});

/** Files of a copy belong to whom the original's belong to: PostgreSQL is not run by root. */
async function own(original: string, copy: string): Promise<void> {
  const { execFileSync } = await import('node:child_process');
  execFileSync('chown', ['-R', `--reference=${original}`, copy]);
  execFileSync('chmod', [`--reference=${original}`, copy]);
}
