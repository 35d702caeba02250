import { isSigned, readDeliveries, violationsAt } from '../support/checks';
import type { Received } from '../support/receiver';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService();

/** Makes an endpoint at a path of its own that is owed events of that type, and publishes one. */
async function oneEvent(name: string, policy: object): Promise<{ endpointId: string; secret: string; eventId: string; deliveryId: string; path: string }> {
  const path = `/${name}`;
  const { id: endpointId, secret } = await service.endpoint(`${receiver.url}${path}`, { events: [name], policy });
  const { id: eventId } = await service.ok('POST', '/v1/events', { type: name, data: { name } });
  const { id: deliveryId } = await until(async () => (await service.ok('GET', `/v1/deliveries?eventId=${eventId}`)).data[0], { what: 'the plan' });
  return { endpointId, secret, eventId, deliveryId, path };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a delivery as the API answers it
const delivery = (id: string): Promise<any> => service.ok('GET', `/v1/deliveries/${id}`);

const gaps = (requests: readonly Received[]): number[] => requests.slice(1).map(({ at }, index) => at - requests[index]!.at);

test('a failed delivery is tried again on its schedule, with the same id and bytes, until it is delivered', async () => {
  receiver.willAnswer('/schedule', [500, { status: 503, body: 'busy' }, 404], 200);
  const { deliveryId, eventId, path, secret } = await oneEvent('schedule', { retry: { delays: ['200ms', '600ms', '50ms', '1h'], jitter: 0 } });

  const found = await service.untilDelivery(deliveryId, 'DELIVERED');
  const requests = receiver.received(path);
  expect(requests).toHaveLength(4);
  expect(new Set(requests.map(({ body }) => body)).size).toBe(1);
  expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual(Array(4).fill(eventId));
  expect(requests.every((request) => isSigned(request, secret))).toBe(true);
  const [first, second, third] = gaps(requests);
  // Never early (the database's clock rounds to a millisecond, due within 20 ms is due); late by the workflow's own start.
  expect(first).toBeGreaterThanOrEqual(170);
  expect(second).toBeGreaterThanOrEqual(570);
  expect(third).toBeGreaterThanOrEqual(20);
  expect(Math.max(first! - 200, second! - 600, third! - 50)).toBeLessThan(5_000);
  expect(found.attemptCount).toBe(4);
  expect(found.attempts.map((one: { number: number; outcome: string; statusCode: number }) => [one.number, one.outcome, one.statusCode])).toEqual([
    [1, 'http_error', 500], [2, 'http_error', 503], [3, 'http_error', 404], [4, 'ok', 200],
  ]);
  expect(found.attempts[1].response.body).toBe('busy');
  expect(found.attempts[0].request.body).toBe(requests[0]!.body);

  const run = service.temporal.workflow.getHandle(`delivery/${deliveryId}`);
  await expect(run.result()).resolves.toEqual({ status: 'DELIVERED', attempts: 4 });
});

test('jitter spreads the delay by its share and no more', async () => {
  receiver.willAnswer('/jitter', [500], 200);
  const { deliveryId, path } = await oneEvent('jitter', { retry: { delays: ['400ms'], jitter: 0.5 } });
  const waiting = await until(async () => (await delivery(deliveryId)).attempts[0]?.outcome && delivery(deliveryId), { what: 'the first attempt' });
  await service.untilDelivery(deliveryId, 'DELIVERED');
  expect(waiting.attempts[0].outcome).toBe('http_error');
  expect(gaps(receiver.received(path))[0]).toBeGreaterThanOrEqual(170);
});

test('Retry-After is honoured where it is later than the schedule', async () => {
  receiver.willAnswer('/hint', [{ status: 429, headers: { 'retry-after': '2' } }], 200);
  const { deliveryId, path } = await oneEvent('hint', { retry: { delays: ['50ms'], jitter: 0 } });
  await service.untilDelivery(deliveryId, 'DELIVERED');
  expect(gaps(receiver.received(path))[0]).toBeGreaterThanOrEqual(1_950);
});

test('410 Gone deactivates the endpoint and holds what it is owed', async () => {
  receiver.willAnswer('/gone', [], 410);
  const { deliveryId, endpointId } = await oneEvent('gone', { retry: { delays: ['50ms'], jitter: 0 } });
  const found = await service.untilDelivery(deliveryId, 'HELD');
  expect(found).toMatchObject({ attemptCount: 1, reason: 'endpoint_deactivated', nextAttemptAt: null });
  expect(await service.ok('GET', `/v1/endpoints/${endpointId}`)).toMatchObject({ status: 'DEACTIVATED', statusReason: 'gone' });
});

test('a schedule that is used up ends the delivery as EXHAUSTED and its workflow as Failed', async () => {
  receiver.willAnswer('/hopeless', [], 500);
  const { deliveryId, path } = await oneEvent('hopeless', { retry: { delays: ['20ms', '20ms'], jitter: 0 }, deactivate: 'never' });
  const found = await service.untilDelivery(deliveryId, 'EXHAUSTED');
  expect(found).toMatchObject({ attemptCount: 3, nextAttemptAt: null });
  const run = service.temporal.workflow.getHandle(`delivery/${deliveryId}`);
  const status = await until(async () => {
    const { status: { name } } = await run.describe();
    return name !== 'RUNNING' && name;
  }, { what: 'the end of the workflow' });
  expect(status).toBe('FAILED');
  await expect(run.result()).rejects.toMatchObject({ cause: { message: 'given up after 3 attempts; the last came to 500', type: 'exhausted' } });
  expect(receiver.received(path)).toHaveLength(3);
});

test('a retry that sleeps is made at once when a person asks, and its place in the schedule is used up', async () => {
  receiver.willAnswer('/sleeping', [500, 500], 200);
  const { deliveryId, path } = await oneEvent('sleeping', { retry: { delays: ['1h', '30m'], jitter: 0 } });
  const waiting = await service.untilDelivery(deliveryId, 'RETRYING');
  expect(Date.parse(waiting.nextAttemptAt) - Date.now()).toBeGreaterThan(3_500_000);

  await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
  const again = await until(async () => {
    const found = await delivery(deliveryId);
    return found.attemptCount === 2 && found.status === 'RETRYING' && found;
  }, { what: 'the second attempt' });
  expect(Date.parse(again.nextAttemptAt) - Date.now()).toBeLessThan(1_900_000);
  await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
  await service.untilDelivery(deliveryId, 'DELIVERED');
  expect(receiver.received(path)).toHaveLength(3);
});

test('the retryNow signal of the Temporal UI alone changes nothing that PostgreSQL does not say', async () => {
  receiver.willAnswer('/signalled', [500], 200);
  const { deliveryId, path } = await oneEvent('signalled', { retry: { delays: ['1h'], jitter: 0 } });
  await service.untilDelivery(deliveryId, 'RETRYING');
  const run = service.temporal.workflow.getHandle(`delivery/${deliveryId}`);
  await until(() => run.signal('retryNow').then(() => true), { what: 'the workflow' });
  // It looked: one more activity stands in its history, and no request was made.
  await until(async () => {
    const { events = [] } = await run.fetchHistory();
    return (events ?? []).some((event) => event.activityTaskCompletedEventAttributes);
  }, { what: 'the look at PostgreSQL' });
  expect(receiver.received(path)).toHaveLength(1);
  await service.ok('POST', `/v1/deliveries/${deliveryId}/cancel`);
});

test('a cancelled delivery is not tried again, and its workflow ends', async () => {
  receiver.willAnswer('/unwanted', [], 500);
  const { deliveryId, path } = await oneEvent('unwanted', { retry: { delays: ['1h'], jitter: 0 } });
  await service.untilDelivery(deliveryId, 'RETRYING');
  const run = service.temporal.workflow.getHandle(`delivery/${deliveryId}`);
  await until(() => run.describe().then(() => true), { what: 'the workflow' });
  await service.ok('POST', `/v1/deliveries/${deliveryId}/cancel`);
  await expect(run.result()).resolves.toMatchObject({ status: 'CANCELLED' });
  expect(await delivery(deliveryId)).toMatchObject({ status: 'CANCELLED', reason: 'cancelled', nextAttemptAt: null });
  expect(receiver.received(path)).toHaveLength(1);
});

test('a delivery that was held while its retry slept goes on with its schedule after the drain, in a workflow of its own', async () => {
  receiver.willAnswer('/held', [500, 500], 200);
  const { deliveryId, endpointId, path } = await oneEvent('held', { retry: { delays: ['1h', '50ms'], jitter: 0 }, deactivate: 'never' });
  await service.untilDelivery(deliveryId, 'RETRYING');
  const run = service.temporal.workflow.getHandle(`delivery/${deliveryId}`);
  const { runId } = await until(() => run.describe(), { what: 'the workflow' });
  await service.ok('POST', `/v1/endpoints/${endpointId}/deactivate`, {});
  await service.untilDelivery(deliveryId, 'HELD');
  await expect(service.temporal.workflow.getHandle(`delivery/${deliveryId}`, runId).result()).resolves.toMatchObject({ status: 'HELD' });

  await service.ok('POST', `/v1/endpoints/${endpointId}/reactivate`, { drain: true });
  const found = await service.untilDelivery(deliveryId, 'DELIVERED');
  expect(found.attemptCount).toBe(3);
  expect(receiver.received(path)).toHaveLength(3);
});

test('a delivery that goes back to its workflow while that sleeps wakes it', async () => {
  receiver.willAnswer('/back', [500, 500], 200);
  const { deliveryId, endpointId } = await oneEvent('back', { retry: { delays: ['1h', '50ms'], jitter: 0 }, deactivate: 'never' });
  await service.untilDelivery(deliveryId, 'RETRYING');
  await until(() => service.temporal.workflow.getHandle(`delivery/${deliveryId}`).describe(), { what: 'the workflow' });
  // As a drain leaves it whose own signals were lost: in the lane, with the workflow asleep.
  await service.db.query({ text: `update deliveries set way = 'lane', reason = 'draining', next_attempt_at = now() where id = $1`, values: [deliveryId] });
  await service.ok('POST', `/v1/endpoints/${endpointId}/drain`, { action: 'start' });
  expect((await service.untilDelivery(deliveryId, 'DELIVERED')).attemptCount).toBe(3);
});

test('a finished delivery that is asked for again becomes a new one, linked to it', async () => {
  const { deliveryId, eventId, path } = await oneEvent('again', {});
  await service.untilDelivery(deliveryId, 'DELIVERED');
  const again = await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
  expect(again).toMatchObject({ resendOf: deliveryId, eventId });
  await service.untilDelivery(again.id, 'DELIVERED');
  const requests = receiver.received(path);
  expect(requests.map(({ headers }) => headers['webhook-id'])).toEqual([eventId, eventId]);
  expect(requests[0]!.body).toBe(requests[1]!.body);
});

test('while a rotated secret is in its grace, a retry verifies with the old one and the new one', async () => {
  receiver.willAnswer('/rotated', [500], 200);
  const { deliveryId, endpointId, secret, path } = await oneEvent('rotated', { retry: { delays: ['1h'], jitter: 0 } });
  await service.untilDelivery(deliveryId, 'RETRYING');
  const { secret: newer } = await service.ok('POST', `/v1/endpoints/${endpointId}/rotate-secret`, { graceSeconds: 3600 });
  await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
  await service.untilDelivery(deliveryId, 'DELIVERED');
  const [before, after] = receiver.received(path);
  expect([isSigned(before!, secret), isSigned(before!, newer)]).toEqual([true, false]);
  expect([isSigned(after!, secret), isSigned(after!, newer)]).toEqual([true, true]);
});

test('a receiver that fails every third request still gets each of 100 events', async () => {
  const plans = Array.from({ length: 200 }, (_, n) => (n % 3 === 0 ? 500 : 200));
  receiver.willAnswer('/flaky', plans, 200);
  const endpoint = await service.endpoint(`${receiver.url}/flaky`, {
    events: ['flaky'], policy: { retry: { delays: Array(12).fill('50ms'), jitter: 0.5 }, maxInFlight: 20, ratePerSecond: 1_000, deactivate: 'never' },
  });
  const eventIds = await service.publish(100, 'flaky');
  await untilSettled(service, eventIds);
  expect((await readDeliveries(service.db, endpoint.id)).map(({ status }) => status)).toEqual(Array(100).fill('DELIVERED'));
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/flaky', eventIds, crashes: 0 })).toEqual([]);
});
