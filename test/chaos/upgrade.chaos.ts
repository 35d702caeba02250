import { Client } from 'pg';
import { violationsAt } from '../support/checks';
import { spawnCli } from '../support/processes';
import { untilSettled } from '../support/service';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { useService } from '../support/stage';
import { tell } from '../support/tell';
import { until } from '../support/wait';

/** Long: by its lease (timeout and 5 s) nobody takes over what a worker is still at, however slow the machine. */
const POLICY = { timeout: '10s', connectTimeout: '1s', retry: { delays: Array(20).fill('200ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 60, ratePerSecond: 5_000 };

let database: TestDatabase;
const { service, receiver } = useService(async () => {
  database = await freshDatabase();
  return { workers: 2, database };
});

/** What a next release may add to tables that this one uses: nothing that this one would notice. */
const TABLES = ['events', 'deliveries', 'attempts', 'plans', 'outbox', 'endpoints', 'rules', 'objects'];

/** As a migration does it: it waits for a lock for two seconds at most, so that nobody waits longer behind it, and asks again. */
async function patiently(client: Client, statement: string): Promise<number> {
  let tries = 0;
  await until(async () => {
    tries += 1;
    await client.query(`set lock_timeout = '2s'`);
    await client.query(statement);
    return true;
  }, { what: statement, deadlineMs: 60_000 });
  return tries;
}

test('the tables are extended for the next release while this one is under load: no call fails, nothing is lost or sent twice', async () => {
  receiver.willAnswer('/upgraded', Array.from({ length: 200 }, (_, n) => (n % 10 === 0 ? 500 : 200)));
  const endpoint = await service.endpoint(`${receiver.url}/upgraded`, { events: ['upgraded', 'record:*'], policy: POLICY });
  const eventIds: string[] = [];
  const records: string[] = [];
  const refused: string[] = [];
  let isOver = false;
  const load = Promise.all(Array.from({ length: 4 }, async (_, n) => {
    while (!isOver) {
      const reply = n > 0 ? await service.call('POST', '/v1/events', { type: 'upgraded', data: {} }) : await service.call('POST', '/v1/records', { type: 'upgraded' });
      if (reply.status >= 300) refused.push(`${reply.status} ${reply.text}`);
      else (n > 0 ? eventIds : records).push(reply.body.id);
      await until(() => eventIds.length - receiver.received('/upgraded').length < 100, { what: 'the deliveries to follow', deadlineMs: 60_000 });
    }
  }));
  load.catch(() => undefined);
  const flowing = async (): Promise<void> => {
    const seen = receiver.received('/upgraded').length;
    // A client that fails is what is to be told then, not that nothing flows any more.
    await Promise.race([load, until(() => receiver.received('/upgraded').length > seen + 50, { what: 'the deliveries to flow', deadlineMs: 60_000 })]);
  };
  await flowing();

  const client = new Client({ connectionString: database.url });
  await client.connect();
  let tries = 0;
  for (const table of TABLES) {
    tries += await patiently(client, `alter table ${table} add column next_release text`);
    await flowing();
  }
  // The bound is the session's: an index that is built beside the traffic waits for as long as others need.
  await client.query('reset lock_timeout');
  const { rows } = await client.query<{ name: string }>(`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'deliveries'::regclass`);
  for (const { name } of rows) await client.query(`create index concurrently on ${name} (next_release) where next_release is not null`);
  // Others of this release come up on the tables of the next, and several migrate at once with nothing to do.
  const env = { DATABASE_URL: database.url, POSTHORN_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` };
  const ends = await Promise.all(Array.from({ length: 3 }, () => spawnCli(['migrate'], env).end));
  expect(ends).toEqual([0, 0, 0]);
  await service.startWorker();
  await flowing();
  isOver = true;
  await load;
  await client.end();

  expect(refused).toEqual([]);
  const made = await service.db.query<{ id: string }>({ text: 'select id from events where object_id = any($1)', values: [records] });
  expect(made).toHaveLength(records.length);
  const all = [...eventIds, ...made.map(({ id }) => id)];
  await untilSettled(service, all, 60_000);
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/upgraded', eventIds: all, crashes: 0 })).toEqual([]);
  const unknown = await service.db.query({ text: `select 1 from attempts where outcome = 'unknown'` });
  expect(unknown).toEqual([]);
  tell('events meanwhile', all.length);
  tell('tries of statements that wait for a lock', tries);
});
