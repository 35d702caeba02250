import { DeterminismViolationError } from '@temporalio/workflow';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import * as workflows from '../../workflows';
import { type History, historyNames, readHistory } from '../support/history';
import { workflowBundle } from '../support/temporal';

// A history that is refused on purpose is no news.
const telemetryOptions = { logging: { filter: 'ERROR' } };
beforeAll(() => void Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions, shutdownSignals: [] }));

/** What keeps a history from being replayed; undefined where it is what these workflows do. */
async function replay(name: string, history: History): Promise<Error | undefined> {
  const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, [{ workflowId: name, history }]);
  for await (const { error } of results) return error;
  throw new Error('nothing was replayed');
}

test.each(historyNames())('the workflows of today do what they did in %s', async (name) => {
  expect(await replay(name, readHistory(name))).toBeUndefined();
});

test('there are histories of every workflow', () => {
  const types = historyNames().map((name) => readHistory(name).events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name);
  expect([...new Set(types)].sort()).toEqual(Object.keys(workflows).sort());
});

test('a history that these workflows could not have written is refused', async () => {
  const history = readHistory('deliver-delivered');
  for (const { activityTaskScheduledEventAttributes: scheduled } of history.events ?? []) {
    if (scheduled) scheduled.activityType = { name: 'planEvents' };
  }
  expect(await replay('other', history)).toBeInstanceOf(DeterminismViolationError);
});

test('no history holds a body, a secret, or more of an address than its host', () => {
  for (const name of historyNames()) {
    for (const text of payloadsIn(readHistory(name))) expect(text).not.toMatch(/whsec_|https?:\/\//);
  }
});

/** The texts of all payloads, however deep. */
function payloadsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  return Object.values(value).flatMap(payloadsIn);
}
