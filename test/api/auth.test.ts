import crypto, { randomBytes } from 'node:crypto';
import { mayCall } from '../../src/api/auth';
import { readIfMatch } from '../../src/api/run';
import { routes } from '../../src/api/routes';
import { ensureRootKey, hashKey } from '../../src/commands/manage-keys';
import { createNewId } from '../../src/ids';
import { freshDatabase } from '../support/postgres';
import { startApi, type TestApi } from '../support/api';
import { stopTimeOfDay } from '../support/time-of-day';
import { until } from '../support/wait';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const bearer = (text: string | null) => ({ authorization: text === null ? null : `Bearer ${text}` });

it('answers 401, always the same, without a key and with one that is wrong, short, revoked or not Bearer', async () => {
  const { headers } = await api.tenant();
  const made = await api.call('POST', '/v1/api-keys', { name: 'gone', role: 'read' }, headers);
  await api.call('DELETE', `/v1/api-keys/${made.body.id}`, undefined, headers);
  const replies = await Promise.all([
    bearer(null), bearer(''), bearer('x'), bearer(`phk_${randomBytes(32).toString('base64url')}`), bearer(api.rootKey.slice(0, -1)),
    bearer(`${api.rootKey}x`), bearer(made.body.key), { authorization: `Basic ${api.rootKey}` }, { authorization: api.rootKey },
  ].map((credentials) => api.call('GET', '/v1/records', undefined, credentials)));
  for (const reply of replies) {
    expect(reply).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect(reply.headers.get('www-authenticate')).toContain('Bearer');
    expect({ ...reply.body, requestId: '' }).toEqual({ ...replies[0]?.body, requestId: '' });
  }
});

it('refuses a revoked key at once where it was revoked, though it is used all the time, and soon in every other process', async () => {
  const { headers } = await api.tenant();
  const made = await api.call('POST', '/v1/api-keys', { name: 'k', role: 'read' }, headers);
  const other = await startApi({ DATABASE_URL: api.databaseUrl, POSTHORN_ROOT_KEY: api.rootKey });
  try {
    const use = (where: TestApi) => async (): Promise<number> => (await where.call('GET', '/v1/records', undefined, bearer(made.body.key))).status;
    expect([await use(api)(), await use(other)()]).toEqual([200, 200]);
    let isUsed = true;
    const using = (async () => { while (isUsed) await Promise.all(Array.from({ length: 3 }, use(api))); })();
    expect((await api.call('DELETE', `/v1/api-keys/${made.body.id}`, undefined, headers)).status).toBe(204);
    expect(await Promise.all(Array.from({ length: 20 }, use(api)))).toEqual(Array(20).fill(401));
    isUsed = false;
    await using;
    await until(async () => (await use(other)()) === 401, { what: 'the other process to refuse it' });
    expect(await use(api)()).toBe(401);
  } finally {
    await other.close();
  }
});

it('compares a key by its digest in constant time, an unknown one with the digest of nobody', async () => {
  const compared = jest.spyOn(crypto, 'timingSafeEqual');
  try {
    const unknown = `phk_${randomBytes(32).toString('base64url')}`;
    expect((await api.call('GET', '/v1/records', undefined, bearer(unknown))).status).toBe(401);
    const [, ...others] = compared.mock.calls.filter(([, given]) => hashKey(unknown).equals(given as Buffer));
    expect(others).toHaveLength(1);
    expect(compared.mock.calls.every(([a, b]) => a.byteLength === 32 && b.byteLength === 32)).toBe(true);
  } finally {
    compared.mockRestore();
  }
});

it('shows a key once and keeps only its SHA-256', async () => {
  const { headers, workspaceId } = await api.tenant();
  const made = await api.call('POST', '/v1/api-keys', { name: 'mine', role: 'write' }, headers);
  expect(made.body.key).toMatch(/^phk_[A-Za-z0-9_-]{43}$/);
  const list = await api.call('GET', '/v1/api-keys', undefined, headers);
  expect(list.text).not.toContain(made.body.key);
  expect(list.body.data[0]).toEqual({ id: made.body.id, name: 'mine', role: 'write', createdAt: made.body.createdAt, lastUsedAt: null });
  const rows = await api.db.query<{ hash: Buffer }>({ text: 'select hash from api_keys where id = $1', values: [made.body.id] });
  expect(rows[0]?.hash.equals(hashKey(made.body.key))).toBe(true);
  const audit = await api.call('GET', '/v1/audit', undefined, headers);
  expect(audit.body.data[0]).toMatchObject({ action: 'api_key.create', subjectId: made.body.id, detail: { name: 'mine', role: 'write' } });
  expect(audit.text).not.toContain(made.body.key);
  expect(workspaceId).toMatch(/^wsp_/);
});

it("notes a key's last use", async () => {
  const { headers } = await api.tenant();
  const deadline = Date.now() + 5_000;
  let used: string | null = null;
  while (used === null && Date.now() < deadline) used = (await api.call('GET', '/v1/api-keys', undefined, headers)).body.data[0].lastUsedAt;
  expect(used).not.toBeNull();
});

