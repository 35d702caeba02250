import { Webhook } from 'standardwebhooks';
import { verifyStandard } from '../../src/wire/sign';
import { startApi, type TestApi } from '../support/api';
import { openReceiver, type Receiver } from '../support/receiver';

let api: TestApi;
let receiver: Receiver;
beforeAll(async () => {
  [api, receiver] = await Promise.all([startApi(), openReceiver()]);
});
afterAll(() => Promise.all([api.close(), receiver.close()]));

const URL_OF = (path: string): string => `${receiver.url}${path}`;
const make = async (body: object = {}, headers: Record<string, string> = {}) =>
  (await api.call('POST', '/v1/endpoints', { url: URL_OF('/hooks'), ...body }, headers)).body;
const paths = (reply: { body: { errors: { path: string }[] } }): string[] => reply.body.errors.map(({ path }) => path);

describe('making an endpoint', () => {
  it('answers it whole, with the policy in effect and the secret that was generated', async () => {
    const reply = await api.call('POST', '/v1/endpoints', { name: 'CRM', url: URL_OF('/crm'), events: ['*'], metadata: { team: 'a' } });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      name: 'CRM', url: URL_OF('/crm'), dialect: 'standard', events: ['*'], scope: null, status: 'ACTIVE', statusReason: null, headers: {}, metadata: { team: 'a' },
      policy: { success: '2xx', timeout: '15s', maxInFlight: 5, ratePerSecond: 50, ordering: 'none', probe: { every: '10m', max: '6h' } },
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/), publicKey: null,
    });
    const { secret: _secret, publicKey: _key, ...rest } = reply.body;
    expect((await api.call('GET', `/v1/endpoints/${rest.id}`)).body).toEqual(rest);
  });

  it('joins host and path, with https unless the host says otherwise', async () => {
    expect((await make({ url: undefined, host: '127.0.0.1:8443', path: '/leads?x=1' })).url).toBe('https://127.0.0.1:8443/leads?x=1');
    expect((await make({ url: undefined, host: 'http://127.0.0.1' })).url).toBe('http://127.0.0.1/');
    expect(paths(await api.call('POST', '/v1/endpoints', { url: URL_OF('/'), host: '127.0.0.1' }))).toEqual(['url']);
    expect(paths(await api.call('POST', '/v1/endpoints', { url: URL_OF('/'), path: '/x' }))).toEqual(['path']);
    expect(paths(await api.call('POST', '/v1/endpoints', {}))).toEqual(['url']);
    expect(paths(await api.call('POST', '/v1/endpoints', { host: 'a@b.example' }))).toEqual(['host']);
  });

  it('has a health of its own, tells its watcher and bumps the routing', async () => {
    const { id } = await make();
    const [row] = await api.db.query<{ health: number; signals: string[] }>({
      text: `select (select count(*) from endpoint_health where endpoint_id = $1) as health,
                    (select array_agg(signal) from outbox where endpoint_id = $1) as signals`,
      values: [id],
    });
    expect(row).toEqual({ health: 1, signals: ['changed'] });
  });

  it('gives an ed25519 key pair where v1a is chosen', async () => {
    const made = await make({ signature: 'v1a' });
    expect(made).toMatchObject({ secret: expect.stringMatching(/^whsk_/), publicKey: expect.stringMatching(/^whpk_/) });
  });

  it('takes a secret of the caller, and refuses one that its dialect can not use without repeating it', async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    expect((await make({ secret })).secret).toBe(secret);
    const reply = await api.call('POST', '/v1/endpoints', { url: URL_OF('/'), secret: 'whsec_c2hvcnQ=' });
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'secret' }] } });
    expect(reply.text).not.toContain('c2hvcnQ');
  });

  it('leaves a chakra endpoint without a secret until one is set', async () => {
    const made = await make({ dialect: 'chakra' });
    expect(made).toMatchObject({ dialect: 'chakra', secret: null });
    expect(await api.call('POST', `/v1/endpoints/${made.id}/rotate-secret`, {})).toMatchObject({ status: 422, body: { errors: [{ path: 'secret' }] } });
    expect(await api.call('POST', `/v1/endpoints/${made.id}/rotate-secret`, { secret: 'any text' })).toMatchObject({ status: 200, body: { secret: 'any text' } });
    expect((await api.call('GET', `/v1/endpoints/${made.id}/secret`)).body).toEqual({ secret: 'any text', publicKey: null });
  });

  it('never stores a secret or a header in the clear', async () => {
    const made = await make({ headers: { Authorization: 'Bearer canary-header' }, secret: `whsec_${Buffer.from('canary-secret-of-at-least-24-bytes').toString('base64')}` });
    const rows = await api.db.query<{ all: string }>({
      text: `select (select json_agg(e) from endpoints e)::text || (select json_agg(s) from endpoint_secrets s)::text
                    || (select json_agg(a) from audit a)::text as all`,
    });
    expect(rows[0]?.all).toContain(made.id);
    expect(rows[0]?.all).not.toContain('canary');
    expect(rows[0]?.all).not.toContain(made.secret);
  });

  it('answers the same secret to a repeated request, which is stored sealed', async () => {
    const headers = { 'idempotency-key': 'once' };
    const body = { url: URL_OF('/hooks') };
    const [first, second] = [await api.call('POST', '/v1/endpoints', body, headers), await api.call('POST', '/v1/endpoints', body, headers)];
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    const [stored] = await api.db.query<{ response: string }>({ text: `select response from idempotency_keys where key = 'once'` });
    expect(stored?.response).not.toContain('whsec_');
  });
});

