import { createHmac } from 'node:crypto';
import { startApi, type TestApi } from '../support/api';
import { openReceiver } from '../support/receiver';

let api: TestApi;
let meta: string;
let friendly: string;
let standard: string;
beforeAll(async () => {
  api = await startApi();
  [meta = '', friendly = '', standard = ''] = await Promise.all(['meta', 'chakra-inbound', 'standard'].map(async (dialect) =>
    (await api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', dialect })).body.id as string));
});
afterAll(() => api.close());

const make = (body: object = {}) => api.call('POST', '/v1/channels', { kind: 'whatsapp', verifyToken: 'canary-token', ...body });

describe('a channel', () => {
  it('is answered whole, without its secrets, and read and listed so', async () => {
    const made = await make({ appSecret: 'canary-secret', passThroughEndpointId: meta, friendlyEndpointId: friendly, events: ['message', 'status'] });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^chn_/), kind: 'whatsapp', verifyToken: '[redacted]', appSecret: '[redacted]',
      passThroughEndpointId: meta, friendlyEndpointId: friendly, events: ['message', 'status'],
      createdAt: expect.any(String), updatedAt: expect.any(String),
    });
    expect((await api.call('GET', `/v1/channels/${made.body.id}`)).body).toEqual(made.body);
    expect((await api.call('GET', '/v1/channels')).body.data).toContainEqual(made.body);
  });

  it('has all four kinds of events, no endpoint and no app secret unless told', async () => {
    expect((await make()).body).toMatchObject({
      events: ['message', 'status', 'message_echo', 'smb_message_echo'], passThroughEndpointId: null, friendlyEndpointId: null, appSecret: null,
    });
  });

  it('keeps its secrets sealed, in the row and in the audit trail', async () => {
    await make({ appSecret: 'canary-secret' });
    const [row] = await api.db.query<{ all: string }>({
      text: 'select (select json_agg(c) from channels c)::text || (select json_agg(a) from audit a)::text as all',
    });
    expect(row?.all).toContain('chn_');
    expect(row?.all).not.toContain('canary');
  });

  it.each([
    ['an unknown kind', { kind: 'sms' }, 'kind'],
    ['no verify token', { verifyToken: undefined }, 'verifyToken'],
    ['an unknown kind of event', { events: ['message', 'template'] }, 'events.1'],
    ['no kind of event', { events: [] }, 'events'],
    ['one kind twice', { events: ['message', 'message'] }, 'events'],
    ['an endpoint of nobody', { passThroughEndpointId: 'ep_01jc3f7x9k2m4n6p8q0r2s4t6v' }, 'passThroughEndpointId'],
  ])('is refused with %s', async (_what, body, path) => {
    expect(await make(body)).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path }] } });
  });

  it('is refused an endpoint of another dialect, in either place', async () => {
    const reply = await make({ passThroughEndpointId: friendly, friendlyEndpointId: standard });
    expect(reply.status).toBe(422);
    expect(reply.body.errors.map(({ path, message }: { path: string; message: string }) => `${path} ${message}`)).toEqual([
      `passThroughEndpointId must speak the dialect meta; ${friendly} speaks chakra-inbound`,
      `friendlyEndpointId must speak the dialect chakra-inbound; ${standard} speaks standard`,
    ]);
    const { id } = (await make()).body;
    expect((await api.call('PATCH', `/v1/channels/${id}`, { passThroughEndpointId: standard })).status).toBe(422);
  });

  it("is refused another workspace's endpoint", async () => {
    const { headers } = await api.tenant();
    const reply = await api.call('POST', '/v1/channels', { kind: 'whatsapp', verifyToken: 'v', passThroughEndpointId: meta }, headers);
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'passThroughEndpointId' }] } });
  });

  it('is changed part by part: null takes away, "[redacted]" keeps', async () => {
    const { id } = (await make({ appSecret: 's', passThroughEndpointId: meta })).body;
    const change = (body: object) => api.call('PATCH', `/v1/channels/${id}`, body);
    expect((await change({ events: ['status'], friendlyEndpointId: friendly })).body).toMatchObject({
      events: ['status'], friendlyEndpointId: friendly, passThroughEndpointId: meta, appSecret: '[redacted]',
    });
    expect((await change({ appSecret: '[redacted]', verifyToken: '[redacted]', passThroughEndpointId: null })).body).toMatchObject({
      appSecret: '[redacted]', passThroughEndpointId: null, friendlyEndpointId: friendly,
    });
    const challenge = (token: string) => api.call('GET', `/inbound/${id}?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=1`, undefined, { authorization: null });
    expect((await challenge('canary-token')).status).toBe(200);
    expect((await change({ appSecret: null, verifyToken: 'other' })).body).toMatchObject({ appSecret: null });
    expect([(await challenge('canary-token')).status, (await challenge('other')).status]).toEqual([403, 200]);
    expect((await change({ kind: 'whatsapp' })).status).toBe(422);
  });

  it('bumps the routing with each change, loses an endpoint that is deleted, and can be deleted', async () => {
    const revision = async () => (await api.db.query<{ n: number }>({ text: `select routing_revision as n from workspaces where name = 'default'` }))[0]?.n ?? 0;
    const doomed = (await api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', dialect: 'meta' })).body.id;
    const before = await revision();
    const { id } = (await make({ passThroughEndpointId: doomed })).body;
    await api.call('PATCH', `/v1/channels/${id}`, { events: ['status'] });
    await api.call('DELETE', `/v1/endpoints/${doomed}`);
    expect((await api.call('GET', `/v1/channels/${id}`)).body.passThroughEndpointId).toBeNull();
    expect((await api.call('DELETE', `/v1/channels/${id}`)).status).toBe(204);
    expect((await api.call('GET', `/v1/channels/${id}`)).status).toBe(404);
    expect(await revision()).toBe(before + 4);
  });
});

