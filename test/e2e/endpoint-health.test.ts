import { readDeliveries } from '../support/checks';
import { openReceiver, refusedAddress } from '../support/receiver';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService({ env: { POSTHORN_RECONCILE_EVERY_MS: '1000' } });

const QUICK = { delays: ['20ms', '20ms'], jitter: 0 };
const deliveriesTo = async (id: string): Promise<(string | null)[][]> => (await readDeliveries(service.db, id)).map(({ status, reason }) => [status, reason]);
/** What the audit trail says of a subject, oldest first. */
const audit = async (subjectId: string): Promise<string[]> =>
  (await service.ok('GET', `/v1/audit?subjectId=${subjectId}`)).data.map(({ actor, action }: { actor: string; action: string }) => `${action} by ${actor}`).reverse();
/** Operational events about an endpoint, as an observer was told. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of every operational type
const toldOf = (path: string, endpointId: string): any[] =>
  receiver.received(path).map(({ body }) => JSON.parse(body)).filter(({ data }) => data.endpointId === endpointId);

test('each step of an endpoint’s life is told to whoever asked, and stands in the audit trail with who or what did it', async () => {
  const { id: observer } = await service.endpoint(`${receiver.url}/observer`, { events: ['endpoint.*', 'delivery.*'], policy: { ordering: 'fifo' } });
  const closed = await refusedAddress();
  const { id } = await service.endpoint(`${closed.url}/`, {
    // It listens to everything, and still is not told of itself.
    events: ['steps', 'endpoint.*', 'delivery.*'],
    // The breaker opens after the fifth failure: its watcher, which hears of it four times a second, has the time to see that before the last one.
    policy: { retry: { delays: [...Array(4).fill('20ms'), ...Array(3).fill('1s')], jitter: 0 }, deactivate: { afterExhausted: 1 }, probe: null },
  });
  const [eventId] = await service.publish(1, 'steps');
  await service.untilEndpoint(id, 'DEACTIVATED');
  const opened = await openReceiver(closed.port);
  try {
    await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
    const [{ id: exhausted }] = (await service.ok('GET', `/v1/deliveries?eventId=${eventId}`)).data;
    const again = await service.ok('POST', `/v1/deliveries/${exhausted}/retry`);
    await until(() => toldOf('/observer', id).length >= 5, { what: 'five operational events' });
    const told = toldOf('/observer', id);
    expect(told.map(({ type, data }) => [type, data.reason])).toEqual([
      ['endpoint.failing', 'breaker'], ['delivery.exhausted', 'schedule_used_up'], ['endpoint.deactivated', 'exhausted'], ['endpoint.reactivated', null], ['delivery.recovered', null],
    ]);
    expect(told[1].data).toMatchObject({ deliveryId: exhausted, eventId, eventType: 'steps', attempts: 8, outcome: 'connection_refused', statusCode: null });
    expect(told[4].data).toMatchObject({ deliveryId: again.id, eventId, attempts: 1, outcome: 'ok' });
    const [, ...steps] = await audit(id);
    expect(steps).toEqual(['endpoint.fail by watcher', 'endpoint.deactivate by watcher', 'endpoint.reactivate by root']);
    expect([await audit(exhausted), await audit(again.id)]).toEqual([['delivery.exhaust by schedule'], ['delivery.recover by resend']]);
    expect(opened.received().map(({ body }) => JSON.parse(body).type)).toEqual(['steps']);
  } finally {
    await opened.close();
    await service.ok('DELETE', `/v1/endpoints/${observer}`);
  }
});

test('two sick endpoints that ask to be told of one another come to rest', async () => {
  receiver.willAnswer('/left', [], 500);
  receiver.willAnswer('/right', [], 500);
  const policy = { retry: QUICK, deactivate: { afterConsecutiveFailures: 4, afterFailingFor: null }, probe: { every: '50ms', max: '200ms' } };
  const events = ['sick', 'endpoint.*', 'delivery.*'];
  const pair = await Promise.all(['left', 'right'].map(async (name) => (await service.endpoint(`${receiver.url}/${name}`, { events, policy })).id));
  await service.publish(3, 'sick');
  for (const id of pair) await service.untilEndpoint(id, 'DEACTIVATED');
  // Both are probed all the time, with events about the other among others, and fail.
  const seen = receiver.received('/left').length + receiver.received('/right').length;
  await until(() => receiver.received('/left').length + receiver.received('/right').length >= seen + 20, { what: 'twenty probes' });
  const operational = await service.db.query<{ type: string; n: number }>({
    text: `select type, count(*)::int as n from events where (type like 'endpoint.%' or type like 'delivery.%') and data::json->>'endpointId' = any($1) group by type`, values: [pair],
  });
  // Each was deactivated once; at most each of the three deliveries to each was given up before.
  expect(operational.find(({ type }) => type === 'endpoint.deactivated')).toMatchObject({ n: 2 });
  expect(operational.find(({ type }) => type === 'endpoint.reactivated')).toBeUndefined();
  expect(operational.reduce((sum, { n }) => sum + n, 0)).toBeLessThanOrEqual(2 + 2 + 6);
  for (const id of pair) await service.ok('DELETE', `/v1/endpoints/${id}`);
});

test('an endpoint that has failed for as long as its policy says is deactivated, however few its failures are', async () => {
  receiver.willAnswer('/long', [], 500);
  const { id } = await service.endpoint(`${receiver.url}/long`, {
    events: ['long'], policy: { retry: { delays: ['500ms', '500ms', '500ms', '1h'], jitter: 0 }, deactivate: { afterFailingFor: '1s' }, probe: null },
  });
  await service.publish(1, 'long');
  await until(() => receiver.received('/long').length === 4, { what: 'four failures' });
  // Its watcher looks twice a minute by itself.
  const watcher = service.temporal.workflow.getHandle(`endpoint/${id}`);
  await until(async () => {
    await watcher.signal('changed');
    return (await service.ok('GET', `/v1/endpoints/${id}`)).status === 'DEACTIVATED';
  }, { what: 'the deactivation' });
  expect(await service.untilEndpoint(id, 'DEACTIVATED')).toMatchObject({ statusReason: 'failing_for' });
  expect(await deliveriesTo(id)).toEqual([['HELD', 'endpoint_deactivated']]);
});

test('an endpoint that is never to be deactivated is not, though all that it is owed is given up', async () => {
  receiver.willAnswer('/never', [], 500);
  const { id } = await service.endpoint(`${receiver.url}/never`, { events: ['never'], policy: { retry: QUICK, deactivate: 'never' } });
  const ids = await service.publish(6, 'never');
  await untilSettled(service, ids);
  expect(await deliveriesTo(id)).toEqual(Array(6).fill(['EXHAUSTED', null]));
  expect((await service.ok('GET', `/v1/endpoints/${id}`)).status).not.toBe('DEACTIVATED');
});

test.each([
  ['410', 'gone.410', 410, 'HELD'],
  ['a success that says "disable"', 'gone.success', { status: 200, headers: { 'webhook-delivery': 'disable' } }, 'DELIVERED'],
  ['a failure that says "disable"', 'gone.failure', { status: 503, headers: { 'webhook-delivery': 'Disable' } }, 'HELD'],
] as const)('an answer of %s deactivates the endpoint at once, and it is not probed', async (_, type, answer, status) => {
  receiver.willAnswer(`/${type}`, [answer], 200);
  const { id } = await service.endpoint(`${receiver.url}/${type}`, { events: [type], policy: { retry: QUICK, probe: { every: '20ms', max: '20ms' } } });
  const ids = await service.publish(1, type);
  expect(await service.untilEndpoint(id, 'DEACTIVATED')).toMatchObject({ statusReason: 'gone' });
  const later = await service.publish(1, type);
  await untilSettled(service, [...ids, ...later]);
  expect((await deliveriesTo(id)).map(([is]) => is)).toEqual([status, 'HELD']);
  expect((await audit(id)).at(-1)).toBe('endpoint.deactivate by receiver');
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  await untilSettled(service, later);
  expect(receiver.received(`/${type}`).map(({ headers }) => headers['webhook-id'])).toEqual(status === 'HELD' ? [...ids, ...ids, ...later] : [...ids, ...later]);
});

test('where the policy does not honour it a 410 is a failure like others', async () => {
  receiver.willAnswer('/deaf', [410], 200);
  const { id } = await service.endpoint(`${receiver.url}/deaf`, { events: ['deaf'], policy: { retry: QUICK, deactivate: { onGone: false } } });
  await untilSettled(service, await service.publish(1, 'deaf'));
  expect(await deliveriesTo(id)).toEqual([['DELIVERED', null]]);
});

test('a probe that is answered 410, and a person’s word, end the probing', async () => {
  const policy = { retry: { delays: ['20ms', '1h'], jitter: 0 }, deactivate: { afterConsecutiveFailures: 2 }, probe: { every: '30ms', max: '60ms' } };
  receiver.willAnswer('/last', [500, 500, 500, 410], 200);
  const { id: gone } = await service.endpoint(`${receiver.url}/last`, { events: ['last'], policy });
  await service.publish(1, 'last');
  await until(async () => (await service.ok('GET', `/v1/endpoints/${gone}`)).statusReason === 'gone', { what: 'the last word' });
  expect(receiver.received('/last')).toHaveLength(4);

  receiver.willAnswer('/stopped', [], 500);
  const { id: stopped } = await service.endpoint(`${receiver.url}/stopped`, { events: ['stopped'], policy });
  await service.publish(1, 'stopped');
  await until(() => receiver.received('/stopped').length >= 4, { what: 'two probes' });
  expect(await service.ok('POST', `/v1/endpoints/${stopped}/deactivate`, { reason: 'enough' })).toMatchObject({ status: 'DEACTIVATED', statusReason: 'enough' });
  const watcher = service.temporal.workflow.getHandle(`endpoint/${stopped}`);
  await until(async () => (await watcher.query<{ reason: string } | null>('health'))?.reason === 'enough', { what: 'the watcher to see it' });
  const [count] = [receiver.received('/stopped').length];
  receiver.willAnswer('/last', [], 200);
  // A third one is probed several times meanwhile; these are not.
  receiver.willAnswer('/other', [], 500);
  await service.endpoint(`${receiver.url}/other`, { events: ['other'], policy });
  await service.publish(1, 'other');
  await until(() => receiver.received('/other').length >= 8, { what: 'probes of another endpoint' });
  expect([receiver.received('/last').length, receiver.received('/stopped').length]).toEqual([4, count]);
});

test('a probe is numbered, uses up no retry, and leaves the delivery held; when one succeeds the rest follows by itself', async () => {
  receiver.willAnswer('/probe', [500, 500, 500, 503, 500], 200);
  // Probed no more often than that, it stays deactivated for long enough to be seen so, and for what is published then to be held.
  const { id } = await service.endpoint(`${receiver.url}/probe`, {
    events: ['probe'], policy: { retry: { delays: ['20ms', '1h'], jitter: 0 }, deactivate: { afterConsecutiveFailures: 2 }, probe: { every: '500ms', max: '500ms' } },
  });
  const first = await service.publish(1, 'probe');
  await service.untilEndpoint(id, 'DEACTIVATED');
  const rest = await service.publish(3, 'probe');
  await untilSettled(service, rest);
  await until(() => receiver.received('/probe').length >= 6, { what: 'the probe that succeeds' });
  await until(async () => (await deliveriesTo(id)).every(([status]) => status === 'DELIVERED'), { what: 'the drain' });
  expect(receiver.received('/probe').map(({ headers }) => headers['webhook-id'])).toEqual([...Array(6).fill(first[0]), ...rest]);
  const [probed] = await readDeliveries(service.db, id);
  expect(probed!.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
    [1, 'http_error'], [2, 'http_error'], [3, 'http_error'], [4, 'http_error'], [5, 'http_error'], [6, 'ok'],
  ]);
  const [row] = await service.db.query<{ failures: number }>({ text: 'select failures from deliveries where id = $1', values: [probed!.id] });
  expect(row!.failures).toBe(2);
  expect(await audit(id)).toEqual([expect.stringContaining('endpoint.create'), 'endpoint.deactivate by watcher', 'endpoint.reactivate by probe']);
});

test('what is held for longer than it may be is given up, and that is told', async () => {
  const { id: observer } = await service.endpoint(`${receiver.url}/expiry-observer`, { events: ['delivery.exhausted'] });
  const { id } = await service.endpoint(`${receiver.url}/expiring`, { events: ['expiring'], policy: { holdFor: '500ms' } });
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, {});
  const ids = await service.publish(2, 'expiring');
  await until(async () => (await deliveriesTo(id)).filter(([, reason]) => reason === 'hold_expired').length === 2, { what: 'the end of the hold' });
  expect(await deliveriesTo(id)).toEqual(Array(2).fill(['EXHAUSTED', 'hold_expired']));
  await until(() => toldOf('/expiry-observer', id).length === 2, { what: 'the news' });
  expect(toldOf('/expiry-observer', id).map(({ data }) => [data.eventId, data.reason, data.attempts, data.outcome]).sort()).toEqual(ids.map((eventId) => [eventId, 'hold_expired', 0, null]).sort());
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  await untilSettled(service, await service.publish(1, 'expiring'));
  expect(receiver.received('/expiring')).toHaveLength(1);
  await service.ok('DELETE', `/v1/endpoints/${observer}`);
});
