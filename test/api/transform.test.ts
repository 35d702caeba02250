import { startApi, type Tenant, type TestApi } from '../support/api';

let api: TestApi;
let tenant: Tenant;

beforeAll(async () => {
  api = await startApi();
  tenant = await api.tenant();
});
afterAll(() => api.close());

const call = (method: string, path: string, body?: unknown) => api.call(method, path, body, tenant.headers);
const jsonata = (expression: string, more: object = {}) => ({ language: 'jsonata', expression, ...more });

test('a transform is part of the endpoint: made, shown, replaced, switched off, taken away', async () => {
  const made = await call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', transform: jsonata('{"x": data}') });
  expect(made).toMatchObject({ status: 201, body: { transform: { language: 'jsonata', expression: '{"x": data}', enabled: true } } });
  const path = `/v1/endpoints/${made.body.id}`;
  expect((await call('PATCH', path, { name: 'n' })).body.transform).toEqual(made.body.transform);
  expect((await call('PATCH', path, { transform: jsonata('data', { enabled: false }) })).body.transform).toEqual(jsonata('data', { enabled: false }));
  expect((await call('PATCH', path, { transform: null })).body.transform).toBeNull();
  expect((await call('GET', path)).body.transform).toBeNull();
  expect((await call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/' })).body.transform).toBeNull();
});

test('what can not be read, or not be used there, is refused with its place', async () => {
  const refused = async (transform: unknown, more: object = {}) => {
    const { status, body } = await call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', ...more, transform });
    expect(status).toBe(422);
    return body.errors[0];
  };
  expect(await refused(jsonata('{"a": data.}'))).toEqual({ path: 'transform.expression', message: expect.stringMatching(/\(at character \d+\)$/) });
  expect(await refused(jsonata('$now()'))).toEqual({ path: 'transform.expression', message: expect.stringContaining('$now can not be used') });
  expect(await refused(jsonata('x'.repeat(16_385)))).toMatchObject({ path: 'transform.expression' });
  expect(await refused(jsonata(''))).toMatchObject({ path: 'transform.expression' });
  expect(await refused({ language: 'javascript', expression: '1' })).toMatchObject({ path: 'transform.language' });
  for (const dialect of ['chative', 'spektr', 'meta']) expect(await refused(jsonata('data'), { dialect, url: 'https://127.0.0.1:9/' })).toMatchObject({ path: 'transform' });
  const { body: spektr } = await call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', dialect: 'spektr' });
  expect((await call('PATCH', `/v1/endpoints/${spektr.id}`, { transform: jsonata('data') })).status).toBe(422);
  const { body: plain } = await call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/' });
  expect((await call('PATCH', `/v1/endpoints/${plain.id}`, { transform: jsonata('(') })).body.errors[0].path).toBe('transform.expression');
});

test('a trial answers the body that would be sent, or the mistake; on a sample, an event, or the sample of a type', async () => {
  const tried = async (expression: string, more: object) => (await call('POST', '/v1/transform/try', { transform: jsonata(expression), ...more })).body;
  const event = { type: 'invoice.paid', data: { amount: 12, big: 1 } };
  expect(await tried('{"sum": data.amount * 2}', { event })).toMatchObject({ body: { sum: 24 }, error: null, input: { type: 'invoice.paid', data: event.data } });
  expect(await tried('data.amount.', { event })).toMatchObject({ body: null, error: { message: expect.any(String), position: expect.any(Number) } });
  expect(await tried('nothing', { event })).toMatchObject({ body: null, error: { message: expect.stringContaining('no result'), position: null } });
  expect(await tried('data.object.state', { event: { type: 'process:state-change' } })).toMatchObject({ body: 'CONVERTED' });
  expect(await tried('object.state', { event: { type: 'process:state-change' }, dialect: 'chakra' })).toMatchObject({ body: 'CONVERTED' });
  const { body: posted } = await call('POST', '/v1/events', { type: 't', data: { n: 3 } });
  expect(await tried('[id, data.n]', { eventId: posted.id })).toMatchObject({ body: [posted.id, 3] });

  const refused = (body: object) => call('POST', '/v1/transform/try', { transform: jsonata('1'), ...body });
  expect((await refused({})).status).toBe(422);
  expect((await refused({ event, eventId: posted.id })).status).toBe(422);
  expect((await refused({ event, dialect: 'chative' })).status).toBe(422);
  const stranger = await api.tenant();
  expect((await api.call('POST', '/v1/transform/try', { transform: jsonata('1'), eventId: posted.id }, stranger.headers)).status).toBe(404);
});
