import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findTemporalCli } from '../../src/embedded/temporal-cli';
import { readDeliveries } from '../support/checks';
import { openReceiver, refusedAddress } from '../support/receiver';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService({ workers: 2 });

const QUICK = { delays: Array(20).fill('20ms'), jitter: 0 };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- an endpoint as the API answers it
const show = (id: string): Promise<any> => service.ok('GET', `/v1/endpoints/${id}`);

/** The ids of the events that came to a path, repeats left out, in the order in which they first came. */
const order = (path: string): string[] => [...new Set(receiver.received(path).map(({ headers }) => headers['webhook-id'] ?? ''))];

const statuses = async (endpointId: string): Promise<string[]> => (await readDeliveries(service.db, endpointId)).map(({ status }) => status);

async function signalByCli(workflowId: string, name: string): Promise<void> {
  const cli = await findTemporalCli({ path: process.env['TEMPORAL_CLI'], progress: () => undefined });
  await promisify(execFile)(cli, ['workflow', 'signal', '--address', service.address, '--namespace', service.namespace, '--workflow-id', workflowId, '--name', name]);
}

test('after three failures in a row an endpoint is deactivated, what it is owed is held, and the reactivate signal of the Temporal CLI drains it in event order', async () => {
  receiver.willAnswer('/three', [500, 500, 500], 200);
  const { id } = await service.endpoint(`${receiver.url}/three`, { events: ['three'], policy: { retry: { delays: ['20ms', '20ms', '1h'], jitter: 0 }, deactivate: { afterConsecutiveFailures: 3 } } });
  const first = await service.publish(1, 'three');
  expect(await service.untilEndpoint(id, 'DEACTIVATED')).toMatchObject({ statusReason: 'consecutive_failures' });
  const later = await service.publish(12, 'three');
  await untilSettled(service, [...first, ...later]);
  expect(await statuses(id)).toEqual(Array(13).fill('HELD'));
  expect(await service.ok('GET', `/v1/endpoints/${id}/health`)).toMatchObject({ status: 'DEACTIVATED', held: 13, pending: 0 });
  expect(receiver.received('/three')).toHaveLength(3);

  await signalByCli(`endpoint/${id}`, 'reactivate');
  await until(async () => (await statuses(id)).every((status) => status === 'DELIVERED'), { what: 'the drain', deadlineMs: 20_000 });
  expect(order('/three')).toEqual([...first, ...later]);
  expect(receiver.received('/three')).toHaveLength(3 + 13);
  expect(await show(id)).toMatchObject({ status: 'ACTIVE', statusReason: null });
  const [firstDelivery] = await readDeliveries(service.db, id);
  expect(firstDelivery!.attempts.map(({ outcome }) => outcome)).toEqual(['http_error', 'http_error', 'http_error', 'ok']);
});

test('a policy that deactivates after one exhausted delivery comes true, and others are told of it', async () => {
  receiver.willAnswer('/exhausting', [], 500);
  const { id: observer } = await service.endpoint(`${receiver.url}/observer`, { events: ['endpoint.*'] });
  const { id } = await service.endpoint(`${receiver.url}/exhausting`, {
    events: ['exhausting', 'endpoint.deactivated'], policy: { retry: { delays: ['20ms', '20ms'], jitter: 0 }, deactivate: { afterExhausted: 1 } },
  });
  await service.publish(1, 'exhausting');
  expect(await service.untilEndpoint(id, 'DEACTIVATED')).toMatchObject({ statusReason: 'exhausted' });
  const told = await until(() => receiver.received('/observer').map(({ body }) => JSON.parse(body)).find(({ data }) => data.endpointId === id), { what: 'the operational event' });
  expect(told).toMatchObject({ type: 'endpoint.deactivated', data: { status: 'DEACTIVATED', reason: 'exhausted' } });
  // Never of what happened to itself.
  expect(await statuses(id)).toEqual(['EXHAUSTED']);
  expect(receiver.received('/exhausting')).toHaveLength(3);
  await service.ok('DELETE', `/v1/endpoints/${observer}`);
});

test('five refused connections open the breaker; first attempts wait behind it, and the first success lets them out', async () => {
  const closed = await refusedAddress();
  const { id } = await service.endpoint(`${closed.url}/`, {
    events: ['refused'], policy: { retry: { delays: Array(50).fill('200ms'), jitter: 0 }, deactivate: 'never', probe: { every: '100ms', max: '200ms' } },
  });
  const first = await service.publish(1, 'refused');
  expect(await service.untilEndpoint(id, 'FAILING')).toMatchObject({ statusReason: 'breaker' });
  const later = await service.publish(10, 'refused');
  await until(async () => (await readDeliveries(service.db, id)).filter(({ reason }) => reason === 'endpoint_failing').length >= 9, { what: 'the first attempts to wait' });

  const opened = await openReceiver(closed.port);
  try {
    await service.untilEndpoint(id, 'ACTIVE');
    await untilSettled(service, [...first, ...later]);
    expect(await statuses(id)).toEqual(Array(11).fill('DELIVERED'));
    expect(opened.received()).toHaveLength(11);
  } finally {
    await opened.close();
  }
});

test('a fifo endpoint keeps the order through a failure, with one request in flight', async () => {
  receiver.willAnswer('/fifo', [200, 500, 503], { status: 200, afterMs: 20 });
  const { id } = await service.endpoint(`${receiver.url}/fifo`, { events: ['fifo'], policy: { retry: QUICK, ordering: 'fifo' } });
  const ids = [...await service.publish(5, 'fifo'), ...await service.publish(5, 'fifo')];
  await untilSettled(service, ids);
  expect(await statuses(id)).toEqual(Array(10).fill('DELIVERED'));
  const [first, second, ...rest] = ids;
  expect(receiver.received('/fifo').map(({ headers }) => headers['webhook-id'])).toEqual([first, second, second, second, ...rest]);
  expect(receiver.mostOpen('/fifo')).toBe(1);
});

