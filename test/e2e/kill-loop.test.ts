import { readDeliveries } from '../support/checks';
import { POLICY, useKilledWorkers } from '../support/killed-workers';
import { untilSettled } from '../support/service';
import { until } from '../support/wait';

const { service, receiver, violations } = useKilledWorkers();

test('a worker that dies in a retry: the schedule goes on where it was', async () => {
  receiver.willAnswer('/retry', [500, 200], 200);
  const doomed = await service.startWorker({ POSTHORN_FAILPOINT: 'after-response@2' });
  const endpoint = await service.endpoint(`${receiver.url}/retry`, { events: ['retry'], policy: POLICY });
  const eventIds = await service.publish(1, 'retry');
  expect(await doomed.end).toBe('SIGKILL');

  await service.startWorker();
  await untilSettled(service, eventIds, 40_000);
  const [delivery] = await readDeliveries(service.db, endpoint.id);
  expect(delivery!.attempts.map(({ outcome }) => outcome)).toEqual(['http_error', 'unknown', 'ok']);
  expect(await violations(endpoint, '/retry', eventIds, 1)).toEqual([]);
});

test('a worker that dies while it serves the lane of an endpoint: the lane is served to its end, in order', async () => {
  const doomed = await service.startWorker({ POSTHORN_FAILPOINT: 'after-response@3' });
  const endpoint = await service.endpoint(`${receiver.url}/lane`, { events: ['lane'], policy: { ...POLICY, ordering: 'fifo' } });
  const eventIds = await service.publish(6, 'lane');
  expect(await doomed.end).toBe('SIGKILL');

  await service.startWorker();
  await untilSettled(service, eventIds, 90_000);
  expect(await violations(endpoint, '/lane', eventIds, 1)).toEqual([]);
  const order = receiver.received('/lane').map(({ headers }) => headers['webhook-id']);
  expect([...new Set(order)]).toEqual(eventIds);
  expect(order).toHaveLength(eventIds.length + 1);
}, 120_000);

test('300 events while workers are killed again and again: none is missing, and duplicates are few', async () => {
  await Promise.all([service.startWorker(), service.startWorker()]);
  receiver.willAnswer('/storm', [], { status: 200, afterMs: 30 });
  const endpoint = await service.endpoint(`${receiver.url}/storm`, { events: ['storm'], policy: { ...POLICY, maxInFlight: 20 } });
  const eventIds: string[] = [];
  const kills = 5;
  for (let kill = 0; kill < kills; kill += 1) {
    const seen = receiver.received('/storm').length;
    eventIds.push(...await service.publish(300 / kills, 'storm'));
    await until(() => receiver.received('/storm').length > seen + 5, { what: 'the deliveries to flow' });
    const victims = service.workers();
    await victims[kill % victims.length]!.kill();
    await service.startWorker();
  }
  await untilSettled(service, eventIds, 90_000);
  expect(await violations(endpoint, '/storm', eventIds, kills)).toEqual([]);
  const received = receiver.received('/storm');
  expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(eventIds));
  // What a worker had in flight when it died, at most: its share of the places.
  expect(received.length - 300).toBeLessThanOrEqual(kills * 20);
}, 150_000);
