import { routes } from '../../src/api/routes';
import type { Db, PooledDb, Sql } from '../../src/store/db';
import { startApi, type Tenant, type TestApi } from '../support/api';

/** Each statement of a workspace that was asked without its condition on the workspace. */
const mockStripped: string[] = [];

// Every statement that the API makes for a workspace loses its condition on the workspace: what is left is the row policies.
jest.mock('../../src/store/db', () => {
  const real = jest.requireActual<typeof import('../../src/store/db')>('../../src/store/db');
  const stripped = (sql: Sql): Sql => ({
    query: (statement) => {
      const text = statement.text.replace(/\b(?:\w+\.)?workspace_id = (\$\d+)/g, '$1::text is not null');
      if (text !== statement.text) mockStripped.push(text);
      return sql.query({ ...statement, text });
    },
  });
  const forgetful = (db: PooledDb): PooledDb => ({
    ...db,
    within: (workspaceId) => {
      const own = db.within(workspaceId);
      return { read: (work) => own.read((sql) => work(stripped(sql))), transaction: (work) => own.transaction((trx) => work(stripped(trx))) };
    },
  });
  return { ...real, openDb: (...given: Parameters<typeof real.openDb>) => forgetful(real.openDb(...given)) };
});

let api: TestApi;
let owner: Tenant;
let stranger: Tenant;
const owned = new Map<string, string>();

/** One of each, for the list at this path. */
const MADE: Readonly<Record<string, object>> = {
  '/v1/records': { type: 't' },
  '/v1/events': { type: 't', data: 1 },
  '/v1/endpoints': { url: 'http://127.0.0.1:9/hook' },
  '/v1/rules': { name: 'r', events: ['*'], endpointIds: [] },
  '/v1/channels': { kind: 'whatsapp', verifyToken: 'v' },
  '/v1/api-keys': { name: 'k', role: 'read' },
};

beforeAll(async () => {
  api = await startApi();
  [owner, stranger] = [await api.tenant(), await api.tenant()];
  for (const { headers } of [owner, stranger]) {
    for (const [path, body] of Object.entries(MADE)) {
      const made = path === '/v1/rules' ? { ...body, endpointIds: [owned.get(`/v1/endpoints ${headers['authorization']}`)] } : body;
      const { status, body: { id } } = await api.call('POST', path, made, headers);
      expect([path, Math.floor(status / 100)]).toEqual([path, 2]);
      owned.set(`${path} ${headers['authorization']}`, id);
    }
  }
}, 60_000);
afterAll(() => api.close());

const idAt = (path: string, { headers }: Tenant): string => owned.get(`${path} ${headers['authorization']}`) ?? '';
const read = (path: string, { headers }: Tenant) => api.call('GET', path, undefined, headers);

describe('with the condition on the workspace taken out of every statement', () => {
  it.each(Object.keys(MADE))('GET %s still shows a workspace its own rows alone', async (path) => {
    mockStripped.length = 0;
    const list = await read(path, stranger);
    expect(mockStripped.length).toBeGreaterThan(0);
    expect(list.text).toContain(idAt(path, stranger));
    expect(list.text).not.toContain(idAt(path, owner));
  });

  it.each(Object.keys(MADE).filter((path) => path !== '/v1/api-keys'))("GET %s/:id of another's is still a 404", async (path) => {
    expect((await read(`${path}/${idAt(path, stranger)}`, stranger)).status).toBe(200);
    expect((await read(`${path}/${idAt(path, owner)}`, stranger)).status).toBe(404);
  });

  it("changes of what is another's are still refused, with an Idempotency-Key too", async () => {
    for (const headers of [stranger.headers, { ...stranger.headers, 'idempotency-key': 'k-1' }]) {
      expect((await api.call('PATCH', `/v1/records/${idAt('/v1/records', owner)}`, { attributes: { a: 1 } }, headers)).status).toBe(404);
      expect((await api.call('POST', `/v1/endpoints/${idAt('/v1/endpoints', owner)}/deactivate`, {}, headers)).status).toBe(404);
    }
    expect((await api.call('DELETE', `/v1/api-keys/${idAt('/v1/api-keys', owner)}`, undefined, stranger.headers)).status).toBe(404);
    expect((await read(`/v1/endpoints/${idAt('/v1/endpoints', owner)}`, owner)).body.status).toBe('ACTIVE');
  });

  it('and with the policies switched off too, the stranger sees it: so the tests above can fail', async () => {
    const rules: Db = api.db;
    await rules.query({ text: 'alter table rules disable row level security' });
    try {
      expect((await read('/v1/rules', stranger)).text).toContain(idAt('/v1/rules', owner));
    } finally {
      await rules.query({ text: 'alter table rules enable row level security' });
    }
  });
});

it('only these routes reach more than the caller’s workspace, and each says so', () => {
  expect(routes.filter(({ isWide }) => isWide).map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    'GET /files/:fileId', 'GET /inbound/:channelId', 'GET /readyz', 'GET /v1/workspaces', 'POST /inbound/:channelId', 'POST /v1/workspaces',
  ]);
});
