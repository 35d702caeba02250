import { isSigned, readDeliveries } from '../support/checks';
import { fakeDns } from '../support/fake-names';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const dns = fakeDns();
const { service, receiver } = useService((later) => {
  later(() => dns.remove());
  return { env: dns.env };
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a delivery as the API answers it
const delivery = (id: string): Promise<any> => service.ok('GET', `/v1/deliveries/${id}`);

/** An endpoint whose first delivery was answered 500 and waits for an hour. */
async function waiting(name: string, body: object = {}, url = `${receiver.url}/${name}`): Promise<{ id: string; secret: string; deliveryId: string }> {
  receiver.willAnswer(`/${name}`, [{ status: 500, headers: { connection: 'close' } }], 200);
  const endpoint = await service.endpoint(url, { events: [name], policy: { retry: { delays: ['1h', '2h'], jitter: 0 }, deactivate: 'never', timeout: '3s', connectTimeout: '1s' }, ...body });
  const [eventId] = await service.publish(1, name);
  const { id: deliveryId } = await until(async () => (await service.ok('GET', `/v1/deliveries?eventId=${eventId}`)).data[0], { what: 'the plan' });
  await service.untilDelivery(deliveryId, 'RETRYING');
  return { ...endpoint, deliveryId };
}

test('the next attempt has the address, the headers and the secret that the endpoint has by then', async () => {
  const { id, secret, deliveryId } = await waiting('moved', { headers: { 'x-team': 'old' } });
  await service.ok('PATCH', `/v1/endpoints/${id}`, { url: `${receiver.url}/moved/to?here=1`, headers: { 'x-team': 'new' } });
  const { secret: newer } = await service.ok('POST', `/v1/endpoints/${id}/rotate-secret`, { graceSeconds: 0 });
  await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
  await service.untilDelivery(deliveryId, 'DELIVERED');
  expect(receiver.received('/moved')).toHaveLength(1);
  const [request] = receiver.received('/moved/to?here=1');
  expect(request!.headers['x-team']).toBe('new');
  expect([isSigned(request!, secret), isSigned(request!, newer)]).toEqual([false, true]);
});

test('what an event is owed stays as it was decided, whatever becomes of its rule before the retry', async () => {
  receiver.willAnswer('/pinned', [500], 200);
  const policy = { retry: { delays: ['1h'], jitter: 0 }, deactivate: 'never' };
  const [owed, late] = [await service.endpoint(`${receiver.url}/pinned`, { events: [], policy }), await service.endpoint(`${receiver.url}/late`, { events: [], policy })];
  const rule = await service.ok('POST', '/v1/rules', { name: 'pinned', events: ['pinned'], condition: { 'data.n': 0 }, endpointIds: [owed.id] });
  const [eventId] = await service.publish(1, 'pinned');
  const { id } = await until(async () => (await service.ok('GET', `/v1/deliveries?eventId=${eventId}`)).data[0], { what: 'the plan' });
  await service.untilDelivery(id, 'RETRYING');
  await service.ok('PATCH', `/v1/rules/${rule.id}`, { endpointIds: [late.id] });
  await service.ok('DELETE', `/v1/rules/${rule.id}`);
  await service.ok('POST', `/v1/deliveries/${id}/retry`);
  await service.untilDelivery(id, 'DELIVERED');
  const [first, second] = receiver.received('/pinned');
  expect(second!.body).toBe(first!.body);
  expect(receiver.received('/late')).toEqual([]);
  expect((await service.ok('GET', `/v1/deliveries?eventId=${eventId}`)).data).toHaveLength(1);
});

test('a name that resolves to a forbidden address by then is not called', async () => {
  dns.resolveTo({ 'hooks.test': ['127.0.0.1'] });
  const { deliveryId } = await waiting('rebound', {}, `http://hooks.test:${receiver.port}/rebound`);
  expect(receiver.received('/rebound')).toHaveLength(1);
  // Also one forbidden answer among others.
  for (const [attempts, addresses] of [[2, ['169.254.169.254']], [3, ['127.0.0.1', '10.0.0.1']]] as const) {
    dns.resolveTo({ 'hooks.test': addresses });
    await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
    const found = await until(async () => {
      const seen = await delivery(deliveryId);
      return seen.attemptCount === attempts && seen;
    }, { what: `attempt ${attempts}` });
    expect(found.attempts.at(-1)).toMatchObject({ outcome: 'address_forbidden', statusCode: null });
  }
  expect(await delivery(deliveryId)).toMatchObject({ status: 'EXHAUSTED' });
  expect(receiver.received('/rebound')).toHaveLength(1);
});

test('an endpoint that is deleted has its deliveries cancelled with it, and nothing arrives once its timeout is over', async () => {
  // The first twenty are told to wait for an hour, the others come again at once.
  const fails = { status: 500, afterMs: 50 };
  receiver.willAnswer('/deleted', Array(20).fill({ ...fails, headers: { 'retry-after': '3600' } }), fails);
  const { id } = await service.endpoint(`${receiver.url}/deleted`, {
    events: ['deleted'], policy: { retry: { delays: Array(50).fill('10ms'), jitter: 0 }, deactivate: 'never', timeout: '3s', connectTimeout: '1s', maxInFlight: 20, ratePerSecond: 200 },
  });
  const ids = await service.publish(40, 'deleted');
  await until(() => receiver.received('/deleted').length > 60, { what: 'retries to come' });
  const waits = await until(async () => {
    const rows = await service.db.query<{ id: string }>({
      text: `select id from deliveries where endpoint_id = $1 and status = 'RETRYING' and next_attempt_at > now() + interval '30 minutes'`, values: [id],
    });
    return rows.length === 20 && rows.map((row) => row.id);
  }, { what: 'the first twenty to wait' });
  await service.ok('DELETE', `/v1/endpoints/${id}`);
  const deletedAt = performance.now();
  // As soon as the answer is there: of the others some are in flight, or recorded in the very moment, and are cancelled after it.
  const left = (await readDeliveries(service.db, id)).filter(({ status }) => status !== 'CANCELLED');
  expect(left.filter((one) => waits.includes(one.id))).toEqual([]);
  await untilSettled(service, ids);
  expect((await readDeliveries(service.db, id)).map(({ status, reason }) => [status, reason])).toEqual(Array(40).fill(['CANCELLED', 'endpoint_deleted']));
  const runs = (await readDeliveries(service.db, id)).map((one) => service.temporal.workflow.getHandle(`delivery/${one.id}`));
  // Nobody is left who could send.
  await until(async () => {
    const states = await Promise.all(runs.map((run) => run.describe().then(({ status }) => status.name, () => 'none')));
    return states.every((name) => name !== 'RUNNING');
  }, { what: 'the end of the workflows' });
  expect(Math.max(...receiver.received('/deleted').map(({ at }) => at))).toBeLessThan(deletedAt + 3_000);
  const lost = await service.publish(2, 'deleted');
  await untilSettled(service, lost);
  expect(await readDeliveries(service.db, id)).toHaveLength(40);
});

test('new delays count from the next attempt on: a wait that has begun goes on, unless somebody asks', async () => {
  const { id, deliveryId } = await waiting('patience');
  const before = await delivery(deliveryId);
  await service.ok('PATCH', `/v1/endpoints/${id}`, { policy: { retry: { delays: ['50ms', '30m', '30m'] } } });
  expect(await delivery(deliveryId)).toMatchObject({ status: 'RETRYING', nextAttemptAt: before.nextAttemptAt });

  receiver.willAnswer('/patience', [500], 200);
  await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
  const again = await until(async () => {
    const found = await delivery(deliveryId);
    return found.attemptCount === 2 && found.status === 'RETRYING' && found;
  }, { what: 'the second attempt' });
  // The second wait of the new schedule.
  expect(Math.abs(Date.parse(again.nextAttemptAt) - Date.parse(again.attempts[1].startedAt) - 1_800_000)).toBeLessThan(10_000);
});

test('another rule of success, and a schedule that is used up by then, count at the next attempt', async () => {
  const { id, deliveryId } = await waiting('strict');
  receiver.willAnswer('/strict', [], 202);
  await service.ok('PATCH', `/v1/endpoints/${id}`, { policy: { success: [200], retry: { delays: ['1h'] } } });
  await service.ok('POST', `/v1/deliveries/${deliveryId}/retry`);
  expect(await service.untilDelivery(deliveryId, 'EXHAUSTED')).toMatchObject({ attemptCount: 2 });
});
