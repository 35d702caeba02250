import { startApi, type TestApi } from '../support/api';
import { openReceiver, type Receiver } from '../support/receiver';

let api: TestApi;
let receiver: Receiver;
beforeAll(async () => {
  [api, receiver] = await Promise.all([startApi(), openReceiver()]);
});
afterAll(() => Promise.all([api.close(), receiver.close()]));

const webhooks = (flow: string): string => `/v1/flows/${flow}/webhooks`;
const add = (flow: string, path = '/hook') => api.call('POST', webhooks(flow), { url: `${receiver.url}${path}` });

it('a webhook is an endpoint of the dialect flow, in the scope of its flow, for all four types', async () => {
  const { status, body } = await add('onboarding');
  expect(status).toBe(201);
  expect(body).toMatchObject({
    dialect: 'flow', scope: 'flow:onboarding', status: 'ACTIVE', events: ['flow.start', 'flow.end', 'technology.start', 'technology.end'],
    secret: expect.stringMatching(/^whsec_/),
  });
  const { secret: _secret, publicKey: _key, ...endpoint } = body;
  expect((await api.call('GET', `/v1/endpoints/${body.id}`)).body).toEqual(endpoint);
  expect((await api.call('GET', webhooks('onboarding'))).body).toEqual({ data: [endpoint], nextCursor: null });
  expect((await api.call('GET', webhooks('other'))).body.data).toEqual([]);
  expect((await api.call('POST', webhooks('no%20name'), { url: receiver.url })).status).toBe(404);
});

it('a flow has at most five, also where fifty are added at once, and a deleted one makes room', async () => {
  const replies = await Promise.all(Array.from({ length: 50 }, (_, n) => add('crowded', `/${n}`)));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(5);
  expect(new Set(replies.filter(({ status }) => status !== 201).map(({ body }) => body.code))).toEqual(new Set(['scope_full']));
  const { data } = (await api.call('GET', webhooks('crowded'))).body;
  expect(data).toHaveLength(5);

  expect((await api.call('DELETE', `${webhooks('onboarding')}/${data[0].id}`)).status).toBe(404);
  expect((await api.call('DELETE', `${webhooks('crowded')}/${data[0].id}`)).status).toBe(204);
  expect((await add('crowded')).status).toBe(201);
  expect((await add('crowded')).body.code).toBe('scope_full');
  // The same room is counted where an endpoint is made by hand.
  expect((await api.call('POST', '/v1/endpoints', { url: receiver.url, dialect: 'flow', scope: 'flow:crowded' })).body.code).toBe('scope_full');
});

it('a test sends one signed request of the right shape and tells what came of it', async () => {
  const { body: { id } } = await add('tested', '/tested');
  receiver.willAnswer('/tested', [{ status: 503, body: 'not now' }]);
  expect((await api.call('POST', `${webhooks('tested')}/${id}/test`, {})).body).toMatchObject({ statusCode: 503, outcome: 'http_error', responseBody: 'not now' });
  const [request] = receiver.received('/tested');
  expect(JSON.parse(request!.body)).toEqual({
    id: request!.headers['webhook-id'], event: 'endpoint.test', session_id: request!.headers['webhook-id'], created: expect.any(Number),
    success: true, flow_name: null, metadata: {}, data: { test: true },
  });
  expect(request!.headers['webhook-signature']).toMatch(/^v1,/);
  expect((await api.call('POST', `${webhooks('other')}/${id}/test`, {})).status).toBe(404);
});

describe('a refresh', () => {
  it('that succeeds reactivates, drains and keeps the secret', async () => {
    const { body: { id, secret } } = await add('refreshed', '/refreshed');
    await api.call('POST', `/v1/endpoints/${id}/deactivate`, {});
    const reply = await api.call('POST', `${webhooks('refreshed')}/${id}/refresh`);
    expect(reply).toMatchObject({ status: 200, body: { id, status: 'ACTIVE', test: { statusCode: 200, outcome: 'ok' } } });
    expect(reply.body).not.toHaveProperty('secret');
    expect((await api.call('GET', `/v1/endpoints/${id}/secret`)).body.secret).toBe(secret);
  });

  it('that fails changes nothing', async () => {
    const { body: { id } } = await add('refused', '/refused');
    await api.call('POST', `/v1/endpoints/${id}/deactivate`, {});
    receiver.willAnswer('/refused', [], 500);
    const reply = await api.call('POST', `${webhooks('refused')}/${id}/refresh`, {});
    expect(reply).toMatchObject({ status: 200, body: { status: 'DEACTIVATED', test: { statusCode: 500 } } });
  });

  it('of an endpoint that has no secret of its own making refuses to rotate it, before it calls anybody', async () => {
    const { body: { id } } = await api.call('POST', '/v1/endpoints', { url: `${receiver.url}/chakra`, dialect: 'chakra', scope: 'flow:mixed', secret: 's' });
    const reply = await api.call('POST', `${webhooks('mixed')}/${id}/refresh`, { rotateSecret: true });
    expect(reply).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path: 'rotateSecret', message: expect.stringContaining('chakra') }] } });
    expect(receiver.received('/chakra')).toEqual([]);
    expect((await api.call('POST', `${webhooks('mixed')}/${id}/refresh`)).status).toBe(200);
  });

  it('rotates the secret only where it is asked to, and both sign for a day', async () => {
    const { body: { id, secret } } = await add('rotated', '/rotated');
    const { body } = await api.call('POST', `${webhooks('rotated')}/${id}/refresh`, { rotateSecret: true });
    expect(body.secret).toMatch(/^whsec_/);
    expect(body.secret).not.toBe(secret);
    await api.call('POST', `${webhooks('rotated')}/${id}/test`, {});
    expect(receiver.received('/rotated').at(-1)!.headers['webhook-signature']!.split(' ')).toHaveLength(2);
  });
});
