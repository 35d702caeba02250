import { setTimeout as delay } from 'node:timers/promises';
import { readDeliveries, violationsAt } from '../support/checks';
import { createLuck } from '../support/luck';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { storm } from '../support/storm';
import { until } from '../support/wait';

const luck = createLuck();
beforeAll(() => void process.stderr.write(`The same again: POSTHORN_SEED=${luck.seed} npm run test:chaos -- workers\n`));
const { service, receiver } = useService({ workers: 4 });

test('four workers that are killed and stopped at random, and the API with them: each event is owed once, and arrives', async () => {
  const [kills, stops] = [16, 6];
  const plan = { luck, events: 1_200, workers: 4, kills, stops, stopMs: 15_000, apiKills: 4, patienceMs: 240_000 };
  const { twice, ...rest } = await storm(service, receiver, plan);
  expect({ seed: luck.seed, ...rest }).toEqual({ seed: luck.seed, violations: [], undelivered: 0, doublePlans: 0, isInOrder: true });
  // What one of at least two workers had in flight when it died, at most: its share of each endpoint's places.
  expect(twice).toBeLessThanOrEqual((kills + stops) * (20 + 20 + 1));
});

test('a worker that is stopped for longer than its claims and its statements last goes on with nothing that is not its own', async () => {
  const policy = { timeout: '2s', retry: { delays: Array(20).fill('200ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 60, ratePerSecond: 5_000 };
  receiver.willAnswer('/stopped', [], { status: 200, afterMs: 200 });
  const endpoint = await service.endpoint(`${receiver.url}/stopped`, { events: ['stopped'], policy });
  const eventIds: string[] = [];
  const publish = async (count: number): Promise<void> => void eventIds.push(...await service.publish(count, 'stopped'));

  await publish(100);
  await until(() => receiver.received('/stopped').length > 20, { what: 'the deliveries to flow' });
  const victim = luck.pick(service.workers());
  process.kill(victim.pid, 'SIGSTOP');
  await publish(100);
  // The only wait for a time: claims last 30 s, statements are given up after as many.
  await delay(45_000);
  await untilSettled(service, eventIds, 120_000);
  const before = await readDeliveries(service.db, endpoint.id);

  process.kill(victim.pid, 'SIGCONT');
  const known = new Set(eventIds);
  await publish(200);
  await untilSettled(service, eventIds, 120_000);
  expect(await victim.kill('SIGTERM')).toBe(0);
  const after = await readDeliveries(service.db, endpoint.id);
  expect(after.filter(({ eventId }) => known.has(eventId))).toEqual(before);
  expect(after.every(({ status }) => status === 'DELIVERED')).toBe(true);
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/stopped', eventIds, crashes: 1 })).toEqual([]);
  const [left] = await service.db.query<{ count: number }>({ text: 'select count(*) as count from outbox' });
  expect(left?.count).toBe(0);
});
