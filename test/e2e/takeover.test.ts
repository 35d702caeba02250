import { readDeliveries, violationsAt } from '../support/checks';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

/** Short, so that the leases of a worker that was stopped (timeout and 5 s) are soon over. */
const POLICY = { timeout: '6s', connectTimeout: '1s', retry: { delays: Array(20).fill('200ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 60, ratePerSecond: 5_000 };

const { service, receiver } = useService({ workers: 1 });

test('a worker that is stopped in the middle of deliveries: the other takes over, and what the first reports later changes nothing', async () => {
  receiver.willAnswer('/plain', [], { status: 200, afterMs: 3_000 });
  receiver.willAnswer('/ordered', [], { status: 200, afterMs: 100 });
  const plain = await service.endpoint(`${receiver.url}/plain`, { events: ['taken'], policy: POLICY });
  const ordered = await service.endpoint(`${receiver.url}/ordered`, { events: ['taken'], policy: { ...POLICY, ordering: 'fifo' } });
  const endpoints = [{ ...plain, path: '/plain' }, { ...ordered, path: '/ordered' }];
  const eventIds: string[] = [];
  for (let page = 0; page < 4; page += 1) eventIds.push(...await service.publish(15, 'taken'));
  // Answers come three seconds after their requests.
  await until(() => receiver.mostOpen('/plain') >= 20, { what: 'requests that are not answered yet' });
  const stopped = service.workers()[0]!;
  process.kill(stopped.pid, 'SIGSTOP');
  await service.startWorker();

  // Its session lives, so its claims are over with their lease of 30 s, its workflow tasks after 10 s.
  await untilSettled(service, eventIds, 120_000);
  const settled = await Promise.all(endpoints.map(({ id }) => readDeliveries(service.db, id)));
  expect(settled.flat().filter(({ status }) => status !== 'DELIVERED')).toEqual([]);
  const outcomes = settled.flat().flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome));
  expect(outcomes).toContain('unknown');
  const requests = receiver.received().length;

  process.kill(stopped.pid, 'SIGCONT');
  // In good order: by its end it has reported all that it had in flight.
  expect(await stopped.kill('SIGTERM')).toBe(0);
  expect(await Promise.all(endpoints.map(({ id }) => readDeliveries(service.db, id)))).toEqual(settled);
  // What it had begun and not sent when it was stopped, at most its places; nothing that another had done meanwhile.
  expect(receiver.received().length - requests).toBeLessThanOrEqual(outcomes.filter((outcome) => outcome === 'unknown').length);
  for (const endpoint of endpoints) {
    expect(await violationsAt({ db: service.db, receiver, endpoint, path: endpoint.path, eventIds, crashes: 1 })).toEqual([]);
  }
}, 240_000);
