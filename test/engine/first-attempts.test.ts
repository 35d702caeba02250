import { createFirstAttempts } from '../../src/engine/first-attempts';
import { createMetrics } from '../../src/metrics/metrics';
import { makeEndpoint, makeEvents, makeWorkspace, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());

const ENDPOINTS = {
  fifo: [{ status: 'ACTIVE', policy: { fifo: true } }, 1],
  failing: [{ status: 'FAILING', policy: { fifo: false } }, 0],
  deactivated: [{ status: 'DEACTIVATED', policy: { fifo: true, discardWhileDeactivated: false, holdForMs: 60_000 } }, 0],
} as const;

test.each(Object.entries(ENDPOINTS))('of what waits for an endpoint that is %s the watcher hears at once where it can leave now, and only there', async (_, [endpoint, times]) => {
  const workspaceId = await makeWorkspace(database.db);
  const id = await makeEndpoint(database.db, workspaceId);
  const [eventId = ''] = await makeEvents(database.db, workspaceId, 1);
  let signals = 0;
  const firstAttempts = createFirstAttempts({
    deps: { db: database.db, metrics: createMetrics(), newId, tracing: null, now: () => new Date() },
    routings: { get: () => Promise.resolve({ ruleSet: { owedTo: () => [id] }, endpoints: new Map([[id, { id, ...endpoint }]]) }) },
    witness: { planned: () => undefined },
    onOutbox: () => (signals += 1),
  } as unknown as Parameters<typeof createFirstAttempts>[0]);
  const [run] = firstAttempts.begin([{ id: eventId, workspaceId } as Parameters<typeof firstAttempts.begin>[0][number]], 0);
  expect(await run?.planned).toBe(true);
  const rows = await database.db.query({ text: `select 1 from outbox where kind = 'signal' and endpoint_id = $1`, values: [id] });
  expect(rows).toHaveLength(times);
  expect(signals).toBe(times);
});
