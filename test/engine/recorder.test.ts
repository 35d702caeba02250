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

test('a record of which one statement loses a deadlock answers what the others have written', async () => {
  const workspaceId = await makeWorkspace(database.db);
  const endpointId = await makeEndpoint(database.db, workspaceId);
  const owed = [await makeOwed(database.db, workspaceId, endpointId), await makeOwed(database.db, workspaceId, endpointId)];
  await beginAttempts(database.db, owed.map(({ eventId, id }) => ({ eventId, id, attemptId: newId('attempt'), number: 1, leaseMs: 20_000 })));
  const finished = ({ eventId, id }: { eventId: string; id: string }, how: typeof DELIVERED | typeof FAILED): Finished => ({
    workspaceId, eventId, deliveryId: id, endpointId, number: 1, startedAt: new Date(), durationMs: 3, error: null, ...how,
    request: { url: 'http://x/', headers: '{}', bodySha256: 'ab' }, response: { headers: '{}', body: '', truncated: false },
    nextWay: 'retry', byRetry: false, counts: true, holdForMs: 1_000, discard: false, eventType: 'test.happened', isResend: false, gone: false,
    deactivate: { onGone: true, afterConsecutiveFailures: null, afterFailingForMs: null, afterExhausted: null },
  });
  const names = new Set(['health-record', 'attempts-record-failures']);
  const metrics = createMetrics();
  const recorder = createRecorder({ db: deadlocked(names), metrics } as unknown as Deps, () => undefined);
  const recorded = await Promise.all([recorder.record(finished(owed[0]!, DELIVERED)), recorder.record(finished(owed[1]!, FAILED))]);
  expect(names.size).toBe(0);
  expect(recorded).toMatchObject([{ status: 'DELIVERED' }, { status: 'RETRYING' }]);
  const [health] = await database.db.query({ text: 'select consecutive_failures from endpoint_health where endpoint_id = $1', values: [endpointId] });
  expect(health).toEqual({ consecutive_failures: 1 });
});
