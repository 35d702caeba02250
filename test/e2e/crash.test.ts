import { readDeliveries } from '../support/checks';
import { POLICY, useKilledWorkers } from '../support/killed-workers';
import { type Service, untilSettled } from '../support/service';
import { until } from '../support/wait';

const { service, receiver, violations } = useKilledWorkers();

/** Where a worker dies at its first attempt, what the receiver sees in all, and what becomes of the attempts. */
const DEATHS: readonly (readonly [string, number, readonly string[]])[] = [
  ['after-claim', 1, ['ok']],
  ['after-plan', 1, ['unknown', 'ok']],
  ['before-send', 1, ['unknown', 'ok']],
  ['after-response', 2, ['unknown', 'ok']],
  ['after-record', 1, ['ok']],
];

test.each(DEATHS)('a worker that dies %s: another one delivers', async (failpoint, requests, outcomes) => {
  const path = `/${failpoint}`;
  const doomed = await service.startWorker({ POSTHORN_FAILPOINT: `${failpoint}@1` });
  const endpoint = await service.endpoint(`${receiver.url}${path}`, { events: [failpoint], policy: POLICY });
  const eventIds = await service.publish(1, failpoint);
  expect(await doomed.end).toBe('SIGKILL');

  await service.startWorker();
  await untilSettled(service, eventIds, 40_000);
  const [delivery] = await readDeliveries(service.db, endpoint.id);
  expect(delivery!.status).toBe('DELIVERED');
  expect(delivery!.attempts.map(({ outcome }) => outcome)).toEqual(outcomes);
  expect(receiver.received(path)).toHaveLength(requests);
  expect(await violations(endpoint, path, eventIds, 1)).toEqual([]);
  const shown = await service.ok('GET', `/v1/deliveries/${delivery!.id}`);
  expect(shown.attempts.map((one: { outcome: string }) => one.outcome)).toEqual(outcomes);
});

test('a worker that dies when the start of a workflow was acknowledged: the event has one workflow, and arrives', async () => {
  const doomed = await service.startWorker({ POSTHORN_FAILPOINT: 'after-start@1', EVENTS_PER_WORKFLOW: '1', HEAD_START: 'off' });
  const endpoint = await service.endpoint(`${receiver.url}/after-start`, { events: ['after-start'], policy: POLICY });
  const eventIds = await service.publish(1, 'after-start');
  expect(await doomed.end).toBe('SIGKILL');

  await service.startWorker();
  await untilSettled(service, eventIds, 40_000);
  expect(await violations(endpoint, '/after-start', eventIds, 1)).toEqual([]);
  const runs: string[] = [];
  for await (const run of service.temporal.workflow.list({ query: `WorkflowId = "event/${eventIds[0]}"` })) runs.push(run.runId);
  expect(runs.length).toBeLessThanOrEqual(1);
});

test('an API that dies between a commit and its answer: the event is delivered all the same, and the repeated call finds it', async () => {
  await service.startWorker();
  const endpoint = await service.endpoint(`${receiver.url}/api`, { events: ['api'], policy: POLICY });
  const doomed = await service.startApi({ POSTHORN_FAILPOINT: 'after-commit@1' });
  const event = { type: 'api', data: { once: true }, id: 'order-1' };
  await expect(service.call('POST', '/v1/events', event)).rejects.toThrow();
  expect(await doomed.end).toBe('SIGKILL');
  await until(() => receiver.received('/api').length > 0, { what: 'the delivery' });

  await service.startApi();
  const again = await service.ok('POST', '/v1/events', event);
  expect(again).toMatchObject({ externalId: 'order-1', duplicate: true });
  await untilSettled(service, [again.id]);
  expect(receiver.received('/api').map(({ headers }) => headers['webhook-id'])).toEqual([again.id]);
  expect(await violations(endpoint, '/api', [again.id], 0)).toEqual([]);
});

test('a worker that dies while the receiver thinks: the same bytes come once more, and the first attempt reads unknown', async () => {
  receiver.willAnswer('/thinking', ['hang'], 200);
  const doomed = await service.startWorker();
  const endpoint = await service.endpoint(`${receiver.url}/thinking`, { events: ['thinking'], policy: POLICY });
  const eventIds = await service.publish(1, 'thinking');
  await until(() => receiver.received('/thinking').length === 1, { what: 'the request' });
  await doomed.kill();

  await service.startWorker();
  await untilSettled(service, eventIds, 40_000);
  const [delivery] = await readDeliveries(service.db, endpoint.id);
  expect([delivery!.status, delivery!.attempts.map(({ outcome }) => outcome)]).toEqual(['DELIVERED', ['unknown', 'ok']]);
  const [first, second] = receiver.received('/thinking');
  expect(second).toMatchObject({ body: first!.body, headers: { 'webhook-id': eventIds[0] } });
  expect(await violations(endpoint, '/thinking', eventIds, 1)).toEqual([]);
});

test('an API that dies before its commit: nothing is stored, and the repeated call does it once', async () => {
  await service.startWorker();
  const endpoint = await service.endpoint(`${receiver.url}/uncommitted`, { events: ['uncommitted'], policy: POLICY });
  const doomed = await service.startApi({ POSTHORN_FAILPOINT: 'before-commit@1' });
  const ask = (): ReturnType<Service['call']> => service.call('POST', '/v1/events', { type: 'uncommitted', data: {} }, { 'idempotency-key': 'uncommitted' });
  await expect(ask()).rejects.toThrow();
  expect(await doomed.end).toBe('SIGKILL');
  const stored = async (): Promise<string[]> => (await service.db.query<{ id: string }>({ text: `select id from events where type = 'uncommitted'` })).map(({ id }) => id);
  expect(await stored()).toEqual([]);

  await service.startApi();
  const { status, body } = await ask();
  expect([status, await stored()]).toEqual([202, [body.id]]);
  await untilSettled(service, [body.id]);
  expect(await violations(endpoint, '/uncommitted', [body.id], 0)).toEqual([]);
});
