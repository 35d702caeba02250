import { readDeliveries } from '../support/checks';
import { startService, untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService();

// Requests are counted: none may time out because the machine is busy.
const FIFO = { ordering: 'fifo', timeout: '5s', connectTimeout: '5s', retry: { delays: Array(20).fill('30ms'), jitter: 0 }, deactivate: 'never' };
const came = (path: string): string[] => receiver.received(path).map(({ headers }) => headers['webhook-id'] ?? '');
/** Repeats left out. */
const order = (path: string): string[] => [...new Set(came(path))];
const statuses = async (endpointId: string): Promise<string[]> => (await readDeliveries(service.db, endpointId)).map(({ status }) => status);
const deliveryOf = async (endpointId: string, eventId: string): Promise<{ id: string; status: string; attemptCount: number }> =>
  until(async () => (await service.ok('GET', `/v1/deliveries?endpointId=${endpointId}&eventId=${eventId}`)).data[0], { what: 'the delivery' });

test('the next one leaves when the one before it is given up, or cancelled, and not before', async () => {
  // The third is told to wait for an hour from the start, so it waits when it is cancelled.
  receiver.willAnswer('/ends', [200, 500, 500, 500, { status: 500, headers: { 'retry-after': '3600' } }], 200);
  const { id } = await service.endpoint(`${receiver.url}/ends`, { events: ['ends'], policy: { ...FIFO, retry: { delays: ['30ms', '30ms'], jitter: 0 } } });
  const [first, exhausted, unwanted, ...rest] = await service.publish(6, 'ends');
  const waiting = await until(async () => {
    const found = await deliveryOf(id, unwanted!);
    return found.status === 'RETRYING' && found;
  }, { what: 'the third to wait' });
  expect(came('/ends')).toEqual([first, exhausted, exhausted, exhausted, unwanted]);
  await service.ok('POST', `/v1/deliveries/${waiting.id}/cancel`);
  await untilSettled(service, [first!, exhausted!, unwanted!, ...rest]);
  expect(order('/ends')).toEqual([first, exhausted, unwanted, ...rest]);
  expect(came('/ends').filter((id) => id === exhausted)).toHaveLength(3);
  expect(await statuses(id)).toEqual(['DELIVERED', 'EXHAUSTED', 'CANCELLED', 'DELIVERED', 'DELIVERED', 'DELIVERED']);
  expect(receiver.mostOpen('/ends')).toBe(1);
});

test('a head that waits for an hour is waited for, and its watcher sleeps meanwhile', async () => {
  receiver.willAnswer('/patient', [500], 200);
  const { id } = await service.endpoint(`${receiver.url}/patient`, { events: ['patient'], policy: { ...FIFO, retry: { delays: ['1h'], jitter: 0 } } });
  const ids = await service.publish(3, 'patient');
  const head = await until(async () => {
    const found = await deliveryOf(id, ids[0]!);
    return found.status === 'RETRYING' && found;
  }, { what: 'the head to wait' });
  const watcher = service.temporal.workflow.getHandle(`endpoint/${id}`);
  // What is behind the head is due all the time, and is none of its business: else it would look once a second.
  const before = (await watcher.describe()).historyLength;
  // As long as somebody else's retry takes, which comes five seconds after its failure.
  receiver.willAnswer('/beside', [500], 200);
  await service.endpoint(`${receiver.url}/beside`, { events: ['beside'], policy: { retry: { delays: ['5s'], jitter: 0 } } });
  await untilSettled(service, await service.publish(1, 'beside'));
  expect(came('/beside')).toHaveLength(2);
  // A look is some ten events: those that the last signals have led to, and not one for each second.
  expect((await watcher.describe()).historyLength - before).toBeLessThan(40);
  await service.ok('POST', `/v1/deliveries/${head.id}/retry`);
  await untilSettled(service, ids);
  expect(came('/patient')).toEqual([ids[0], ...ids]);
});

test('order is kept when the worker is killed in the middle', async () => {
  const { id } = await service.endpoint(`${receiver.url}/killed`, { events: ['killed'], policy: FIFO });
  const ids = await service.publish(30, 'killed');
  await until(() => came('/killed').length >= 10, { what: 'the first ten' });
  await service.workers()[0]!.kill('SIGKILL');
  await service.startWorker();
  const later = await service.publish(5, 'killed');
  await untilSettled(service, [...ids, ...later], 50_000);
  expect(order('/killed')).toEqual([...ids, ...later]);
  // At most the one that was under way came twice.
  expect(came('/killed').length).toBeLessThanOrEqual(ids.length + later.length + 1);
  expect(await statuses(id)).toEqual(Array(35).fill('DELIVERED'));
});

test('order is kept through a hold and its drain, and what is new waits behind what is held', async () => {
  receiver.willAnswer('/held', [200, 500, 503], 200);
  const { id } = await service.endpoint(`${receiver.url}/held`, { events: ['held'], policy: FIFO });
  const first = await service.publish(1, 'held');
  await untilSettled(service, first);
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, {});
  const held = await service.publish(10, 'held');
  await untilSettled(service, held);

  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: false });
  const behind = await service.publish(5, 'held');
  await until(async () => (await statuses(id)).filter((status) => status === 'PENDING').length === 5, { what: 'the new ones to wait' });
  expect(came('/held')).toEqual(first);
  await service.ok('POST', `/v1/endpoints/${id}/drain`, { action: 'start' });
  const live = await service.publish(5, 'held');
  await untilSettled(service, [...held, ...behind, ...live]);
  expect(order('/held')).toEqual([...first, ...held, ...behind, ...live]);
  expect(receiver.mostOpen('/held')).toBe(1);
});

