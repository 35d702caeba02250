import type { Log } from '../../src/log';
import { openPresence } from '../../src/relay/presence';
import { countWorkers } from '../../src/store/outbox-claim';
import { type ChaosProxy, openChaosProxy } from '../support/chaos-proxy';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

let database: TestDatabase;
let proxy: ChaosProxy;

beforeEach(async () => {
  database = await freshDatabase();
  proxy = await openChaosProxy(Number(new URL(database.url).port));
});
afterEach(async () => {
  await proxy.close();
  await database.drop();
});

const notify = (): Promise<unknown> => database.db.query({ text: 'notify posthorn_outbox' });

it('a worker whose session the network swallows takes another one, under another number, and hears of new work again', async () => {
  // The first session of a fresh database takes longer than others, and has only as long as an answer.
  await countWorkers(database.db);
  let heard = 0;
  let lost = 0;
  const log = { warn: () => (lost += 1) } as unknown as Log;
  const presence = await openPresence(proxy.through(database.url), log, () => (heard += 1), undefined, 1_500);
  expect(await countWorkers(database.db)).toBe(1);
  const { number } = presence;
  const lostBefore = lost;
  proxy.set('blackhole');
  await until(() => lost > lostBefore, { what: 'the session to be given up' });
  proxy.set('pass');
  await until(() => presence.number !== number, { what: 'another session' });
  const before = heard;
  await notify();
  await until(() => heard > before, { what: 'the notification' });
  await until(async () => (await countWorkers(database.db)) === 1, { what: 'the end of the first session' });
  await presence.close();
});
