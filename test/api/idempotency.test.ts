import { Client } from 'pg';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const count = async (table: string): Promise<number> => (await api.db.query<{ n: number }>({ text: `select count(*) n from ${table}` }))[0]?.n ?? -1;
const keyed = (key: string) => ({ 'idempotency-key': key });

it('answers the same request again with the stored answer, and does it once', async () => {
  const before = await count('events');
  const first = await api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'once' }, keyed('a'));
  const again = await api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'once' }, keyed('a'));
  expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
  expect([again.status, again.headers.get('idempotent-replayed'), again.text]).toEqual([201, 'true', first.text]);
  expect([first, again].map(({ headers }) => headers.get('etag'))).toEqual(['"1"', '"1"']);
  expect(await count('events')).toBe(before + 1);
});

it('refuses the key with another body, address or method, and takes it in another workspace', async () => {
  await api.call('POST', '/v1/events', { type: 't', data: 1 }, keyed('b'));
  for (const [path, body] of [['/v1/events', { type: 't', data: 2 }], ['/v1/records', { type: 't', data: 1 }]] as const) {
    const reply = await api.call('POST', path, body, keyed('b'));
    // A body that is wrong by itself is refused before its key is looked at.
    expect(reply.status).toBe(422);
  }
  expect((await api.call('POST', '/v1/events', { type: 't', data: 2 }, keyed('b'))).body.code).toBe('idempotency_mismatch');
  expect((await api.call('POST', '/v1/events', '{"type":"t", "data":1}', keyed('b'))).body.code).toBe('idempotency_mismatch');
  const { headers } = await api.tenant();
  expect((await api.call('POST', '/v1/events', { type: 't', data: 2 }, { ...headers, ...keyed('b') })).status).toBe(202);
});

it('keeps no answer of 400 and above: the request may be mended and sent again', async () => {
  expect((await api.call('POST', '/v1/records', { type: 't', attributes: { a: 1 }, primaryKey: 'k' })).status).toBe(201);
  expect((await api.call('POST', '/v1/records', { type: 't', primaryKey: 'k' }, keyed('c'))).status).toBe(409);
  expect((await api.call('POST', '/v1/records', { type: 't', primaryKey: 'k2' }, keyed('c'))).status).toBe(201);
});

it.each([
  ['/v1/events', { type: 'raced', data: 1 }],
  ['/v1/events/batch', { events: [{ type: 'raced', data: 1 }] }],
  ['/v1/records', { type: 'raced' }],
])('does a request once that 50 send at once: %s', async (path, body) => {
  const before = await count('events');
  const replies = await Promise.all(Array.from({ length: 50 }, () => api.call('POST', path, body, keyed(`race${path}`))));
  const done = replies.filter(({ status }) => status < 300);
  const inFlight = replies.filter(({ status }) => status === 409);
  expect(done.length + inFlight.length).toBe(50);
  expect(done.length).toBeGreaterThanOrEqual(1);
  expect(new Set(done.map(({ text }) => text)).size).toBe(1);
  expect(done.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
  for (const reply of inFlight) expect(reply).toMatchObject({ body: { code: 'in_flight' } });
  expect(await count('events')).toBe(before + 1);
});

it('does not run out of connections when more requests with keys come than the pool has', async () => {
  const lead = (await api.call('POST', '/v1/records', { type: 'customer' })).body.id;
  const replies = await Promise.all(Array.from({ length: 40 }, (_, n) =>
    api.call('POST', '/v1/events', { type: 't', data: n, objectId: lead }, keyed(`many-${n}`))));
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 202));
});

it('does not run out of connections either where the catalogue has to be read for their events', async () => {
  const { headers } = await api.tenant();
  const schema = { type: 'object', required: ['n'], properties: { n: { type: 'number' } } };
  // Each change of the catalogue has it read anew.
  for (const round of ['first', 'second']) {
    expect((await api.call('PUT', '/v1/event-types/counted', { description: round, schema, enforce: 'reject' }, headers)).status).toBeLessThan(300);
    const replies = await Promise.all(Array.from({ length: 40 }, (_, n) =>
      api.call('POST', '/v1/events', { type: 'counted', data: { n } }, { ...headers, ...keyed(`${round}-${n}`) })));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 202));
    expect((await api.call('POST', '/v1/events', { type: 'counted', data: {} }, { ...headers, ...keyed(`${round}-wrong`) })).body.code).toBe('schema_mismatch');
  }
});

it('forgets an answer after 24 hours', async () => {
  const first = await api.call('POST', '/v1/events', { type: 't', data: 1 }, keyed('old'));
  await api.db.query({ text: `update idempotency_keys set created_at = now() - interval '24 hours 1 second' where key = 'old'` });
  const later = await api.call('POST', '/v1/events', { type: 't', data: 2 }, keyed('old'));
  expect([later.status, later.body.id === first.body.id]).toEqual([202, false]);
  const again = await api.call('POST', '/v1/events', { type: 't', data: 2 }, keyed('old'));
  expect(again.body.id).toBe(later.body.id);
});

it('keeps an answer that holds a secret sealed', async () => {
  const made = await api.call('POST', '/v1/api-keys', { name: 'sealed', role: 'read' }, keyed('secret'));
  const again = await api.call('POST', '/v1/api-keys', { name: 'sealed', role: 'read' }, keyed('secret'));
  expect(again.text).toBe(made.text);
  const [row] = await api.db.query<{ response: string; sealed: boolean }>({ text: `select response, sealed from idempotency_keys where key = 'secret'` });
  expect(row?.sealed).toBe(true);
  expect(row?.response).not.toContain(made.body.key);
  expect(row?.response).not.toContain('phk_');
});

it('refuses a key that is empty, too long or not plain text', async () => {
  for (const key of ['x'.repeat(256), 'ä']) {
    expect(await api.call('POST', '/v1/events', { type: 't', data: 1 }, keyed(key))).toMatchObject({ status: 422, body: { errors: [{ path: 'Idempotency-Key' }] } });
  }
});

it('wakes the relay after each write that was committed', async () => {
  const listener = new Client({ connectionString: api.databaseUrl });
  await listener.connect();
  await listener.query('listen posthorn_outbox');
  const heard = (): Promise<void> => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('not woken within 5 s')), 5_000);
    listener.once('notification', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  const writes: readonly (() => Promise<{ readonly status: number }>)[] = [
    () => api.call('POST', '/v1/events', { type: 't', data: 1 }),
    () => api.call('POST', '/v1/events', { type: 't', data: 1 }, keyed('woken')),
    () => api.call('POST', '/v1/events/batch', { events: [{ type: 't', data: 1 }] }),
    () => api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'woken' }),
    () => api.call('PATCH', '/v1/records/by-primary-key/customer/woken', { attributes: { a: 1 } }),
    () => api.call('DELETE', '/v1/records/by-primary-key/customer/woken'),
  ];
  for (const write of writes) {
    const [reply] = await Promise.all([write(), heard()]);
    expect(reply.status).toBeLessThan(300);
  }
  await listener.end();
});
