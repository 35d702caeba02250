import { createServer, type AddressInfo, type Socket } from 'node:net';
import { isAway } from '../../src/cli/exit-codes';
import { isDatabaseAway, isDatabaseBusy, openDb, type PooledDb } from '../../src/store/db';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
let db: PooledDb;

beforeAll(async () => {
  database = await freshDatabase();
  db = openDb(database.url, 3);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

it('a table that is extended while statements on it are prepared is read on, on whichever session', async () => {
  const statement = { name: 'all-workspaces', text: 'select * from workspaces where id <> $1', values: [''] };
  await Promise.all(Array.from({ length: 3 }, () => db.query(statement)));
  await database.db.query({ text: 'alter table workspaces add column next_release text' });
  await Promise.all(Array.from({ length: 6 }, () => db.query(statement)));

  await db.transaction((trx) => trx.query(statement));
  await database.db.query({ text: 'alter table workspaces add column later_release text' });
  // Nobody knows what else the transaction did: that is for its caller. The sessions after it are none that failed.
  for (let n = 0; n < 3; n += 1) await db.transaction((trx) => trx.query(statement)).catch((error: Error) => expect(error.message).toMatch(/cached plan/));
  for (let n = 0; n < 3; n += 1) await db.transaction((trx) => trx.query(statement));
});

it('a session that is idle within a transaction is ended by PostgreSQL, so that nobody waits for its locks for ever', async () => {
  const [row] = await db.query<{ idle_in_transaction_session_timeout: string }>({ text: 'show idle_in_transaction_session_timeout' });
  expect(row?.idle_in_transaction_session_timeout).toBe('30s');
});

it('a statement that takes too long, behind a lock say, and a write that is refused count as "away"; a wrong statement does not', async () => {
  const faultOf = (text: string, before: string): Promise<unknown> =>
    db.transaction(async (trx) => {
      await trx.query({ text: before });
      await trx.query({ text });
    }).catch((error: unknown) => error);
  expect(isDatabaseAway(await faultOf('select pg_sleep(5)', `set local statement_timeout = 20`))).toBe(true);
  expect(isDatabaseAway(await faultOf('create table nowhere (a int)', 'set transaction read only'))).toBe(true);
  expect(isDatabaseAway(await faultOf('select 1 / 0', 'select 1'))).toBe(false);
});

it.each([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ENOENT',
])('a connection that can not be made for %s means "away", for the API and for the command line alike', (code) => {
  const fault = Object.assign(new Error(''), { code });
  expect(isDatabaseAway(fault)).toBe(true);
  // A socket that is not there is PostgreSQL's alone: the API has none.
  expect(isAway(fault)).toBe(code !== 'ENOENT');
});

it('who waits too long for a connection that others use is told that there is too much to do; where nobody answers, that it is away', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const [one, nobody] = [openDb(database.url, 1), openDb(`postgres://nobody@127.0.0.1:${(silent.address() as AddressInfo).port}/none`, 1)];
  const faultOf = (asked: Promise<unknown>): Promise<unknown> => asked.then(() => null, (error: unknown) => error);
  // Some 7 s of work, one after another: a connection is waited for for 5 s. Each is short: who has just been answered knows that it is there.
  const [away, ...faults] = await Promise.all([
    faultOf(nobody.query({ text: 'select 1' })), ...Array.from({ length: 70 }, () => faultOf(one.query({ text: 'select pg_sleep(0.1)' }))),
  ]);
  expect(faults[0]).toBeNull();
  expect(faults.filter((fault) => fault !== null).length).toBeGreaterThan(0);
  expect(faults.every((fault) => fault === null || isDatabaseBusy(fault))).toBe(true);
  expect([isDatabaseAway(away), isDatabaseBusy(away)]).toEqual([true, false]);
  sockets.forEach((socket) => socket.destroy());
  silent.close();
  await Promise.all([one.close(), nobody.close()]);
}, 30_000);
