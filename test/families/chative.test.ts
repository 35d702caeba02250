import { useService } from '../support/stage';
import { makeTls } from '../support/tls';
import { until } from '../support/wait';

const { service, receiver } = useService((later) => {
  const tls = makeTls();
  later(() => tls.remove());
  return { env: { NODE_EXTRA_CA_CERTS: tls.caFile }, tls };
});

const SECONDS = expect.any(Number);
/** Shorter than the five seconds of the family, which `test/domain/dialect.test.ts` knows. */
const QUICK = { retry: { delays: ['30ms', '30ms', '30ms', '30ms', '30ms'] } };
const bodies = (path: string) => receiver.received(path).map(({ body }) => JSON.parse(body));
const untilReceived = (path: string, count: number) => until(() => receiver.received(path).length >= count && bodies(path), { what: `${count} requests at ${path}` });
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a delivery as the API answers it
const untilDelivery = (endpointId: string, status: string): Promise<any> => until(async () => {
  const { data } = await service.ok('GET', `/v1/deliveries?endpointId=${endpointId}`);
  return data[0]?.status === status && service.ok('GET', `/v1/deliveries/${data[0].id}`);
}, { what: `a delivery that is ${status}` });

test('a contact that is made and changed is told as the family documents it, with the verify token', async () => {
  const made = await service.ok('POST', '/v1/endpoints', {
    url: `${receiver.url}/contact`, dialect: 'chative', events: ['record:*'], verifyToken: 'only we know', policy: { ordering: 'fifo' },
  });
  expect(made).toMatchObject({ verifyToken: '[redacted]', secret: null });
  const before = Math.floor(Date.now() / 1000);
  const contact = await service.ok('POST', '/v1/records', { type: 'contact', attributes: { name: 'Ada ☃', city: 'Pune', age: 36 } });
  await service.ok('PATCH', `/v1/records/${contact.id}`, { attributes: { city: 'Graz', age: null } });

  const [created, updated] = await untilReceived('/contact', 2);
  expect(created).toEqual({
    _id: expect.stringMatching(/^evt_/), event: 'record:create', createdAt: SECONDS, deliveryAttempts: 1, firstSentAt: SECONDS,
    items: [{
      _id: contact.id, object: 'contact', createdAt: created.createdAt, data: { name: 'Ada ☃', city: 'Pune', age: 36 },
      infoWebhook: { verifyToken: 'only we know' },
    }],
  });
  expect(Object.keys(created)).toEqual(['_id', 'event', 'createdAt', 'deliveryAttempts', 'firstSentAt', 'items']);
  for (const at of [created.createdAt, created.firstSentAt]) {
    expect(Number.isInteger(at)).toBe(true);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThan(before + 60);
  }
  expect(updated).toMatchObject({ event: 'record:update', items: [{ _id: contact.id, data: { city: 'Graz', age: null } }] });
  expect(updated._id).not.toBe(created._id);

  const { headers } = receiver.received('/contact')[0]!;
  expect(headers['content-type']).toBe('application/json');
  expect(Object.keys(headers).filter((name) => name.startsWith('webhook-') || name.includes('signature'))).toEqual([]);

  const { attempts } = await untilDelivery(made.id, 'DELIVERED');
  expect(JSON.parse(attempts[0].request.body).items[0].infoWebhook).toEqual({ verifyToken: '[redacted]' });
});

