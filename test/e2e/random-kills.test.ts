import { createLuck } from '../support/luck';
import { openReceiver, type Receiver } from '../support/receiver';
import { startService, type Service } from '../support/service';
import { storm } from '../support/storm';

let service: Service;
let receiver: Receiver;

beforeAll(async () => {
  [service, receiver] = await Promise.all([startService({ workers: 2 }), openReceiver()]);
});
afterAll(async () => {
  await service?.stop();
  await receiver?.close();
});

test('two workers that are killed at random: each event is owed to each endpoint once, and arrives', async () => {
  const luck = createLuck();
  const { twice, ...rest } = await storm(service, receiver, { luck, events: 160, workers: 2, kills: 4, patienceMs: 60_000 });
  expect({ seed: luck.seed, ...rest }).toEqual({ seed: luck.seed, violations: [], undelivered: 0, doublePlans: 0, isInOrder: true });
  // What a worker had in flight when it died, at most: its share of each endpoint's places.
  expect(twice).toBeLessThanOrEqual(4 * (20 + 20 + 1));
}, 120_000);
