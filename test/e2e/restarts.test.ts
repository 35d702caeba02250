import { readDeliveries } from '../support/checks';
import { POLICY, useKilledWorkers } from '../support/killed-workers';
import { untilSettled } from '../support/service';
import { until } from '../support/wait';

const { service, receiver, violations } = useKilledWorkers();

test('workers that are restarted in good order, one after the other, send nothing twice', async () => {
  await Promise.all([service.startWorker(), service.startWorker()]);
  receiver.willAnswer('/rolling', Array.from({ length: 40 }, (_, n) => (n % 4 === 0 ? 500 : { status: 200, afterMs: 40 })), { status: 200, afterMs: 40 });
  const endpoint = await service.endpoint(`${receiver.url}/rolling`, { events: ['rolling'], policy: { ...POLICY, timeout: '10s', maxInFlight: 20 } });
  const eventIds: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    const seen = receiver.received('/rolling').length;
    eventIds.push(...await service.publish(60, 'rolling'));
    await until(() => receiver.received('/rolling').length > seen + 5, { what: 'the deliveries to flow' });
    const [oldest] = service.workers();
    expect(await oldest!.kill('SIGTERM')).toBe(0);
    await service.startWorker();
  }
  await untilSettled(service, eventIds, 60_000);
  expect(await violations(endpoint, '/rolling', eventIds, 0)).toEqual([]);
  const outcomes = (await readDeliveries(service.db, endpoint.id)).flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome));
  expect(outcomes.filter((outcome) => outcome !== 'ok' && outcome !== 'http_error')).toEqual([]);
  expect(receiver.received('/rolling')).toHaveLength(outcomes.length);
}, 120_000);

test('endpoints of every kind, while workers are killed: all of them get everything, the ordered one in order', async () => {
  await Promise.all([service.startWorker(), service.startWorker()]);
  const flaky = Array.from({ length: 60 }, (_, n) => (n % 5 === 0 ? 500 : { status: 200, afterMs: 15 }));
  const policies: Readonly<Record<string, object>> = {
    'mixed-plain': { ...POLICY, retry: { delays: Array(20).fill('100ms'), jitter: 0 } },
    'mixed-fifo': { ...POLICY, ordering: 'fifo', retry: { delays: Array(20).fill('50ms'), jitter: 0 } },
    'mixed-limited': { ...POLICY, ratePerSecond: 40, retry: { delays: Array(20).fill('50ms'), jitter: 0 } },
  };
  const endpoints = await Promise.all(Object.entries(policies).map(async ([name, policy]) => {
    receiver.willAnswer(`/${name}`, flaky, { status: 200, afterMs: 15 });
    return { path: `/${name}`, ...await service.endpoint(`${receiver.url}/${name}`, { events: ['mixed'], policy }) };
  }));
  const eventIds: string[] = [];
  const kills = 2;
  for (let kill = 0; kill < kills; kill += 1) {
    const seen = receiver.received('/mixed-fifo').length;
    eventIds.push(...await service.publish(30, 'mixed'));
    await until(() => receiver.received('/mixed-fifo').length > seen + 3, { what: 'the deliveries to flow', deadlineMs: 60_000 });
    const victims = service.workers();
    await victims[kill % victims.length]!.kill();
    await service.startWorker();
  }
  await untilSettled(service, eventIds, 90_000);
  for (const endpoint of endpoints) {
    expect(await violations(endpoint, endpoint.path, eventIds, kills)).toEqual([]);
    expect((await readDeliveries(service.db, endpoint.id)).every(({ status }) => status === 'DELIVERED')).toBe(true);
  }
  const order = receiver.received('/mixed-fifo').map(({ headers }) => headers['webhook-id']!);
  expect(order.filter((id, index) => order.indexOf(id) === index)).toEqual([...eventIds].sort());
}, 180_000);
