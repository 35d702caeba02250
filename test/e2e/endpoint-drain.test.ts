import { readDeliveries } from '../support/checks';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService();

const came = (path: string): string[] => receiver.received(path).map(({ headers }) => headers['webhook-id'] ?? '');
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- an endpoint's health as the API answers it
const health = (id: string): Promise<any> => service.ok('GET', `/v1/endpoints/${id}/health`);
const counts = async (endpointId: string): Promise<Record<string, number>> => {
  const deliveries = await readDeliveries(service.db, endpointId);
  return deliveries.reduce<Record<string, number>>((sum, { status }) => ({ ...sum, [status]: (sum[status] ?? 0) + 1 }), {});
};

/** By how many places an event came too early or too late: requests begin in event order, and in flight may overtake one another. */
const displacement = (arrived: readonly string[], events: readonly string[]): number => {
  expect([...arrived].sort()).toEqual([...events].sort());
  return Math.max(...arrived.map((id, place) => Math.abs(events.indexOf(id) - place)));
};

/** An endpoint that a person has deactivated, and so many events that it is owed, all of them held. */
async function heldUp(name: string, count: number, policy: object): Promise<{ id: string; held: string[] }> {
  const { id } = await service.endpoint(`${receiver.url}/${name}`, { events: [name], policy: { timeout: '2s', ...policy } });
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, { reason: 'a test' });
  const held = await service.publish(count, name);
  await untilSettled(service, held);
  return { id, held };
}

test('what was planned while its endpoint was being reactivated, by what stood before, leaves too', async () => {
  const { id, held } = await heldUp('late', 3, {});
  // So a plan leaves its rows that began before the reactivation and ended after it.
  await service.db.query({ text: `update endpoints set status = 'ACTIVE', status_reason = null where id = $1`, values: [id] });
  await service.db.query({ text: `insert into outbox (kind, workspace_id, endpoint_id, signal) select 'signal', workspace_id, id, 'changed' from endpoints where id = $1`, values: [id] });
  await untilSettled(service, held);
  await until(() => counts(id).then(({ DELIVERED }) => DELIVERED === 3), { what: 'all that was held to be delivered' });
  expect(came('/late').sort()).toEqual([...held].sort());
});

test('a drain begins with one request in flight, and ten successes later with one more', async () => {
  receiver.willAnswer('/ramp', [], { status: 200, afterMs: 60 });
  const { id, held } = await heldUp('ramp', 24, { maxInFlight: 2, ratePerSecond: 1_000 });
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  await untilSettled(service, held);
  expect(came('/ramp').slice(0, 10)).toEqual(held.slice(0, 10));
  expect(displacement(came('/ramp'), held)).toBeLessThan(2);
  const at = receiver.received('/ramp').map((one) => one.at);
  const gaps = at.slice(1).map((ms, n) => ms - at[n]!);
  // One after another: none began before the answer to the one before it.
  expect(Math.min(...gaps.slice(0, 9))).toBeGreaterThanOrEqual(55);
  expect(receiver.mostOpen('/ramp')).toBe(2);
});

test('while an endpoint is drained, what is new gets four fifths of its rate, and the drain the fifth', async () => {
  const { id, held } = await heldUp('share', 500, { maxInFlight: 10, ratePerSecond: 40 });
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  await until(() => came('/share').length >= 5, { what: 'the drain to begin' });
  // Four seconds' worth, more than can leave at once: most of it waits in the lane, beside the drain.
  const live = new Set(await service.publish(160, 'share'));
  await until(() => came('/share').filter((one) => live.has(one)).length === live.size, { what: 'what is new', deadlineMs: 40_000 });

  const all = came('/share');
  const first = all.findIndex((one) => live.has(one));
  const last = all.findLastIndex((one) => live.has(one));
  const drained = all.slice(first, last).filter((one) => !live.has(one)).length;
  const seconds = (receiver.received('/share')[last]!.at - receiver.received('/share')[first]!.at) / 1_000;
  // A fifth of 40 a second, and what was on its way; never nothing. Where new ones come more slowly than at their four fifths, as on a
  // machine that is busy, also what these leave, with a quarter more kept free for them.
  expect(drained).toBeLessThanOrEqual(Math.max(8 * seconds, 40 * seconds - 1.25 * live.size) + 6);
  expect(drained).toBeGreaterThanOrEqual(live.size / 10);

  // When nothing new comes the drain has all of the rate: it takes less time than a fifth of it would, by far.
  const left = held.length - all.filter((one) => !live.has(one)).length;
  const since = performance.now();
  await untilSettled(service, held, 40_000);
  expect(left).toBeGreaterThan(100);
  expect(performance.now() - since).toBeLessThan((left / 8) * 1_000 * 0.7 + 3_000);
  expect(displacement(came('/share').filter((one) => !live.has(one)), held)).toBeLessThan(10);
});