test('an endpoint that wants order from now on waits for the retry that sleeps', async () => {
  receiver.willAnswer('/turned', [500], 200);
  const { id } = await service.endpoint(`${receiver.url}/turned`, { events: ['turned'], policy: { ...FIFO, ordering: 'none', retry: { delays: ['1h'], jitter: 0 } } });
  const [head] = await service.publish(1, 'turned');
  const sleeping = await until(async () => {
    const found = await deliveryOf(id, head!);
    return found.status === 'RETRYING' && found;
  }, { what: 'the retry to sleep' });
  await until(() => service.temporal.workflow.getHandle(`delivery/${sleeping.id}`).describe(), { what: 'its workflow' });
  await service.ok('PATCH', `/v1/endpoints/${id}`, { policy: { ordering: 'fifo' } });
  await expect(service.temporal.workflow.getHandle(`delivery/${sleeping.id}`).result()).resolves.toMatchObject({ status: 'ELSEWHERE' });
  const rest = await service.publish(3, 'turned');
  await until(async () => (await statuses(id)).filter((status) => status === 'PENDING').length === 3, { what: 'the others to wait' });
  await service.ok('POST', `/v1/deliveries/${sleeping.id}/retry`);
  await untilSettled(service, [head!, ...rest]);
  expect(came('/turned')).toEqual([head, head, ...rest]);
});

test('without it nothing waits for a retry, and each object numbers its events', async () => {
  receiver.willAnswer('/loose', [500], 200);
  const { id } = await service.endpoint(`${receiver.url}/loose`, { events: ['record:*'], policy: { retry: { delays: ['1h'], jitter: 0 }, deactivate: 'never' } });
  const record = await service.ok('POST', '/v1/records', { type: 'loose', attributes: { n: 0 } });
  await until(() => came('/loose').length === 1, { what: 'the first' });
  for (let n = 1; n <= 4; n += 1) await service.ok('PATCH', `/v1/records/${record.id}`, { attributes: { n } });
  await until(() => came('/loose').length === 5, { what: 'the others' });
  const [waiting] = (await service.ok('GET', `/v1/deliveries?endpointId=${id}&status=RETRYING`)).data;
  await service.ok('POST', `/v1/deliveries/${waiting.id}/retry`);
  await until(() => came('/loose').length === 6, { what: 'the retry' });
  const sequences = receiver.received('/loose').map(({ body }) => JSON.parse(body).data.sequence);
  expect([sequences[0], sequences.at(-1)]).toEqual([1, 1]);
  expect([...new Set(sequences)].sort()).toEqual([1, 2, 3, 4, 5]);
});

test('order is kept where workflows go first, and plan in the order in which they run', async () => {
  const strict = await startService({ workers: 2, env: { HEAD_START: 'off', EVENTS_PER_WORKFLOW: '1' } });
  try {
    const { id } = await strict.endpoint(`${receiver.url}/strict`, { events: ['strict'], policy: FIFO });
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) ids.push(...await strict.publish(5, 'strict'));
    await untilSettled(strict, ids, 60_000);
    expect(order('/strict')).toEqual(ids);
    expect((await readDeliveries(strict.db, id)).every(({ status }) => status === 'DELIVERED')).toBe(true);
  } finally {
    await strict.stop();
  }
}, 120_000);