describe('roles', () => {
  const ids: Readonly<Record<string, string>> = { type: 'x', primaryKey: 'x' };
  const pathOf = (path: string): string => path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? 'evt_01jc3f7x9k2m4n6p8q0r2s4t6v');

  it.each(['admin', 'write', 'read', 'publish'] as const)('a key of role %s is refused exactly the calls that need more', async (role) => {
    const { headers } = await api.tenant(role);
    for (const route of routes.filter((one) => one.role !== null && !one.streams)) {
      const { status } = await api.call(route.method, pathOf(route.path), route.method === 'GET' ? undefined : {}, headers);
      expect([route.method, route.path, status === 403]).toEqual([route.method, route.path, !mayCall(role, route)]);
      expect(status).toBeLessThan(500);
    }
  });

  it('read may change nothing, and what shows a secret or a key or the trail is for admins', () => {
    const open = (role: 'read' | 'write') => routes.filter((one) => one.role !== null && mayCall(role, one)).map(({ method, path }) => `${method} ${path}`);
    expect(open('read').filter((call) => !call.startsWith('GET '))).toEqual(['POST /v1/rules/try', 'POST /v1/transform/try']);
    const admins = routes.filter(({ role }) => role === 'admin').map(({ method, path }) => `${method} ${path}`).sort();
    expect(admins).toEqual(expect.arrayContaining([
      'DELETE /v1/api-keys/:keyId', 'GET /v1/api-keys', 'GET /v1/audit', 'GET /v1/endpoints/:endpointId/secret', 'POST /v1/api-keys',
    ]));
    for (const call of admins) expect(open('write')).not.toContain(call);
  });

  it('publish may POST objects and events and nothing else', () => {
    const open = routes.filter((one) => one.role !== null && mayCall('publish', one)).map(({ method, path }) => `${method} ${path}`).sort();
    for (const call of open) expect(call).toMatch(/^POST \/v1\/(events|events\/batch|(records|processes|tasks)(\/bulk)?)$/);
    expect(open).toEqual(expect.arrayContaining(['POST /v1/events', 'POST /v1/events/batch', 'POST /v1/processes', 'POST /v1/records', 'POST /v1/tasks']));
  });
});

describe('the root key', () => {
  it('works in the workspace "default", or in the one that is named, by id or by name', async () => {
    const made = await api.call('POST', '/v1/workspaces', { name: 'acme' });
    expect(made).toMatchObject({ status: 201, body: { name: 'acme' } });
    expect(await api.call('POST', '/v1/workspaces', { name: 'acme' })).toMatchObject({ status: 409, body: { code: 'conflict' } });
    const record = await api.call('POST', '/v1/records', { type: 't' }, { 'posthorn-workspace': 'acme' });
    const read = (workspace: string | null) => api.call('GET', `/v1/records/${record.body.id}`, undefined, { 'posthorn-workspace': workspace });
    expect((await read(made.body.id)).status).toBe(200);
    expect((await read('acme')).status).toBe(200);
    expect((await read(null)).status).toBe(404);
    expect((await read('default')).status).toBe(404);
    expect(await read('nobody')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await api.call('GET', '/v1/workspaces')).body.data.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['acme', 'default']));
  });

  it('alone makes and lists workspaces; another key names only its own', async () => {
    const { headers, workspaceId } = await api.tenant('admin');
    expect((await api.call('GET', '/v1/workspaces', undefined, headers)).status).toBe(403);
    expect((await api.call('GET', '/v1/records', undefined, { ...headers, 'posthorn-workspace': workspaceId })).status).toBe(200);
    expect((await api.call('GET', '/v1/records', undefined, { ...headers, 'posthorn-workspace': 'default' })).status).toBe(404);
  });

  it('is generated once where none is set, whatever starts at the same time, and only its hash is kept', async () => {
    const { db, drop } = await freshDatabase();
    const keys = await Promise.all(Array.from({ length: 5 }, () => ensureRootKey(db, { POSTHORN_ROOT_KEY: undefined }, createNewId())));
    const [key] = keys.filter((one) => one !== null);
    expect(keys.filter((one) => one !== null)).toHaveLength(1);
    const rows = await db.query<{ role: string; hash: Buffer }>({ text: 'select role, hash from api_keys' });
    expect(rows).toEqual([{ role: 'root', hash: hashKey(key ?? '') }]);
    expect(await ensureRootKey(db, { POSTHORN_ROOT_KEY: undefined }, createNewId())).toBeNull();
    await drop();
  });
});

it('answers 429 with the seconds to wait where a key is over its rate, and not other keys', async () => {
  const limited = await startApi({ API_RATE_PER_SECOND: '5' });
  const other = await limited.tenant('read');
  stopTimeOfDay();
  const replies = await Promise.all(Array.from({ length: 40 }, () => limited.call('GET', '/v1/records'))).finally(() => jest.useRealTimers());
  const refused = replies.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThanOrEqual(35);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(refused[0]).toMatchObject({ body: { code: 'too_many_requests' } });
  expect((await limited.call('GET', '/v1/records', undefined, other.headers)).status).toBe(200);
  expect((await limited.call('GET', '/healthz')).status).toBe(200);
  await limited.close();
});

it('reads If-Match as the version of an ETag, "*" as any, and every other tag as none that exists', () => {
  expect([undefined, '*', '"3"', 'W/"3"', ' "3" ', '3', '"x"', '"1", "2"', ''].map(readIfMatch)).toEqual([null, null, 3, 3, 3, -1, -1, -1, -1]);
});
