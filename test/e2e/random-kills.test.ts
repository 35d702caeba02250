import { createLuck } from '../support/luck';
import { useService } from '../support/stage';
import { storm } from '../support/storm';

const { service, receiver } = useService({ workers: 2 });

test('two workers that are killed at random: each event is owed to each endpoint once, and arrives', async () => {
  const luck = createLuck();
  const { twice, ...rest } = await storm(service, receiver, { luck, events: 160, workers: 2, kills: 4, patienceMs: 60_000 });
  expect({ seed: luck.seed, ...rest }).toEqual({ seed: luck.seed, violations: [], undelivered: 0, doublePlans: 0, isInOrder: true });
  // What a worker had in flight when it died, at most: its share of each endpoint's places.
  expect(twice).toBeLessThanOrEqual(4 * (20 + 20 + 1));
}, 120_000);
