import { lookAtDeliveries, takeOverAttempt, type DeliveryLook } from '../../src/store/attempts';
import { openDb, type PooledDb } from '../../src/store/db';
import { holdLive } from '../../src/store/lane-moves';
import { savePlans, type PlannedDelivery } from '../../src/store/plan';
import { wakeAll } from '../../src/store/recoveries';
import { recordAttempts, withdrawAttempts, type FinishedAttempt } from '../../src/store/record';
import { makeEndpoint, makeEvents, makeOwner, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

let database: TestDatabase;
let db: PooledDb;
let workspaceId: string;
let endpointId: string;

beforeAll(async () => {
  database = await freshDatabase();
  ({ workspaceId, endpointId } = await makeOwner(database.db));
  // PostgreSQL plans as it does where there is something: a look into the week for each row.
  for (let page = 0; page < 10; page += 1) await plan(300);
  await database.db.query({ text: 'analyze' });
  db = openDb(database.url, 4);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

/** Deliveries of events of their own, in the order of these, with an attempt under way each. */
async function plan(count: number, leaseMs = 20_000): Promise<PlannedDelivery[]> {
  const deliveries = (await makeEvents(database.db, workspaceId, count)).sort().map((eventId): PlannedDelivery => ({
    id: newId('delivery'), eventId, workspaceId, endpointId, status: 'PENDING', reason: null, way: 'fast', holdForMs: null,
    attempt: { id: newId('attempt'), leaseMs },
  }));
  await savePlans(database.db, deliveries.map((delivery) => ({ eventId: delivery.eventId, workspaceId, deliveries: [delivery] })));
  return deliveries;
}

const FAILED = { outcome: 'http_error', statusCode: 503, next: 'RETRYING', afterMs: 60_000 } as const;
const finished = (delivery: PlannedDelivery, fields: Partial<FinishedAttempt>): FinishedAttempt => ({
  workspaceId, eventId: delivery.eventId, deliveryId: delivery.id, endpointId, number: 1, startedAt: new Date(), durationMs: 3.4, outcome: 'ok',
  statusCode: 200, error: null, request: { url: 'http://x/', headers: '{}', bodySha256: 'ab' }, response: { headers: '{}', body: '', truncated: false },
  next: 'DELIVERED', afterMs: null, nextWay: 'retry', byRetry: false, counts: true, holdForMs: 1_000, discard: false, ...fields,
});

const looksOf = async (deliveries: readonly PlannedDelivery[]): Promise<DeliveryLook[]> =>
  (await lookAtDeliveries(database.db, deliveries)).sort((a, b) => (a.eventId < b.eventId ? -1 : 1));

/** Does `work`, which has to wait for somebody who changes `delivery`. */
async function beside<T>(delivery: PlannedDelivery, change: string, work: () => Promise<T>): Promise<T> {
  let working: Promise<T> | undefined;
  await database.db.transaction(async (trx) => {
    await trx.query({ text: `update deliveries set ${change} where id = $1`, values: [delivery.id] });
    working = work();
    await until(async () => (await database.db.query({
      text: `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    })).length > 0, { what: 'the other to wait' });
  });
  return working!;
}

const others = <T>(rows: readonly T[]): T[] => rows.filter((_row, index) => index !== 1);

it.each([['succeeded', {}, 'ok', 'DELIVERED'], ['failed', FAILED, 'http_error', 'RETRYING']] as const)('every attempt of a batch that %s is recorded, though somebody touches a delivery meanwhile', async (_, fields, outcome, status) => {
  const deliveries = await plan(4);
  await database.db.query({ text: 'delete from outbox' });
  const { recorded } = await beside(deliveries[1]!, 'updated_at = now()', () => recordAttempts(db, deliveries.map((delivery) => finished(delivery, fields))));
  expect((await looksOf(deliveries)).map((look) => [look.attempt?.outcome, look.status, look.attemptCount])).toEqual(Array(4).fill([outcome, status, 1]));
  expect(recorded.map((one) => one.status)).toEqual(Array(4).fill(status));
  const retries = await database.db.query({ text: `select 1 from outbox where kind = 'retry'` });
  expect(retries).toHaveLength(status === 'RETRYING' ? 4 : 0);
});

it.each([['succeeded', {}, 'ok', 'DELIVERED'], ['failed', FAILED, 'http_error', 'RETRYING']] as const)('of a batch that %s only what somebody cancels meanwhile stays as it is', async (_, fields, outcome, status) => {
  const deliveries = await plan(4);
  const { recorded } = await beside(deliveries[1]!, `status = 'CANCELLED'`, () => recordAttempts(db, deliveries.map((delivery) => finished(delivery, fields))));
  const looks = await looksOf(deliveries);
  expect(looks.map(({ attempt }) => attempt?.outcome)).toEqual(Array(4).fill(outcome));
  expect(looks[1]?.status).toBe('CANCELLED');
  expect(others(looks).map((look) => look.status)).toEqual(Array(3).fill(status));
  expect(recorded.map((one) => one.deliveryId).sort()).toEqual(others(deliveries).map(({ id }) => id).sort());
});

it('every attempt that was not begun is taken back, though somebody touches a delivery meanwhile', async () => {
  const deliveries = await plan(4);
  await beside(deliveries[1]!, 'updated_at = now()', () => withdrawAttempts(db, deliveries.map(({ id, eventId }) => ({ eventId, deliveryId: id, number: 1 }))));
  expect((await looksOf(deliveries)).map(({ attempt, way }) => [attempt, way])).toEqual(Array(4).fill([null, 'lane']));
});

it('an attempt that is taken over is counted, and the next begun, though somebody touches its delivery meanwhile', async () => {
  const [delivery] = await plan(1, -1);
  const next = { eventId: delivery!.eventId, id: delivery!.id, attemptId: newId('attempt'), number: 2, leaseMs: 10_000 };
  expect(await beside(delivery!, 'updated_at = now()', () => takeOverAttempt(db, next))).toBe(true);
  expect((await looksOf([delivery!]))[0]).toMatchObject({ attemptCount: 1, attempt: { number: 2, outcome: null } });
});

it('all that an endpoint is owed is held and made due, though somebody touches a delivery meanwhile', async () => {
  const own = await makeEndpoint(database.db, workspaceId);
  const deliveries = await plan(4, -1);
  const set = (change: string): Promise<unknown> => database.db.query({ text: `update deliveries set ${change} where id = any($1)`, values: [deliveries.map(({ id }) => id)] });
  await set(`endpoint_id = '${own}', status = 'RETRYING', way = 'retry', next_attempt_at = now() + interval '1 hour'`);
  await beside(deliveries[1]!, 'updated_at = now()', () => db.transaction((trx) => wakeAll(trx, deliveries)));
  expect((await looksOf(deliveries)).map(({ dueInMs }) => (dueInMs ?? 1) <= 0)).toEqual(Array(4).fill(true));
  expect(await beside(deliveries[1]!, 'updated_at = now()', () => db.transaction((trx) => holdLive(trx, own, 60_000)))).toBe(4);
  expect((await looksOf(deliveries)).map(({ status }) => status)).toEqual(Array(4).fill('HELD'));
});