test('an endpoint that was deactivated by its failures is probed and comes back by itself; one that a person deactivated is left alone', async () => {
  receiver.willAnswer('/probed', [500, 500, 500, 500], 200);
  const probe = { every: '100ms', max: '100ms' };
  const { id: probed } = await service.endpoint(`${receiver.url}/probed`, { events: ['probe'], policy: { retry: QUICK, deactivate: { afterConsecutiveFailures: 2 }, probe } });
  const { id: manual } = await service.endpoint(`${receiver.url}/manual`, { events: ['probe'], policy: { probe } });
  await service.ok('POST', `/v1/endpoints/${manual}/deactivate`, { reason: 'moving house' });
  const [eventId] = await service.publish(1, 'probe');
  await until(async () => (await statuses(probed))[0] === 'DELIVERED', { what: 'the probe to succeed', deadlineMs: 20_000 });
  await service.untilEndpoint(probed, 'ACTIVE');
  const [delivery] = await readDeliveries(service.db, probed);
  // Two that count, two probes that do not, and the probe that brought it back.
  expect(delivery!.attempts.map(({ outcome }) => outcome)).toEqual(['http_error', 'http_error', 'http_error', 'http_error', 'ok']);

  expect(await statuses(manual)).toEqual(['HELD']);
  expect(receiver.received('/manual')).toHaveLength(0);
  expect(await show(manual)).toMatchObject({ status: 'DEACTIVATED', statusReason: 'moving house' });
  await service.ok('POST', `/v1/endpoints/${manual}/reactivate`, { drain: true });
  await until(() => receiver.received('/manual').length === 1, { what: 'the drain' });
  expect(order('/manual')).toEqual([eventId]);
});

test('reactivated without a drain an endpoint gets what is new, and what was held when the drain is started', async () => {
  const { id } = await service.endpoint(`${receiver.url}/paused`, { events: ['paused'] });
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, {});
  const old = await service.publish(3, 'paused');
  await untilSettled(service, old);
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: false });
  const live = await service.publish(1, 'paused');
  await until(() => receiver.received('/paused').length === 1, { what: 'the live event' });
  expect(order('/paused')).toEqual(live);
  await service.ok('POST', `/v1/endpoints/${id}/drain`, { action: 'start' });
  await until(async () => (await statuses(id)).every((status) => status === 'DELIVERED'), { what: 'the drain' });
  expect(order('/paused')).toEqual([...live, ...old]);
});

test('an endpoint that discards while it is deactivated is never told of it later', async () => {
  const { id } = await service.endpoint(`${receiver.url}/discarding`, { events: ['discarding'], policy: { whileDeactivated: 'discard' } });
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, {});
  const lost = await service.publish(2, 'discarding');
  await untilSettled(service, lost);
  expect((await readDeliveries(service.db, id)).map(({ status, reason }) => [status, reason])).toEqual(Array(2).fill(['CANCELLED', 'discarded']));
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  const live = await service.publish(1, 'discarding');
  await untilSettled(service, live);
  expect(order('/discarding')).toEqual(live);
});

test('an endpoint that is deleted cancels what it was owed, and its watcher ends', async () => {
  receiver.willAnswer('/deleted', [], 500);
  const { id } = await service.endpoint(`${receiver.url}/deleted`, { events: ['deleted'], policy: { retry: { delays: ['1h'], jitter: 0 }, deactivate: 'never' } });
  const ids = await service.publish(3, 'deleted');
  await until(async () => (await statuses(id)).filter((status) => status === 'RETRYING').length === 3, { what: 'the first attempts' });
  await service.ok('DELETE', `/v1/endpoints/${id}`);
  await untilSettled(service, ids);
  expect((await readDeliveries(service.db, id)).map(({ status, reason }) => [status, reason])).toEqual(Array(3).fill(['CANCELLED', 'endpoint_deleted']));
  await until(async () => (await service.temporal.workflow.getHandle(`endpoint/${id}`).describe()).status.name === 'COMPLETED', { what: 'the end of the watcher' });
  expect(receiver.received('/deleted')).toHaveLength(3);
});

test('an endpoint that wants ten a second gets everything, and not faster', async () => {
  const { id } = await service.endpoint(`${receiver.url}/slowly`, { events: ['slowly'], policy: { ratePerSecond: 10, maxInFlight: 5 } });
  const ids = await service.publish(30, 'slowly');
  await untilSettled(service, ids);
  expect(await statuses(id)).toEqual(Array(30).fill('DELIVERED'));
  const at = receiver.received('/slowly').map((one) => one.at);
  expect(at).toHaveLength(30);
  // A second's worth may be saved up by the two workers together; the rest comes at the rate.
  expect(at.at(-1)! - at[0]!).toBeGreaterThan(1_900);
});

test('the watcher of an endpoint answers how it is, when asked in Temporal', async () => {
  receiver.willAnswer('/asked', [500], 200);
  const { id } = await service.endpoint(`${receiver.url}/asked`, { events: ['asked'], policy: { retry: { delays: ['1h'], jitter: 0 } } });
  await service.publish(1, 'asked');
  const watcher = service.temporal.workflow.getHandle(`endpoint/${id}`);
  const look = await until(async () => {
    const seen = await watcher.query<{ health: { status: string; consecutiveFailures: number } } | null>('health');
    return seen?.health.consecutiveFailures === 1 && seen;
  }, { what: 'the watcher to see the failure' });
  expect(look.health.status).toBe('ACTIVE');
});