test('each request counts, the first one keeps its time, 201 is a failure, and after six the webhook is deactivated until a person acts', async () => {
  receiver.willAnswer('/failing', [201, 500, { status: 429, headers: { 'retry-after': '3600' } }, 204, 500, 201], 200);
  const { id } = await service.endpoint(`${receiver.url}/failing`, { dialect: 'chative', events: ['contact.called'], policy: QUICK });
  const event = await service.ok('POST', '/v1/events', '{"type":"contact.called","data":{"long":12,"1":"first"}}');

  const exhausted = await untilDelivery(id, 'EXHAUSTED');
  const told = bodies('/failing');
  expect(told.map(({ deliveryAttempts }) => deliveryAttempts)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(new Set(told.map(({ firstSentAt }) => firstSentAt)).size).toBe(1);
  expect(new Set(told.map(({ _id }) => _id))).toEqual(new Set([event.id]));
  expect(told[0].items).toEqual([{ _id: event.id, object: 'event', createdAt: told[0].createdAt, data: { long: 12, 1: 'first' }, infoWebhook: {} }]);
  expect(receiver.received('/failing')[0]!.body).toContain('"data":{"long":12,"1":"first"}');
  // What is shown is what was sent, counters and all.
  expect(exhausted.attempts.map(({ request }: { request: { body: string } }) => request.body)).toEqual(receiver.received('/failing').map(({ body }) => body));

  const off = await until(async () => {
    const endpoint = await service.ok('GET', `/v1/endpoints/${id}`);
    return endpoint.status === 'DEACTIVATED' && endpoint;
  }, { what: 'the deactivation' });
  expect(off).toMatchObject({ statusReason: 'exhausted', policy: { probe: null, success: [200] } });

  const { id: heldId } = await service.ok('POST', '/v1/events', { type: 'contact.called', data: 2 });
  await untilDelivery(id, 'HELD');
  await service.ok('POST', `/v1/endpoints/${id}/reactivate`, { drain: true });
  await untilDelivery(id, 'DELIVERED');
  expect(bodies('/failing').at(-1)).toMatchObject({ _id: heldId, deliveryAttempts: 1, items: [{ data: 2 }] });

  // A resend goes on counting: the payload has been sent that often.
  await service.ok('POST', `/v1/events/${event.id}/resend`, {});
  const again = (await untilReceived('/failing', 8)).at(-1);
  expect(again).toMatchObject({ _id: event.id, deliveryAttempts: 7, firstSentAt: told[0].firstSentAt });
});

test('only https addresses, and a token only where it is sent', async () => {
  const refused = await service.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', dialect: 'chative' });
  expect(refused).toMatchObject({ status: 422, body: { code: 'https_required', errors: [{ path: 'url' }] } });
  const stray = await service.call('POST', '/v1/endpoints', { url: `${receiver.url}/x`, verifyToken: 'x' });
  expect(stray).toMatchObject({ status: 422, body: { errors: [{ path: 'verifyToken' }] } });
  const secret = await service.call('POST', '/v1/endpoints', { url: `${receiver.url}/x`, dialect: 'chative', secret: 'any' });
  expect(secret).toMatchObject({ status: 422, body: { errors: [{ path: 'secret' }] } });
});

test('a token is changed, kept and removed by a change, never shown, and the next request carries what is set', async () => {
  const { id } = await service.endpoint(`${receiver.url}/token`, { dialect: 'chative', events: ['token.*'], verifyToken: 'one' });
  const next = async (verifyToken: string | null) => {
    const endpoint = await service.ok('PATCH', `/v1/endpoints/${id}`, { verifyToken });
    const count = receiver.received('/token').length + 1;
    await service.ok('POST', '/v1/events', { type: 'token.used', data: {} });
    const told = await untilReceived('/token', count);
    return [endpoint.verifyToken, told.at(-1).items[0].infoWebhook];
  };
  expect(await next('[redacted]')).toEqual(['[redacted]', { verifyToken: 'one' }]);
  expect(await next('two')).toEqual(['[redacted]', { verifyToken: 'two' }]);
  expect(await next(null)).toEqual([null, {}]);
  expect((await service.call('PATCH', `/v1/endpoints/${id}`, { verifyToken: '[redacted]' })).status).toBe(422);
  const [row] = await service.db.query<{ kept: string | null }>({ text: 'select verify_token as kept from endpoints where verify_token is not null limit 1' });
  expect(row!.kept).not.toContain('only we know');
});

test('processes and tasks are none of its business', async () => {
  await service.endpoint(`${receiver.url}/all`, { dialect: 'chative', events: ['*'] });
  await service.ok('POST', '/v1/processes', { type: 'lead' });
  const { id } = await service.ok('POST', '/v1/records', { type: 'contact' });
  const told = await untilReceived('/all', 1);
  expect(told.map(({ items }) => items[0]._id)).toEqual([id]);
  const named = await service.call('POST', '/v1/endpoints', { url: `${receiver.url}/x`, dialect: 'chative', events: ['process:update'] });
  expect(named).toMatchObject({ status: 422, body: { errors: [{ path: 'events' }] } });
});
