import { Client } from 'pg';
import { createAnnouncer } from '../../src/store/announcer';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
let listener: Client;
let heard: string[];
beforeEach(async () => {
  database = await freshDatabase();
  listener = new Client({ connectionString: database.url });
  await listener.connect();
  heard = [];
  listener.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await listener.query('listen posthorn_outbox');
});
afterEach(async () => {
  await listener.end();
  await database.drop();
});

const until = async (isSo: () => boolean): Promise<void> => {
  const deadline = Date.now() + 5_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('It did not become so within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

it('sends one for many that come at once, and one more for those that come while it is on its way', async () => {
  const announcer = createAnnouncer(database.url);
  for (let n = 0; n < 1_000; n++) announcer.announce('anything');
  await until(() => heard.length >= 1);
  await announcer.close();
  await listener.query('select 1');
  expect(heard.length).toBeLessThanOrEqual(2);
});

it('sends what was announced last before it closes, and nothing after', async () => {
  const announcer = createAnnouncer(database.url);
  announcer.announce('anything');
  await until(() => heard.length === 1);
  announcer.announce('anything');
  announcer.announce('anything');
  await announcer.close();
  await until(() => heard.length >= 2);
  announcer.announce('anything');
  await listener.query('select 1');
  expect(heard.length).toBeLessThanOrEqual(3);
});

it('opens a new connection when its own was ended', async () => {
  const announcer = createAnnouncer(database.url);
  announcer.announce('anything');
  await until(() => heard.length === 1);
  await database.db.query({ text: `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'posthorn announcer' and datname = current_database()` });
  await until(() => {
    announcer.announce('anything');
    return heard.length > 1;
  });
  await announcer.close();
});

it('says that only events were added where that is all that it was told of since the last time', async () => {
  const announcer = createAnnouncer(database.url);
  // The first opens the connection, and is on its way for as long as that takes: what comes meanwhile goes together.
  announcer.announce('events');
  announcer.announce('anything');
  announcer.announce('events');
  await until(() => heard.length === 2);
  announcer.announce('events');
  await until(() => heard.length === 3);
  await announcer.close();
  expect(heard).toEqual(['events', '', 'events']);
});
