import { createMetrics } from '../../src/metrics/metrics';
import { createWakes } from '../../src/relay/wakes';
import { addSignals } from '../../src/store/outbox';
import { claimWakes } from '../../src/store/outbox-claim';
import type { Workflows } from '../../src/temporal';
import { makeOwner } from '../support/make';
import { makeOwed } from '../support/owed';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

const WORKER = 900;

let database: TestDatabase;
let workspaceId: string;
let endpointId: string;
beforeEach(async () => {
  database = await freshDatabase();
  ({ workspaceId, endpointId } = await makeOwner(database.db));
});
afterEach(() => database.drop());

const IN_AN_HOUR = { status: 'RETRYING', way: 'retry', attemptCount: 1 } as const;

const leaveRetry = (eventId: string, deliveryId: string): Promise<unknown> => database.db.query({
  text: `insert into outbox (kind, workspace_id, event_id, delivery_id, endpoint_id) values ('retry', $1, $2, $3, $4)`,
  values: [workspaceId, eventId, deliveryId, endpointId],
});

const wakesOver = (workflows: Partial<Workflows>): ReturnType<typeof createWakes> => createWakes({
  db: database.db, metrics: createMetrics(), config: { WORKFLOW_STARTS_PER_SECOND: 20, EVENTS_PER_WORKFLOW: 200 }, log: { warn: () => undefined },
} as unknown as Parameters<typeof createWakes>[0], workflows as Workflows, () => undefined);

test.each([['asked for', 'next_attempt_at = now()'], ['cancelled', `status = 'CANCELLED', next_attempt_at = null`]])(
  'a retry that is %s while its workflow is being started wakes it, since a signal found none', async (_, change) => {
    const { eventId, id } = await makeOwed(database.db, workspaceId, endpointId, IN_AN_HOUR);
    await leaveRetry(eventId, id);
    const signals: string[] = [];
    const wakes = wakesOver({
      startDeliver: async () => void await database.db.query({ text: `update deliveries set ${change} where event_id = $1 and id = $2`, values: [eventId, id] }),
      signalDeliver: (deliveryId, signal) => Promise.resolve(void signals.push(`${deliveryId} ${signal}`)),
    });
    wakes.pass((await claimWakes(database.db, WORKER, 10)).filter((wake) => wake.kind === 'retry'));
    await until(() => wakes.waiting() === 0, { what: 'the start' });
    expect(signals).toEqual([`${id} wake`]);
    await wakes.stop();
  },
);

test('a retry that is as it was needs no wake after its start', async () => {
  const { eventId, id } = await makeOwed(database.db, workspaceId, endpointId, IN_AN_HOUR);
  await leaveRetry(eventId, id);
  const started: number[] = [];
  const wakes = wakesOver({
    startDeliver: ({ afterMs }) => Promise.resolve(void started.push(afterMs)),
    signalDeliver: () => Promise.reject(new Error('It was woken')),
  });
  wakes.pass((await claimWakes(database.db, WORKER, 10)).filter((wake) => wake.kind === 'retry'));
  await until(() => wakes.waiting() === 0, { what: 'the start' });
  expect(started).toEqual([expect.closeTo(3_600_000, -5)]);
  await wakes.stop();
});

test('what many claims bring for one watcher goes with one signal, and another for those that come after it', async () => {
  let signals = 0;
  const startedAt = performance.now();
  const wakes = wakesOver({ wakeWatcher: () => Promise.resolve(void (signals += 1)) });
  for (let n = 0; n < 20; n += 1) {
    await addSignals(database.db, [{ workspaceId, endpointId, signal: 'changed' }]);
    wakes.pass(await claimWakes(database.db, WORKER, 10));
  }
  await until(() => wakes.waiting() === 0, { what: 'all signals' });
  // One at once and one later; a machine that takes its time for the claims has more of the latter, a quarter of a second apart.
  expect(signals).toBeLessThan(10 + (performance.now() - startedAt) / 250);
  expect(await database.db.query({ text: 'select 1 from outbox' })).toEqual([]);
  await wakes.stop();
});
