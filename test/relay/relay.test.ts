import type { Event } from '../../src/domain/event';
import type { FirstAttempts, Run } from '../../src/engine/first-attempts';
import { createMetrics } from '../../src/metrics/metrics';
import { startRelay, type Relay, type RelayParts } from '../../src/relay/relay';
import { createWaker } from '../../src/relay/waker';
import type { Db } from '../../src/store/db';
import { makeEvents, makeWorkspace } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

let database: TestDatabase;
let workspaceId: string;
let relay: Relay;
/** Claims that were asked for, and how many events each brought. */
let claims: number[];
/** Ends the first attempts of the events that are under way, in the order of their claims. */
let ends: (() => void)[];
const eventWaker = createWaker();

beforeEach(async () => {
  database = await freshDatabase();
  workspaceId = await makeWorkspace(database.db);
  claims = [];
  ends = [];
  const db: Db = {
    ...database.db,
    async query<R>(statement: Parameters<Db['query']>[0]) {
      const rows = await database.db.query<R>(statement);
      if (statement.name === 'outbox-claim-events') claims.push(rows.length);
      return rows;
    },
  };
  const firstAttempts: Pick<FirstAttempts, 'begin'> = {
    begin: (events) => events.map((event: Event): Run => {
      const done = new Promise<void>((end) => ends.push(end));
      return { event, planned: done.then(() => true), attempts: new Map(), done };
    }),
  };
  relay = startRelay({
    deps: { db, metrics: createMetrics(), config: { HEAD_START: true }, log: { warn: () => undefined } },
    presence: { number: 901 }, gate: { setWorkers: () => undefined }, firstAttempts, eventWaker, wakeWaker: createWaker(),
    starts: { add: () => undefined, waiting: () => 0, held: () => [], stop: () => Promise.resolve([]) },
    wakes: { pass: () => undefined, waiting: () => 0, held: () => [], stop: () => Promise.resolve() },
  } as unknown as RelayParts);
  await until(() => claims.length === 1, { what: 'the first look' });
});
afterEach(async () => {
  ends.forEach((end) => end());
  await relay.stop();
  await database.drop();
});

async function publish(count: number): Promise<void> {
  await makeEvents(database.db, workspaceId, count);
  eventWaker.wake();
}

test('what is claimed and over leads to no further claim by itself', async () => {
  for (let n = 1; n <= 10; n += 1) {
    await publish(1);
    await until(() => ends.length === n, { what: `event ${n}` });
    ends[n - 1]?.();
  }
  // One each; what is left is for a machine so slow that the relay looked by itself meanwhile.
  expect(claims.length).toBeLessThan(15);
});

test('while many wait, places are given out by the dozen, and none of the events is forgotten', async () => {
  await publish(400);
  await until(() => ends.length === 128, { what: 'all places to be taken' });
  let ended = 0;
  while (ended < 400) {
    await until(() => ends.length > ended, { what: `event ${ended + 1}` });
    ends[ended]?.();
    ended += 1;
    // Each end is heard of by itself, as answers are.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(claims.reduce((sum, rows) => sum + rows, 0)).toBe(400);
  // By the dozen it takes some ten; one by one, two hundred.
  expect(claims.length).toBeLessThan(60);
});
