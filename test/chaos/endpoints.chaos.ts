import { setTimeout as delay } from 'node:timers/promises';
import { readDeliveries } from '../support/checks';
import { createLuck } from '../support/luck';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const luck = createLuck();
beforeAll(() => void process.stderr.write(`The same again: POSTHORN_SEED=${luck.seed} npm run test:chaos -- endpoints\n`));
const { service, receiver } = useService({ env: { LOG_LEVEL: 'error' } });

const failsOf = async (id: string): Promise<number> =>
  (await service.ok('GET', `/v1/audit?subjectId=${id}`)).data.filter(({ action }: { action: string }) => action === 'endpoint.fail').length;

/** Answers in groups, `bad` of each `size` a failure, where in the group is luck. */
function coin(groups: number, size: number, bad: number): number[] {
  return Array.from({ length: groups }, () => {
    const rest = Array.from({ length: size }, (_, n) => (n < bad ? 500 : 200));
    return Array.from({ length: size }, () => rest.splice(luck.below(rest.length), 1)[0] ?? 200);
  }).flat();
}

/** The attempts that stand in the database are those that the receiver saw: numbered from 1 without a gap. */
async function expectAttemptsAsSeen(id: string, path: string): Promise<void> {
  const seen = new Map<string, number>();
  for (const { headers } of receiver.received(path)) seen.set(headers['webhook-id'] ?? '', (seen.get(headers['webhook-id'] ?? '') ?? 0) + 1);
  const wrong = (await readDeliveries(service.db, id)).filter(({ eventId, attempts }) =>
    attempts.length !== (seen.get(eventId) ?? 0) || attempts.some(({ number }, index) => number !== index + 1));
  expect({ seed: luck.seed, wrong }).toEqual({ seed: luck.seed, wrong: [] });
}

test('E19 an endpoint that answers just before its timeout succeeds, and holds up nobody else', async () => {
  receiver.willAnswer('/slow', [], { status: 200, afterMs: 13_000 });
  const slow = await service.endpoint(`${receiver.url}/slow`, { events: ['slow'], policy: { timeout: '15s', maxInFlight: 50, ratePerSecond: 1_000 } });
  await service.endpoint(`${receiver.url}/fast`, { events: ['fast'] });
  const slowIds = await service.publish(150, 'slow');
  await until(() => receiver.received('/slow').length >= 50, { what: 'all of its places to be taken' });
  const waitsMs: number[] = [];
  while (receiver.received('/slow').length < 150) {
    const publishedAt = performance.now();
    const [id] = await service.publish(1, 'fast');
    const arrived = await until(() => receiver.received('/fast').find(({ headers }) => headers['webhook-id'] === id), { what: 'the fast one', deadlineMs: 10_000 });
    waitsMs.push(arrived.at - publishedAt);
    await delay(200);
  }
  await untilSettled(service, slowIds, 60_000);
  waitsMs.sort((a, b) => a - b);
  process.stderr.write(`beside the slow one: ${waitsMs.length} arrived, half within ${Math.round(waitsMs[waitsMs.length >> 1] ?? 0)} ms, all within ${Math.round(waitsMs.at(-1) ?? 0)} ms\n`);
  expect(waitsMs.length).toBeGreaterThan(20);
  expect(waitsMs.at(-1)).toBeLessThan(5_000);
  const came = (await readDeliveries(service.db, slow.id)).map(({ status, attempts }) => [status, ...attempts.map(({ outcome }) => outcome)].join(' '));
  expect(came).toEqual(Array(150).fill('DELIVERED ok'));
  expect(receiver.mostOpen('/slow')).toBeLessThanOrEqual(50);
  expect(await failsOf(slow.id)).toBe(0);
}, 180_000);

// One request at a time, so that what the coin says is what every stretch of attempts shows.
const policy = { retry: { delays: Array(50).fill('50ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 1, ratePerSecond: 500 };

test('E20 an endpoint that fails every second time is never taken for a failing one', async () => {
  receiver.willAnswer('/half', coin(200, 4, 2), 200);
  const { id } = await service.endpoint(`${receiver.url}/half`, { events: ['half'], policy });
  await untilSettled(service, await service.publish(150, 'half'), 120_000);
  expect((await readDeliveries(service.db, id)).every(({ status }) => status === 'DELIVERED')).toBe(true);
  expect(receiver.received('/half').length).toBeGreaterThan(250);
  expect(await failsOf(id)).toBe(0);
  await expectAttemptsAsSeen(id, '/half');
}, 180_000);

test('E20 one that fails four times of five opens its breaker, and what waits for that uses up no attempt', async () => {
  receiver.willAnswer('/flapping', coin(12, 5, 4), 500);
  const { id } = await service.endpoint(`${receiver.url}/flapping`, { events: ['flapping'], policy: { ...policy, retry: { delays: Array(50).fill('5s'), jitter: 0 } } });
  const before = await service.publish(60, 'flapping');
  await until(async () => (await service.ok('GET', `/v1/endpoints/${id}`)).status === 'FAILING', { what: 'the breaker to open', deadlineMs: 90_000 });
  const meanwhile = await service.publish(40, 'flapping');
  const seen = receiver.received('/flapping').length;
  await until(() => receiver.received('/flapping').length > seen + 10, { what: 'retries of what was sent before', deadlineMs: 60_000 });
  const held = (await readDeliveries(service.db, id)).filter(({ eventId }) => meanwhile.includes(eventId));
  expect(held).toHaveLength(40);
  // One at most is sent as a probe.
  expect(held.filter(({ attempts }) => attempts.length === 0).length).toBeGreaterThanOrEqual(38);
  receiver.willAnswer('/flapping', [], 200);
  await untilSettled(service, [...before, ...meanwhile], 120_000);
  const deliveries = await readDeliveries(service.db, id);
  expect(deliveries.every(({ status }) => status === 'DELIVERED')).toBe(true);
  expect(deliveries.filter(({ eventId, attempts }) => meanwhile.includes(eventId) && attempts.length > 2)).toEqual([]);
  expect(await failsOf(id)).toBeGreaterThanOrEqual(1);
  await expectAttemptsAsSeen(id, '/flapping');
  expect(await service.ok('GET', `/v1/endpoints/${id}`)).toMatchObject({ status: 'ACTIVE' });
}, 300_000);
