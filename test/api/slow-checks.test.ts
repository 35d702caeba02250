import { startApi, type TestApi } from '../support/api';
import { until } from '../support/wait';

let mockHeld: Promise<void> | null = null;
let mockProblem: { readonly code: 'address_forbidden'; readonly message: string } | null = null;
let mockAsked = 0;

// An address is checked when it is let, and comes to what it is told to.
jest.mock('../../src/wire/address', () => ({
  ...jest.requireActual<typeof import('../../src/wire/address')>('../../src/wire/address'),
  checkUrl: async () => {
    mockAsked += 1;
    await mockHeld;
    return mockProblem;
  },
}));

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const keyed = (key: string) => ({ 'idempotency-key': key });

it.each(['/v1/endpoints', '/v1/flows/sales/webhooks'])('holds no connection while an address is looked up for a request with a key: %s', async (path) => {
  let release: () => void = () => undefined;
  mockHeld = new Promise((resolve) => (release = resolve));
  mockAsked = 0;
  // As many as the pool has connections.
  const posting = Array.from({ length: 10 }, (_, n) => api.call('POST', path, { url: `https://slow-${n}.example/hook` }, keyed(`${path}-${n}`)));
  try {
    await until(() => mockAsked === 10, { what: 'all addresses to be looked up' });
    expect((await api.call('GET', '/v1/rules')).status).toBe(200);
  } finally {
    release();
  }
  const statuses = (await Promise.all(posting)).map(({ status }) => status).sort();
  // A flow has at most 5 webhooks.
  expect(statuses).toEqual(Array.from({ length: 10 }, (_, n) => (path === '/v1/endpoints' || n < 5 ? 201 : 422)));
});

it('answers a request again as the first time, though its address would be refused by now, and refuses it under a new key', async () => {
  const body = { url: 'https://moved.example/hook' };
  const first = await api.call('POST', '/v1/endpoints', body, keyed('moved'));
  mockProblem = { code: 'address_forbidden', message: 'It is not public.' };
  try {
    const again = await api.call('POST', '/v1/endpoints', body, keyed('moved'));
    expect([first.status, again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([201, 201, first.text, 'true']);
    const refused = { status: 422, body: { code: 'address_forbidden', errors: [{ path: 'url' }] } };
    expect(await api.call('POST', '/v1/endpoints', body, keyed('new'))).toMatchObject(refused);
    expect(await api.call('POST', '/v1/endpoints', body)).toMatchObject(refused);
    // What was said under the key before is what counts.
    expect(await api.call('POST', '/v1/endpoints', { ...body, name: 'other' }, keyed('moved'))).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  } finally {
    mockProblem = null;
  }
  expect((await api.call('POST', '/v1/endpoints', body, keyed('new'))).status).toBe(201);
});
