import { createMetrics } from '../../src/metrics/metrics';
import { createStarts } from '../../src/relay/starts';
import { claimEvents } from '../../src/store/outbox-claim';
import type { Workflows } from '../../src/temporal';
import { makeEvents, makeWorkspace } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

let database: TestDatabase;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());

test('while Temporal is slow to answer, few starts are under way, and what comes meanwhile shares the next', async () => {
  const started: { readonly eventIds: readonly string[]; readonly answer: () => void }[] = [];
  const workflows = {
    startDeliverEvent: ({ eventIds }: { readonly eventIds: readonly string[] }) => new Promise<void>((answer) => started.push({ eventIds, answer })),
  } as unknown as Workflows;
  const config = { WORKFLOW_STARTS_PER_SECOND: 20, EVENTS_PER_WORKFLOW: 200 };
  const starts = createStarts({ db: database.db, config, metrics: createMetrics(), now: () => new Date(), tracing: null, log: { warn: () => undefined } } as unknown as Parameters<typeof createStarts>[0], workflows);
  const ids = await makeEvents(database.db, await makeWorkspace(database.db), 16);
  const claimed = await claimEvents(database.db, 900, 16, 16, new Map());

  // One each 60 ms: there is a token for each.
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const next = claimed.shift();
      if (next) return starts.add([next]);
      clearInterval(timer);
      resolve();
    }, 60);
  });
  await until(() => started.length >= 5, { what: 'the first starts' });
  // Each folds in a statement of its own, and one may be overtaken.
  expect(started.map(({ eventIds }) => eventIds).sort()).toEqual(ids.slice(0, 5).map((id) => [id]));
  started[0]?.answer();
  await until(() => started.length >= 6, { what: 'the next' });
  expect(started[5]?.eventIds).toEqual(ids.slice(5));
  expect(started).toHaveLength(6);
  started.forEach(({ answer }) => answer());
  await until(() => starts.waiting() === 0, { what: 'the end' });
  expect(await starts.stop()).toEqual([]);
});
