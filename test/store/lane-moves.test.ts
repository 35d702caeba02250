import { deactivateEndpoint, drainEndpoint, failEndpoint, reactivateEndpoint, recoverEndpoint } from '../../src/commands/switch-endpoint';
import { removeEndpoint } from '../../src/commands/manage-endpoint';
import { beginAttempts } from '../../src/store/attempts';
import type { Sql } from '../../src/store/db';
import { recordAttempts, type FinishedAttempt } from '../../src/store/record';
import { recordHealth } from '../../src/store/record-health';
import { createKeyRing } from '../../src/seal';
import { makeOwner, newId } from '../support/make';
import { makeOwed } from '../support/owed';
import { freshDatabase, type TestDatabase } from '../support/postgres';

/** More than two pages of a move. */
const ROWS = 12_000;
const deps = { newId, now: () => new Date() };

let database: TestDatabase;
let workspaceId: string;
let endpointId: string;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());
beforeEach(async () => void ({ workspaceId, endpointId } = await makeOwner(database.db)));

/** Rows that wait for their first attempts, and a few of the endpoint's retries. */
async function fill(rows: number, mark: string): Promise<void> {
  await database.db.query({
    text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way, next_attempt_at)
           select id_floor('evt', now()) || $3 || lpad(n::text, 12, '0'), id_floor('dlv', now()) || $3 || lpad(n::text, 12, '0'), $1, $2,
             case when n % 100 = 0 then 'RETRYING' else 'PENDING' end, case when n % 200 = 0 then 'retry' else 'lane' end,
             case when n % 100 = 0 then now() + interval '1 hour' end
           from generate_series(1, $4::int) n`,
    values: [workspaceId, endpointId, mark, rows],
  });
}

const counts = (): Promise<{ status: string; reason: string | null; count: number }[]> => database.db.query({
  text: 'select status, reason, count(*) from deliveries where endpoint_id = $1 group by status, reason order by status, reason', values: [endpointId],
});

/** Runs `work` in a transaction that counts its longest statement's rows: what it locks and writes at once. */
const inPages = async (work: (trx: Sql) => Promise<unknown>): Promise<number> => database.db.transaction(async (trx) => {
  let most = 0;
  await work({
    async query<R>(statement: Parameters<Sql['query']>[0]) {
      const rows = await trx.query<R>(statement);
      const [first] = rows as { count?: number }[];
      most = Math.max(most, rows.length, Number(first?.count ?? 0));
      return rows;
    },
  });
  return most;
});

test('every switch of an endpoint with a crowd of deliveries moves all of them, page by page', async () => {
  const of = { workspaceId, endpointId, actor: 'key_test' };
  await fill(ROWS, 'a');
  const steps: [string, (trx: Sql) => Promise<unknown>, readonly object[]][] = [
    ['fail', (trx) => failEndpoint(deps, trx, of), [
      { status: 'PENDING', reason: 'endpoint_failing', count: 11_880 }, { status: 'RETRYING', reason: 'endpoint_failing', count: 10 }, { status: 'RETRYING', reason: null, count: 110 },
    ]],
    ['recover', (trx) => recoverEndpoint(deps, trx, of), [
      { status: 'PENDING', reason: 'draining', count: 11_880 }, { status: 'RETRYING', reason: 'draining', count: 10 }, { status: 'RETRYING', reason: null, count: 110 },
    ]],
    ['deactivate', (trx) => deactivateEndpoint(deps, trx, { ...of, reason: 'manual' }), [{ status: 'HELD', reason: 'endpoint_deactivated', count: ROWS }]],
    ['reactivate', (trx) => reactivateEndpoint(deps, trx, { ...of, drain: true }), [{ status: 'PENDING', reason: 'draining', count: ROWS }]],
    ['pause', (trx) => drainEndpoint(deps, trx, { ...of, action: 'pause' }), [{ status: 'HELD', reason: 'drain_paused', count: ROWS }]],
    ['drop', (trx) => drainEndpoint(deps, trx, { ...of, action: 'drop' }), [{ status: 'CANCELLED', reason: 'discarded', count: ROWS }]],
  ];
  for (const [name, step, after] of steps) {
    const most = await inPages(step);
    expect({ name, most }).toEqual({ name, most: 5_000 });
    expect(await counts()).toEqual(after);
  }
  const woken = await database.db.query({ text: `select 1 from outbox where signal = 'wake' and workspace_id = $1`, values: [workspaceId] });
  // Ten more than may have workflows when the breaker opened, the others when it was deactivated.
  expect(woken).toHaveLength(60);
}, 120_000);

test('a deleted endpoint cancels a crowd of deliveries, page by page', async () => {
  await fill(ROWS, 'b');
  const keyRing = createKeyRing([`k1:${Buffer.alloc(32).toString('base64')}`]);
  expect(await inPages((trx) => removeEndpoint({ newId, keyRing }, trx, { workspaceId, actor: 'key_test' }, endpointId))).toBe(5_000);
  expect(await counts()).toEqual([{ status: 'CANCELLED', reason: 'endpoint_deleted', count: ROWS }]);
}, 60_000);

test('while an endpoint is being switched, what is under way is recorded without waiting, and nothing else of it is begun', async () => {
  const [busy, waiting] = [await makeOwed(database.db, workspaceId, endpointId, { way: 'lane' }), await makeOwed(database.db, workspaceId, endpointId, { way: 'lane' })];
  const attempt = (owed: { id: string; eventId: string }) => ({ eventId: owed.eventId, id: owed.id, attemptId: newId('attempt'), number: 1, leaseMs: 20_000 });
  await beginAttempts(database.db, [attempt(busy)]);
  await database.db.transaction(async (trx) => {
    await deactivateEndpoint(deps, trx, { workspaceId, endpointId, actor: 'key_test', reason: 'manual' });
    // The switch is not committed yet; none of these waits for it.
    expect(await beginAttempts(database.db, [attempt(waiting)])).toEqual(new Set());
    const failed: FinishedAttempt = {
      workspaceId, eventId: busy.eventId, deliveryId: busy.id, endpointId, number: 1, startedAt: new Date(), durationMs: 3, outcome: 'http_error', statusCode: 503,
      error: null, request: { url: 'http://x/', headers: '{}', bodySha256: 'ab' }, response: { headers: '{}', body: '', truncated: false }, next: 'DELIVERED', afterMs: null,
      nextWay: 'retry', byRetry: false, counts: true, holdForMs: 1_000, discard: false,
    };
    expect((await recordAttempts(database.db, [failed])).recorded).toMatchObject([{ status: 'DELIVERED' }]);
    await recordHealth(database.db, [{
      endpointId, workspaceId, succeeded: true, trailingFailures: 0, trailingUnreachable: 0, allUnreachable: true, trailingExhausted: 0, lastFailure: null,
      consecutiveLimit: null, exhaustedLimit: null,
    }]);
  });
  expect(await counts()).toEqual([{ status: 'DELIVERED', reason: null, count: 1 }, { status: 'HELD', reason: 'endpoint_deactivated', count: 1 }]);
  await database.db.transaction((trx) => reactivateEndpoint(deps, trx, { workspaceId, endpointId, actor: 'key_test', drain: true }));
  expect(await beginAttempts(database.db, [attempt(waiting)])).toEqual(new Set([waiting.id]));
});