describe('an endpoint of an inbound dialect', () => {
  const made = (path: string, body: object) => api.call('POST', path, body);

  it.each([['meta', '*'], ['meta', 'inbound.raw'], ['chakra-inbound', 'inbound.*'], ['chakra-inbound', 'process:*']])('(%s) can not subscribe to %s', async (dialect, pattern) => {
    const reply = await made('/v1/endpoints', { url: 'http://127.0.0.1:9/', dialect, events: [pattern] });
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'events' }] } });
    const id = dialect === 'meta' ? meta : friendly;
    expect((await api.call('PATCH', `/v1/endpoints/${id}`, { events: [pattern] })).status).toBe(422);
  });

  it('can be named by rules only for what it can be told of; others can not subscribe to inbound types', async () => {
    const rule = (events: string[], endpointIds: string[]) => made('/v1/rules', { name: 'r', events, endpointIds });
    expect((await rule(['inbound.raw'], [meta])).status).toBe(201);
    expect((await rule(['inbound.*'], [meta, friendly, standard])).status).toBe(201);
    for (const type of ['*', 'process:*', 'inbound.message']) {
      expect(await rule(['inbound.raw', type], [standard, meta])).toMatchObject({ status: 422, body: { errors: [{ path: 'endpointIds.1' }] } });
    }
    const reply = await made('/v1/endpoints', { url: 'http://127.0.0.1:9/', events: ['inbound.message'] });
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'events' }] } });
  });

  it('is not sent another event again, even where it is named', async () => {
    const { id } = (await made('/v1/events', { type: 'order.paid', data: 1 })).body;
    await api.db.query({ text: `insert into plans (event_id, workspace_id, owed) select id, workspace_id, 0 from events where id = $1`, values: [id] });
    const reply = await made(`/v1/events/${id}/resend`, { endpointIds: [standard, meta] });
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'endpointIds.1' }] } });
    expect((await made(`/v1/events/${id}/resend`, { endpointIds: [standard] })).status).toBe(202);
  });

  it('is tested with a body that its receiver knows', async () => {
    const receiver = await openReceiver();
    for (const [dialect, body] of [['meta', '{"object":"whatsapp_business_account","entry":[]}'], ['chakra-inbound', '{"event":"message","payload":{"test":true}}']] as const) {
      const { id } = (await made('/v1/endpoints', { url: `${receiver.url}/${dialect}`, dialect, secret: 's' })).body;
      expect((await made(`/v1/endpoints/${id}/test`, {})).body.outcome).toBe('ok');
      expect(receiver.received(`/${dialect}`)[0]).toMatchObject({ body, headers: { 'x-chakra-signature-256': createHmac('sha256', 's').update(body).digest('hex') } });
    }
    await receiver.close();
  });
});
