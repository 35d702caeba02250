import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { historyNames, readHistory } from '../support/history';
import { workflowBundle } from '../support/temporal';

beforeAll(() => void Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] }));

test.each(historyNames())('the workflows of today do what they did in %s', async (name) => {
  const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, [{ workflowId: name, history: readHistory(name) }]);
  for await (const { error } of results) expect(error).toBeUndefined();
});
