import { readDeliveries, violationsAt } from '../support/checks';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const POLICY = { timeout: '10s', retry: { delays: Array(20).fill('200ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 40, ratePerSecond: 5_000 };

const { service, receiver } = useService({ workers: 2 });

test('an upgrade under load, API and workers one after the other: no call fails, nothing is lost, nothing comes twice', async () => {
  receiver.willAnswer('/plain', Array.from({ length: 60 }, (_, n) => (n % 5 === 0 ? 500 : { status: 200, afterMs: 30 })), { status: 200, afterMs: 30 });
  receiver.willAnswer('/ordered', [], { status: 200, afterMs: 5 });
  const plain = await service.endpoint(`${receiver.url}/plain`, { events: ['rolled'], policy: POLICY });
  const ordered = await service.endpoint(`${receiver.url}/ordered`, { events: ['rolled'], policy: { ...POLICY, ordering: 'fifo' } });

  const eventIds: string[] = [];
  let isOver = false;
  const publishers = Array.from({ length: 3 }, async () => {
    while (!isOver) {
      eventIds.push((await service.ok('POST', '/v1/events', { type: 'rolled', data: {} })).id);
      // No faster than a machine that does everything can follow.
      await until(() => ['/plain', '/ordered'].every((path) => eventIds.length - receiver.received(path).length < 20), { what: 'the deliveries to follow', deadlineMs: 60_000 });
    }
  });
  const load = Promise.all(publishers);
  load.catch(() => undefined);
  const flowing = async (): Promise<void> => {
    const seen = receiver.received('/plain').length;
    // A publisher that fails is what is to be told then, not that nothing flows any more.
    await Promise.race([load, until(() => receiver.received('/plain').length > seen + 10, { what: 'the deliveries to flow', deadlineMs: 60_000 })]);
  };
  await flowing();
  const oldApi = service.api();
  // As a load balancer does: calls go to the new one when it is ready, and the old one ends what it has begun.
  await service.startApi();
  expect(await oldApi.kill('SIGTERM')).toBe(0);
  for (const old of service.workers()) {
    await flowing();
    const end = old.kill('SIGTERM');
    await service.startWorker();
    expect(await end).toBe(0);
  }
  await flowing();
  isOver = true;
  await load;

  await untilSettled(service, eventIds, 90_000);
  for (const endpoint of [{ ...plain, path: '/plain' }, { ...ordered, path: '/ordered' }]) {
    expect(await violationsAt({ db: service.db, receiver, endpoint, path: endpoint.path, eventIds, crashes: 0 })).toEqual([]);
    const deliveries = await readDeliveries(service.db, endpoint.id);
    expect(deliveries.filter(({ status }) => status !== 'DELIVERED')).toEqual([]);
    const attempts = deliveries.flatMap((one) => one.attempts);
    expect(attempts.filter(({ outcome }) => outcome !== 'ok' && outcome !== 'http_error')).toEqual([]);
    expect(receiver.received(endpoint.path)).toHaveLength(attempts.length);
  }
  expect(receiver.received('/ordered').map(({ headers }) => headers['webhook-id'])).toEqual([...eventIds].sort());
}, 240_000);