describe('what an endpoint may not be', () => {
  it.each([
    ['http://10.0.0.1/', 'address_forbidden'], ['http://169.254.169.254/latest/meta-data', 'address_forbidden'], ['http://[fd00::1]/', 'address_forbidden'],
    ['http://0x0a000001/', 'address_forbidden'], ['ftp://example.com/', 'invalid'], ['http://user:pw@127.0.0.1/', 'invalid'], ['http://127.0.0.1/#x', 'invalid'],
  ])('is called at %s: %s', async (url, code) => {
    expect(await api.call('POST', '/v1/endpoints', { url })).toMatchObject({ status: 422, body: { code, errors: [{ path: 'url' }] } });
    const { id } = await make();
    expect(await api.call('PATCH', `/v1/endpoints/${id}`, { url })).toMatchObject({ status: 422, body: { code } });
  });

  it('sets headers that are ours, or one twice', async () => {
    const reply = await api.call('POST', '/v1/endpoints', { url: URL_OF('/'), headers: { 'webhook-id': 'x', Host: 'x', 'X-A': '1', 'x-a': '2', 'X-B': 'a\nb' } });
    expect(reply.status).toBe(422);
    expect(paths(reply)).toEqual(['headers.webhook-id', 'headers.Host', 'headers.x-a', 'headers.X-B']);
  });

  it.each([
    [{ timeout: '31s' }, 'policy.timeout'], [{ timeout: '500ms' }, 'policy.timeout'], [{ timeout: 'soon' }, 'policy.timeout'],
    [{ retry: { delays: ['5s', '9ms'] } }, 'policy.retry.delays.1'], [{ retry: { delays: Array.from({ length: 51 }, () => '5s') } }, 'policy.retry.delays'],
    [{ retry: { jitter: 0.6 } }, 'policy.retry.jitter'], [{ maxInFlight: 0 }, 'policy.maxInFlight'], [{ maxInFlight: 201 }, 'policy.maxInFlight'],
    [{ ratePerSecond: 10_001 }, 'policy.ratePerSecond'], [{ success: [302] }, 'policy.success'], [{ ordering: 'lifo' }, 'policy.ordering'],
    [{ probe: { every: '7h' } }, 'policy.probe.every'], [{ colour: 1 }, 'policy.colour'], [{ deactivate: { afterExhausted: 0 } }, 'policy.deactivate'],
  ])('has the policy %j', async (policy, path) => {
    const reply = await api.call('POST', '/v1/endpoints', { url: URL_OF('/'), policy });
    expect(reply.status).toBe(422);
    expect(paths(reply)[0]?.startsWith(path)).toBe(true);
  });

  it('is the sixth of a flow, however many are added at once', async () => {
    const scope = 'flow:onboarding';
    const replies = await Promise.all(Array.from({ length: 9 }, () => api.call('POST', '/v1/endpoints', { url: URL_OF('/'), scope })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(5);
    expect(replies.filter(({ body }) => body.code === 'scope_full')).toHaveLength(4);
    expect((await api.call('GET', `/v1/endpoints?scope=${scope}`)).body.data).toHaveLength(5);
    const { id } = await make();
    expect(await api.call('PATCH', `/v1/endpoints/${id}`, { scope })).toMatchObject({ status: 422, body: { code: 'scope_full' } });
    await Promise.all(Array.from({ length: 6 }, () => make({ scope: 'team:a' })));
    expect((await api.call('GET', '/v1/endpoints?scope=team:a')).body.data).toHaveLength(6);
  });
});

describe('changing an endpoint', () => {
  it('merges a policy key by key and lists whole, and keeps the rest', async () => {
    const { id } = await make({ policy: { retry: { delays: ['1s', '2s'] }, maxInFlight: 2 } });
    const { body } = await api.call('PATCH', `/v1/endpoints/${id}`, { policy: { retry: { jitter: 0 }, deactivate: 'never', probe: null } });
    expect(body.policy).toMatchObject({ retry: { delays: ['1s', '2s'], jitter: 0, respectRetryAfter: true }, maxInFlight: 2, deactivate: 'never', probe: null });
    const again = await api.call('PATCH', `/v1/endpoints/${id}`, { policy: { retry: { delays: [] }, probe: { every: '1m' } } });
    expect(again.body.policy).toMatchObject({ retry: { delays: [], jitter: 0 }, probe: { every: '1m', max: '6h' } });
  });

  it('keeps, replaces and removes header values, and never shows one', async () => {
    const { id, headers } = await make({ headers: { Authorization: 'one', 'X-Old': 'two', 'X-Gone': 'three' } });
    expect(headers).toEqual({ Authorization: '[redacted]', 'X-Old': '[redacted]', 'X-Gone': '[redacted]' });
    const change = { authorization: '[redacted]', 'X-New': 'four', 'X-Gone': null };
    const { body } = await api.call('PATCH', `/v1/endpoints/${id}`, { headers: change });
    expect(body.headers).toEqual({ Authorization: '[redacted]', 'X-New': '[redacted]' });
    await api.call('POST', `/v1/endpoints/${id}/test`);
    expect(receiver.received('/hooks').at(-1)?.headers).toMatchObject({ authorization: 'one', 'x-new': 'four' });
    const missing = await api.call('PATCH', `/v1/endpoints/${id}`, { headers: { 'X-Never': '[redacted]' } });
    expect(missing).toMatchObject({ status: 422, body: { errors: [{ path: 'headers.X-Never' }] } });
  });

  it('does not change its dialect, and takes the one it has', async () => {
    const { id } = await make();
    expect(await api.call('PATCH', `/v1/endpoints/${id}`, { dialect: 'chakra' })).toMatchObject({ status: 422, body: { errors: [{ path: 'dialect' }] } });
    expect((await api.call('PATCH', `/v1/endpoints/${id}`, { dialect: 'standard', name: null, events: ['task:*'] })).body).toMatchObject({ name: null, events: ['task:*'] });
  });

  it('moves to another path or host', async () => {
    const { id } = await make({ url: 'http://127.0.0.1:8001/a?b=1' });
    expect((await api.call('PATCH', `/v1/endpoints/${id}`, { path: '/c' })).body.url).toBe('http://127.0.0.1:8001/c');
    expect((await api.call('PATCH', `/v1/endpoints/${id}`, { host: 'http://127.0.0.2:8002' })).body.url).toBe('http://127.0.0.2:8002/c');
  });

  it("is refused for another workspace's endpoint, in every call", async () => {
    const other = await api.tenant();
    const { id } = await make();
    const calls = [
      ['GET', ''], ['PATCH', '', { name: 'mine' }], ['DELETE', ''], ['POST', '/rotate-secret', {}], ['POST', '/test', {}], ['POST', '/deactivate', {}],
      ['POST', '/reactivate', { drain: true }], ['POST', '/drain', { action: 'start' }], ['GET', '/health'], ['GET', '/secret'],
    ] as const;
    for (const [method, action, body] of calls) {
      expect((await api.call(method, `/v1/endpoints/${id}${action}`, body, other.headers)).status).toBe(404);
    }
  });
});

describe('secrets', () => {
  it('signs with both during the grace, and shows the new one to an admin alone', async () => {
    const made = await make({ url: URL_OF('/rotating') });
    const rotated = await api.call('POST', `/v1/endpoints/${made.id}/rotate-secret`, { graceSeconds: 60 });
    expect(rotated).toMatchObject({ status: 200, body: { id: made.id, secret: expect.stringMatching(/^whsec_/) } });
    expect(rotated.body.secret).not.toBe(made.secret);
    await api.call('POST', `/v1/endpoints/${made.id}/test`);
    const { headers, body } = receiver.received('/rotating')[0] ?? { headers: {}, body: '' };
    for (const secret of [made.secret, rotated.body.secret]) expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
    expect((await api.call('GET', `/v1/endpoints/${made.id}/secret`)).body.secret).toBe(rotated.body.secret);
    const { headers: writer } = await api.tenant('write');
    expect((await api.call('GET', `/v1/endpoints/${made.id}/secret`, undefined, writer)).status).toBe(403);
  });

  it('stops signing with the old one at once without a grace', async () => {
    const made = await make({ url: URL_OF('/cut') });
    const { body: rotated } = await api.call('POST', `/v1/endpoints/${made.id}/rotate-secret`, { graceSeconds: 0, signature: 'v1a' });
    await api.call('POST', `/v1/endpoints/${made.id}/test`);
    const { headers, body } = receiver.received('/cut')[0] ?? { headers: {}, body: '' };
    expect(() => new Webhook(made.secret).verify(body, headers)).toThrow();
    expect(verifyStandard(headers, Buffer.from(body), rotated.publicKey, new Date())).toEqual({ valid: true });
  });

  it('keeps at most ten old ones', async () => {
    const { id } = await make();
    for (let n = 0; n < 10; n++) expect((await api.call('POST', `/v1/endpoints/${id}/rotate-secret`)).status).toBe(200);
    const before = (await api.call('GET', `/v1/endpoints/${id}/secret`)).body;
    expect(await api.call('POST', `/v1/endpoints/${id}/rotate-secret`)).toMatchObject({ status: 422, body: { code: 'limit_reached' } });
    expect((await api.call('GET', `/v1/endpoints/${id}/secret`)).body).toEqual(before);
    expect((await api.call('POST', `/v1/endpoints/${id}/rotate-secret`, { graceSeconds: 0 })).status).toBe(200);
    expect((await api.call('POST', `/v1/endpoints/${id}/rotate-secret`, { graceSeconds: 604_801 })).status).toBe(422);
  });
});

describe('the test call', () => {
  it('sends one signed request, in every status, and leaves nothing behind', async () => {
    receiver.willAnswer('/test', [{ status: 201, body: 'thanks' }], { status: 503, body: 'later' });
    const made = await make({ url: URL_OF('/test') });
    const first = await api.call('POST', `/v1/endpoints/${made.id}/test`, { event: { type: 'order.paid', data: { total: 5 } } });
    expect(first).toMatchObject({ status: 200, body: { statusCode: 201, outcome: 'ok', error: null, responseBody: 'thanks' } });
    const [seen] = receiver.received('/test');
    expect(() => new Webhook(made.secret).verify(seen?.body ?? '', seen?.headers ?? {})).not.toThrow();
    expect(JSON.parse(seen?.body ?? '')).toMatchObject({ type: 'order.paid', data: { total: 5 } });

    await api.call('POST', `/v1/endpoints/${made.id}/deactivate`);
    expect((await api.call('POST', `/v1/endpoints/${made.id}/test`)).body).toMatchObject({ statusCode: 503, outcome: 'http_error', responseBody: 'later' });
    const [left] = await api.db.query<{ n: number }>({ text: 'select (select count(*) from attempts) + (select count(*) from deliveries) as n' });
    expect(left?.n).toBe(0);
    expect((await api.call('GET', `/v1/endpoints/${made.id}/health`)).body).toMatchObject({ consecutiveFailures: 0, lastFailure: null, lastSuccessAt: null });
  });

  it('answers 200 also where nobody listens', async () => {
    const { id } = await make({ url: 'http://127.0.0.1:9/' });
    expect(await api.call('POST', `/v1/endpoints/${id}/test`)).toMatchObject({ status: 200, body: { statusCode: null, outcome: 'connection_refused', responseBody: '' } });
  });
});

describe('switching an endpoint by hand', () => {
  it('deactivates with the reason given and reactivates', async () => {
    const { id } = await make();
    expect(await api.call('POST', `/v1/endpoints/${id}/deactivate`, { reason: 'moving house' })).toMatchObject({
      status: 202, body: { status: 'DEACTIVATED', statusReason: 'moving house' },
    });
    expect((await api.call('GET', '/v1/endpoints?status=DEACTIVATED')).body.data.map((e: { id: string }) => e.id)).toContain(id);
    expect(await api.call('POST', `/v1/endpoints/${id}/drain`, { action: 'start' })).toMatchObject({ status: 409, body: { code: 'endpoint_deactivated' } });
    expect(await api.call('POST', `/v1/endpoints/${id}/reactivate`, { drain: true })).toMatchObject({ status: 202, body: { status: 'ACTIVE', statusReason: null } });
    expect((await api.call('POST', `/v1/endpoints/${id}/reactivate`, {})).status).toBe(422);
    expect((await api.call('POST', `/v1/endpoints/${id}/deactivate`)).body.statusReason).toBe('manual');
  });

  it("refuses a reason that is one of Posthorn's own, since those are probed", async () => {
    const { id } = await make();
    expect(await api.call('POST', `/v1/endpoints/${id}/deactivate`, { reason: 'failing_for' })).toMatchObject({ status: 422, body: { errors: [{ path: 'reason' }] } });
  });

  it('links the health to its watcher', async () => {
    const { id } = await make();
    const { body } = await api.call('GET', `/v1/endpoints/${id}/health`);
    expect(body).toMatchObject({ status: 'ACTIVE', held: 0, pending: 0, p50Ms: null, successRate: { lastHour: null, lastDay: null } });
    expect(body.workflow).toEqual({ id: `endpoint/${id}`, url: expect.stringContaining(`/workflows/endpoint%2F${id}`) });
  });
});

describe('deleting an endpoint', () => {
  it('takes it out of the rules that name it, with its secrets and health', async () => {
    const [a, b] = [await make(), await make()];
    const { body: rule } = await api.call('POST', '/v1/rules', { name: 'r', events: ['*'], endpointIds: [a.id, b.id] });
    expect((await api.call('DELETE', `/v1/endpoints/${a.id}`)).status).toBe(204);
    expect((await api.call('GET', `/v1/endpoints/${a.id}`)).status).toBe(404);
    expect((await api.call('GET', `/v1/rules/${rule.id}`)).body.endpointIds).toEqual([b.id]);
    const [left] = await api.db.query<{ n: number }>({
      text: `select (select count(*) from endpoint_secrets where endpoint_id = $1) + (select count(*) from endpoint_health where endpoint_id = $1) as n`,
      values: [a.id],
    });
    expect(left?.n).toBe(0);
    expect((await api.call('DELETE', `/v1/endpoints/${a.id}`)).status).toBe(404);
  });
});