test('a drain that is paused holds what has not left, what is new goes on, and a start takes it up where it was', async () => {
  receiver.willAnswer('/pause', [], { status: 200, afterMs: 30 });
  const { id, held } = await heldUp('pause', 60, { maxInFlight: 1, ratePerSecond: 100 });
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  await until(() => came('/pause').length >= 5, { what: 'the drain to begin' });
  await service.ok('POST', `/v1/endpoints/${id}/drain`, { action: 'pause' });
  // What is in flight ends as it ends.
  const left = came('/pause').length;
  await until(async () => (await counts(id))['PENDING'] === undefined, { what: 'what has not left to be held' });
  const live = await service.publish(3, 'pause');
  await untilSettled(service, live);
  expect(await health(id)).toMatchObject({ status: 'ACTIVE', drainPaused: true });
  expect((await counts(id))['HELD']).toBeGreaterThanOrEqual(60 - left - 2);
  expect(came('/pause').length).toBeLessThanOrEqual(left + 2 + live.length);
  const reasons = (await readDeliveries(service.db, id)).flatMap(({ status, reason }) => (status === 'HELD' ? [reason] : []));
  expect(new Set(reasons)).toEqual(new Set(['drain_paused']));

  await service.ok('POST', `/v1/endpoints/${id}/drain`, { action: 'start' });
  await untilSettled(service, held);
  expect(await counts(id)).toEqual({ DELIVERED: 63 });
  expect(came('/pause').filter((one) => !live.includes(one))).toEqual(held);
});

test('a drain that is dropped discards what is held, and nothing of it is sent later', async () => {
  const { id, held } = await heldUp('drop', 20, {});
  await service.ok('POST', `/v1/endpoints/${id}/drain`, { action: 'drop' });
  expect((await readDeliveries(service.db, id)).map(({ status, reason }) => [status, reason])).toEqual(Array(20).fill(['CANCELLED', 'discarded']));
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  const live = await service.publish(2, 'drop');
  await untilSettled(service, [...held, ...live]);
  expect(came('/drop').sort()).toEqual([...live].sort());
  const { data: audit } = await service.ok('GET', `/v1/audit?subjectId=${id}`);
  expect(audit.find(({ action }: { action: string }) => action === 'endpoint.drain')).toMatchObject({ actor: expect.any(String) as string, detail: { action: 'drop', deliveries: 20 } });
});

test('the signals of the Temporal UI drain, pause and drop as the API does, and what they can not do stops nobody', async () => {
  const { id, held } = await heldUp('signals', 6, {});
  const watcher = service.temporal.workflow.getHandle(`endpoint/${id}`);
  // There is no drain of a deactivated endpoint; nor any of these.
  await watcher.signal('drain');
  await watcher.signal('drain', { action: 'sideways' });
  await watcher.signal('reactivate', { drain: false });
  await until(async () => (await health(id)).status === 'ACTIVE', { what: 'the reactivation' });
  expect(await health(id)).toMatchObject({ held: 6, drainPaused: true });
  expect(came('/signals')).toEqual([]);
  await watcher.signal('drain');
  await untilSettled(service, held);
  await until(async () => (await counts(id))['DELIVERED'] === 6, { what: 'the drain' });

  await watcher.signal('deactivate', { reason: 'by hand' });
  await until(async () => (await health(id)).status === 'DEACTIVATED', { what: 'the deactivation' });
  expect(await health(id)).toMatchObject({ reason: 'by hand' });
  await service.publish(4, 'signals');
  await until(async () => (await health(id)).held === 4, { what: 'what is held' });
  await watcher.signal('drain', { action: 'drop' });
  await until(async () => (await health(id)).held === 0, { what: 'the drop' });
  expect(await counts(id)).toEqual({ DELIVERED: 6, CANCELLED: 4 });
  const { data: audit } = await service.ok('GET', `/v1/audit?subjectId=${id}`);
  expect(audit.filter(({ actor }: { actor: string }) => actor === 'signal').map(({ action }: { action: string }) => action).reverse())
    .toEqual(['endpoint.reactivate', 'endpoint.drain', 'endpoint.deactivate', 'endpoint.drain']);
});
