import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { findTemporalCli } from '../../src/embedded/temporal-cli';
import { SEARCH_ATTRIBUTE_TYPES } from '../../src/search-attributes';
import { watcherHistory } from '../support/crowd';
import { freePort } from '../support/ports';
import { startService, type Service } from '../support/service';
import { until } from '../support/wait';

/** Here a watcher goes on as new after so many events of its history; a server's usual number is 4,096. */
const SUGGESTED = 60;
/** Several workers together tell a watcher to look this often at most. */
const NUDGE_MS = 50;
/** As many rounds at least; and, as a fast machine is through them before it has gone on as new, as many as that takes, up to the most. */
const ROUNDS = { least: 20, most: 400 };

let temporal: ChildProcess;
let service: Service;

beforeAll(async () => {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  temporal = spawn(await findTemporalCli({ path: process.env['TEMPORAL_CLI'], progress: () => undefined }), [
    'server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error',
    '--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${SUGGESTED}`,
    ...Object.entries(SEARCH_ATTRIBUTE_TYPES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ], { stdio: 'ignore' });
  await until(() => Connection.connect({ address }).then((connection) => connection.close()).then(() => true), { what: 'Temporal', deadlineMs: 60_000 });
  service = await startService({ temporal: { address, namespace: 'default' } });
}, 150_000);
afterAll(async () => {
  await service?.stop();
  temporal?.kill('SIGTERM');
  if (temporal && temporal.exitCode === null) await once(temporal, 'exit');
});

test('a watcher that goes on as new again and again takes every signal, also those that come in that moment', async () => {
  const { id } = await service.endpoint('http://127.0.0.1:9/', { events: ['nothing'] });
  const watcher = service.temporal.workflow.getHandle(`endpoint/${id}`);
  await until(() => watcher.describe().then(() => true), { what: 'the watcher' });
  // So that it goes on as new all the time: each of these makes it look.
  let isOver = false;
  const nudging = (async () => {
    while (!isOver) await Promise.all([watcher.signal('changed').catch(() => undefined), delay(NUDGE_MS)]);
  })();
  try {
    const reasonOf = async (): Promise<string | null> => (await service.ok('GET', `/v1/endpoints/${id}`)).statusReason;
    const hasGoneOn = async (): Promise<boolean> => (await watcherHistory(service, id)).runs >= 3;
    for (let round = 0; round < ROUNDS.least || (round < ROUNDS.most && !(await hasGoneOn())); round += 1) {
      await watcher.signal('deactivate', { reason: `round ${round}` });
      await until(async () => (await reasonOf()) === `round ${round}`, { what: `deactivation ${round}`, deadlineMs: 20_000 });
      await watcher.signal('reactivate');
      await until(async () => (await reasonOf()) === null, { what: `reactivation ${round}`, deadlineMs: 20_000 });
    }
  } finally {
    isOver = true;
    await nudging;
  }
  const { runs, longest } = await watcherHistory(service, id);
  expect(runs).toBeGreaterThanOrEqual(3);
  // A signal that comes while it goes on as new puts that off. By less than what lies between a server's usual 4,096 and 5,000.
  expect(longest - SUGGESTED).toBeLessThan(5_000 - 4_096);
}, 200_000);
