import type { Event } from '../../src/domain/event';
import type { FirstAttempts, Run } from '../../src/engine/first-attempts';
import { createMetrics } from '../../src/metrics/metrics';
import { startRelay, type Relay, type RelayParts } from '../../src/relay/relay';
import { createWaker, type Waker } from '../../src/relay/waker';
import type { Db } from '../../src/store/db';
import { makeEvents, makeWorkspace } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

let database: TestDatabase;
let workspaceId: string;
let relay: Relay;
/** Claims that were asked for, and how many events each brought. */
let claims: number[];
/** Called while the next claims are on their way back, one for each. */
let meanwhile: (() => unknown)[];
/** Ends the first attempts of the events that are under way, in the order of their claims. */
let ends: (() => void)[];
/** One that looks of itself only while it is short of places: else what nobody wakes it for is never claimed. */
let eventWaker: Waker;

beforeEach(async () => {
  database = await freshDatabase();
  workspaceId = await makeWorkspace(database.db);
  claims = [];
  ends = [];
  meanwhile = [];
  const waker = createWaker();
  eventWaker = { wake: waker.wake, sleep: (forMs) => waker.sleep(forMs < 1_000 ? forMs : 600_000) };
  const db: Db = {
    ...database.db,
    async query<R>(statement: Parameters<Db['query']>[0]) {
      const rows = await database.db.query<R>(statement);
      if (statement.name === 'outbox-claim-events') {
        await meanwhile.shift()?.();
        claims.push(rows.length);
      }
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

async function publish(count: number, of = workspaceId): Promise<void> {
  await makeEvents(database.db, of, count);
  eventWaker.wake();
}

/** Ends the first attempts from the one with this number on until so many have ended in all. */
async function endAll(from: number, count: number): Promise<void> {
  for (let n = from; n < count; n += 1) {
    await until(() => ends.length > n, { what: `event ${n + 1}` });
    ends[n]?.();
    // Each end is heard of by itself, as answers are, with time enough for a claim of the one place that it frees.
    for (let turn = 0; turn < 3; turn += 1) await database.db.query({ text: 'select 1' });
  }
}

test('what is claimed and over leads to no further claim by itself', async () => {
  for (let n = 1; n <= 10; n += 1) {
    await publish(1);
    await until(() => ends.length === n, { what: `event ${n}` });
    ends[n - 1]?.();
  }
  expect(claims).toEqual([0, ...Array<number>(10).fill(1)]);
});

test('while many wait, places are given out by the dozen, and none of the events is forgotten', async () => {
  await publish(400);
  await until(() => ends.length === 128, { what: 'all places to be taken' });
  const startedAt = performance.now();
  await endAll(0, 400);
  expect(claims.reduce((sum, rows) => sum + rows, 0)).toBe(400);
  // By the dozen it takes some ten, and one for each 50 ms; one by one, two hundred.
  expect(claims.length).toBeLessThan(20 + (performance.now() - startedAt) / 50);
});

test('a workspace that gets no more than its share beside another goes on when its places are free again', async () => {
  await publish(300);
  await until(() => ends.length === 128, { what: 'all places to be taken' });
  const other = await makeWorkspace(database.db);
  await publish(1, other);
  // Beside the other's next event it is one of each again, though places come back while that is found out.
  meanwhile = [() => makeEvents(database.db, other, 1), () => ends.slice(64, 70).forEach((end) => end())];
  const before = claims.length;
  // At once: else the first places that are free may be claimed by themselves.
  ends.slice(0, 64).forEach((end) => end());
  await until(() => ends.length >= 132, { what: 'one of each, and again' });
  expect(claims.slice(before, before + 2)).toEqual([2, 2]);
  await endAll(70, 302);
  expect(claims.reduce((sum, rows) => sum + rows, 0)).toBe(302);
});
