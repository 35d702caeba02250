import { expireAllHolds } from '../../src/commands/expire-holds';
import { reconcile } from '../../src/store/reconcile';
import { makeEndpoint, makeEvents, makeWorkspace, newId } from '../support/make';
import { makeOwed, owedRow, type OwedRow } from '../support/owed';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
let workspaceId: string;
let endpointId: string;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());
beforeEach(async () => {
  workspaceId = await makeWorkspace(database.db);
  endpointId = await makeEndpoint(database.db, workspaceId, { status: 'DEACTIVATED' });
});

const expire = () => expireAllHolds({ db: database.db, newId, now: () => new Date() });
const held = async (agoSeconds: number, given: OwedRow = {}) => {
  const owed = await makeOwed(database.db, workspaceId, endpointId, { status: 'HELD', reason: 'endpoint_deactivated', ...given });
  await database.db.query({ text: `update deliveries set hold_until = now() - $2 * interval '1 second' where id = $1`, values: [owed.id, agoSeconds] });
  return owed;
};
const told = async () => (await database.db.query<{ caused_by: string; data: string }>({
  text: `select caused_by, data from events where workspace_id = $1 and type = 'delivery.exhausted' order by id`, values: [workspaceId],
}));

test('what was held for as long as it may be is given up, which is told and audited; what may still be held stays', async () => {
  const [over, early] = [await held(1, { attemptCount: 2 }), await held(-60)];
  expect(await expire()).toBe(1);
  expect(await owedRow(database.db, over.id)).toMatchObject({ status: 'EXHAUSTED', reason: 'hold_expired', hold_ms: null });
  expect(await owedRow(database.db, early.id)).toMatchObject({ status: 'HELD' });
  const [event, ...others] = await told();
  expect(others).toEqual([]);
  expect(event?.caused_by).toBe(over.eventId);
  expect(JSON.parse(event?.data ?? '')).toEqual({
    deliveryId: over.id, eventId: over.eventId, eventType: 'test.happened', endpointId, attempts: 2, outcome: null, statusCode: null, reason: 'hold_expired',
  });
  const audit = await database.db.query({ text: 'select actor, action, subject_id from audit where workspace_id = $1', values: [workspaceId] });
  expect(audit).toEqual([{ actor: 'hold', action: 'delivery.exhaust', subject_id: over.id }]);
});

test('the delivery of an operational event is given up in silence', async () => {
  const [eventId = ''] = await makeEvents(database.db, workspaceId, 1, 'endpoint.failing');
  const { id } = await held(1, { eventId });
  expect(await expire()).toBe(1);
  expect(await owedRow(database.db, id)).toMatchObject({ status: 'EXHAUSTED' });
  expect(await told()).toEqual([]);
});

const beginSecond = ({ id, eventId }: { id: string; eventId: string }, leaseMs: number): Promise<unknown> => database.db.query({
  text: `insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until) values ($1, $2, $3, $4, $5, 2, now() + $6 * interval '1 ms')`,
  values: [eventId, newId('attempt'), id, workspaceId, endpointId, leaseMs],
});

test('one that is being probed is left to that attempt', async () => {
  const owed = await held(1, { attemptCount: 1 });
  await beginSecond(owed, 60_000);
  expect(await expire()).toBe(0);
  expect(await owedRow(database.db, owed.id)).toMatchObject({ status: 'HELD' });
});

test('one whose worker was lost in an attempt is given up when its time is over, and the attempt is closed', async () => {
  const owed = await held(1, { attemptCount: 1 });
  await beginSecond(owed, -60_000);
  expect(await expire()).toBe(1);
  await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }));
  expect(await owedRow(database.db, owed.id)).toMatchObject({ status: 'EXHAUSTED', reason: 'hold_expired', attempt_count: 2 });
  expect(await database.db.query({ text: 'select outcome from attempts where delivery_id = $1', values: [owed.id] })).toEqual([{ outcome: 'unknown' }]);
});

test('more than a page, by several processes at once: each is told of once', async () => {
  const ids = await makeEvents(database.db, workspaceId, 1_200);
  await database.db.query({
    text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, reason, way, hold_until)
           select id, 'dlv_' || id, $1, $2, 'HELD', 'endpoint_deactivated', 'lane', now() - interval '1 second' from unnest($3::text[]) e(id)`,
    values: [workspaceId, endpointId, ids],
  });
  const counts = await Promise.all([expire(), expire(), expire()]);
  expect(counts.reduce((sum, count) => sum + count)).toBe(1_200);
  expect((await told()).map(({ caused_by }) => caused_by).sort()).toEqual([...ids].sort());
});
