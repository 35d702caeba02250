import type { Deps } from '../../src/deps';
import { createRecorder, type Finished } from '../../src/engine/recorder';
import { createMetrics } from '../../src/metrics/metrics';
import type { Db } from '../../src/store/db';
import { beginAttempts } from '../../src/store/attempts';
import { makeEndpoint, makeWorkspace, newId } from '../support/make';
import { makeOwed } from '../support/owed';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());

/** A database of which the first statement of each of these names, which a week may follow, loses a deadlock. */
const deadlocked = (names: Set<string>): Db => ({
  ...database.db,
  query: (statement) => (names.delete(statement.name?.replace(/-\d+$/, '') ?? '')
    ? Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' }))
    : database.db.query(statement)),
});

const DELIVERED = { outcome: 'ok', statusCode: 200, next: 'DELIVERED', afterMs: null } as const;
const FAILED = { outcome: 'http_error', statusCode: 503, next: 'RETRYING', afterMs: 60_000 } as const;

/** An endpoint's first attempts of so many events, begun, and what can be recorded of them. */
async function begin(count: number): Promise<{ endpointId: string; finished(n: number, how: typeof DELIVERED | typeof FAILED): Finished }> {
  const workspaceId = await makeWorkspace(database.db);
  const endpointId = await makeEndpoint(database.db, workspaceId);
  const owed = await Promise.all(Array.from({ length: count }, () => makeOwed(database.db, workspaceId, endpointId)));
  await beginAttempts(database.db, owed.map(({ eventId, id }) => ({ eventId, id, attemptId: newId('attempt'), number: 1, leaseMs: 20_000 })));
  return {
    endpointId,
    finished: (n, how) => ({
      workspaceId, eventId: owed[n]!.eventId, deliveryId: owed[n]!.id, endpointId, number: 1, startedAt: new Date(), durationMs: 3, error: null, ...how,
      request: { url: 'http://x/', headers: '{}', bodySha256: 'ab' }, response: { headers: '{}', body: '', truncated: false },
      nextWay: 'retry', byRetry: false, counts: true, holdForMs: 1_000, discard: false, eventType: 'test.happened', isResend: false, gone: false,
      deactivate: { onGone: true, afterConsecutiveFailures: null, afterFailingForMs: null, afterExhausted: null },
    }),
  };
}

test('a record of which one statement loses a deadlock answers what the others have written', async () => {
  const { endpointId, finished } = await begin(2);
  const names = new Set(['health-record', 'attempts-record-failures']);
  const metrics = createMetrics();
  const recorder = createRecorder({ db: deadlocked(names), metrics } as unknown as Deps, () => undefined);
  const recorded = await Promise.all([recorder.record(finished(0, DELIVERED)), recorder.record(finished(1, FAILED))]);
  expect(names.size).toBe(0);
  expect(recorded).toMatchObject([{ status: 'DELIVERED' }, { status: 'RETRYING' }]);
  const [health] = await database.db.query({ text: 'select consecutive_failures from endpoint_health where endpoint_id = $1', values: [endpointId] });
  expect(health).toEqual({ consecutive_failures: 1 });
});

test('the relay is told of what a record leaves for it: of failures, and of the success after them', async () => {
  const { finished } = await begin(4);
  let told = 0;
  const recorder = createRecorder({ db: database.db, metrics: createMetrics() } as unknown as Deps, () => (told += 1));
  await recorder.record(finished(0, DELIVERED));
  expect(told).toBe(0);
  await recorder.record(finished(1, FAILED));
  expect(told).toBe(1);
  await recorder.record(finished(2, DELIVERED));
  expect(told).toBe(2);
  await recorder.record(finished(3, DELIVERED));
  expect(told).toBe(2);
});
