import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { openStream, type TestStream } from '../support/stream';
import { until } from '../support/wait';

let stream: TestStream;
// Before its service, which waits for those who still read.
afterAll(() => stream?.close());
const { service, receiver } = useService({ workers: 2 });
beforeAll(async () => {
  stream = await openStream(service.url(), { authorization: `Bearer ${service.rootKey}` });
  await stream.event(({ type }) => type === 'ready');
});

const sumOf = (status: string): number =>
  stream.events.reduce((sum, { type, data }) => sum + (type === 'deliveries' ? ((data.statuses as Record<string, number>)[status] ?? 0) : 0), 0);

it('tells of each delivery while it happens, and counts it by the hour', async () => {
  receiver.willAnswer('/hook', [500]);
  const { id } = await service.endpoint(`${receiver.url}/hook`, { events: ['*'], name: 'crm', policy: { retry: { delays: ['100ms'], jitter: 0 }, maxInFlight: 200, ratePerSecond: 10_000 } });
  const [eventId] = await service.publish(1);
  const failed = await stream.event(({ data }) => data.deliveries?.some((one: { status: string }) => one.status === 'RETRYING'));
  expect(failed.data.deliveries[0]).toMatchObject({ eventId, eventType: 'test.happened', endpointId: id, attemptNumber: 1, outcome: 'http_error', statusCode: 500 });
  await stream.event(({ data }) => data.deliveries?.some((one: { status: string; attemptNumber: number }) => one.status === 'DELIVERED' && one.attemptNumber === 2));

  const { total, hours } = await until(async () => {
    const stats = await service.ok('GET', `/v1/stats?endpointId=${id}`);
    // Two workers count, each by itself, and write it down at times of their own.
    return stats.total.owed === 1 && stats.total.delivered === 1 && stats.total.failedAttempts === 1 && stats;
  });
  expect(total).toMatchObject({ owed: 1, delivered: 1, failedAttempts: 1, exhausted: 0, successRate: 0.5 });
  expect(total.latency.p50Ms).toBeGreaterThan(100);
  expect(hours.length).toBeGreaterThan(23);
});

it('only counts what is too much to be told one by one, and misses none', async () => {
  const before = { delivered: sumOf('DELIVERED'), told: stream.events.length };
  const since = performance.now();
  // So long a type that some thirty in a quarter of a second are too much.
  const ids = await service.publish(2_000, `burst.${'x'.repeat(120)}`);
  await untilSettled(service, ids);
  await until(() => sumOf('DELIVERED') - before.delivered === 2_000);
  const seconds = (performance.now() - since) / 1_000;
  const messages = stream.events.slice(before.told).filter(({ type }) => type === 'deliveries');
  expect(messages.some(({ data }) => data.deliveries === null)).toBe(true);
  // Each of the two workers tells at most four times a second.
  expect(messages.length).toBeLessThan(8 * seconds + 40);
  expect(Math.max(...messages.map(({ data }) => JSON.stringify(data).length))).toBeLessThan(16_000);
});

it('tells of what is held, and counts what a worker had counted when it was stopped', async () => {
  const { id } = await service.endpoint(`${receiver.url}/other`, { events: ['held'] });
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, {});
  await stream.event(({ data }) => data.endpointId === id && data.status === 'DEACTIVATED');
  const before = sumOf('DELIVERED');
  await service.publish(3, 'held');
  await until(() => sumOf('HELD') >= 3 && sumOf('DELIVERED') === before + 3);
  await Promise.all(service.workers().map((worker) => worker.kill('SIGTERM')));
  const { total, held, unwell } = await service.ok('GET', '/v1/stats');
  expect(total).toMatchObject({ delivered: 2_004, exhausted: 0, failedAttempts: 1 });
  expect(held).toEqual({ count: 3, complete: true });
  expect(unwell).toMatchObject([{ id, status: 'DEACTIVATED' }]);
});
