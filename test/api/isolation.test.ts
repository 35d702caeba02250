import { routes } from '../../src/api/routes';
import { createNewId } from '../../src/ids';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
let owner: { readonly workspaceId: string; readonly headers: Record<string, string> };
let stranger: typeof owner;
/** What the owner has, by the name of the path parameter that would name it. */
let owned: Readonly<Record<string, string>>;

const newId = createNewId();

beforeAll(async () => {
  api = await startApi();
  owner = await api.tenant();
  stranger = await api.tenant();
  const make = async (path: string, body: object): Promise<string> => (await api.call('POST', path, body, owner.headers)).body.id;
  const recordId = await make('/v1/records', { type: 'customer', primaryKey: 'k-1' });
  const processId = await make('/v1/processes', { type: 'customer', primaryKey: 'k-1', recordId });
  const taskId = await make('/v1/tasks', { type: 'customer', primaryKey: 'k-1', processId });
  const eventId = await make('/v1/events', { type: 't', data: 1, id: 'mine' });
  const keyId = await make('/v1/api-keys', { name: 'k', role: 'read' });
  const endpointId = await make('/v1/endpoints', { url: 'http://127.0.0.1:9/hook', events: ['*'] });
  const ruleId = await make('/v1/rules', { name: 'r', events: ['*'], endpointIds: [endpointId] });
  const channelId = await make('/v1/channels', { kind: 'whatsapp', verifyToken: 'v' });
  const jobId = (await api.call('POST', '/v1/records/bulk', { items: [{ type: 'customer' }] }, owner.headers)).body.job.id;
  const deliveryId = newId('delivery');
  await api.db.query({
    text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way) values ($1, $2, $3, $4, 'PENDING', 'lane')`,
    values: [eventId, deliveryId, owner.workspaceId, endpointId],
  });
  owned = { recordId, processId, taskId, eventId, keyId, endpointId, ruleId, channelId, jobId, deliveryId, type: 'customer', primaryKey: 'k-1', flow: 'onboarding' };
});
afterAll(() => api.close());

/** Bodies that the guards take, of the calls that need one. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /v1/endpoints/:endpointId/reactivate': { drain: true },
  'POST /v1/endpoints/:endpointId/drain': { action: 'start' },
  'POST /v1/endpoints/:endpointId/recover': { since: '2025-01-01T00:00:00Z' },
  'POST /v1/rules/:ruleId/backfill': { since: '2025-01-01T00:00:00Z', endpointId: 'ep_01jc3f7x9k2m4n6p8q0r2s4t6v' },
};

const bodyOf = (method: string, path: string): object | undefined => BODIES[`${method} ${path}`] ?? (method === 'GET' || method === 'DELETE' ? undefined : {});
const fill = (path: string): string => path.replace(/:(\w+)/g, (_, name: string) => {
  const id = owned[name];
  if (id === undefined) throw new Error(`${path}: say in this test what :${name} names`);
  return id;
});

/** Names that everybody has for themselves: what is there of a stranger's is empty, not missing. */
const NAMES_OF_ONES_OWN: ReadonlySet<string> = new Set(['/v1/flows/:flow/webhooks', '/v1/event-types/:type']);

const withIds = routes.filter(({ path, role }) => role !== null && path.includes(':') && !NAMES_OF_ONES_OWN.has(path)).map((route) => [route.method, route.path, route] as const);

it('what the owner has can be read by the owner, so that the 404s below mean something', async () => {
  for (const [method, path] of withIds.filter(([method]) => method === 'GET')) {
    expect([path, (await api.call(method, fill(path), undefined, owner.headers)).status]).toEqual([path, 200]);
  }
});

it.each(withIds)("%s %s answers 404 to another workspace's key, as it does to an id of nobody", async (method, path) => {
  const reply = await api.call(method, fill(path), bodyOf(method, path), stranger.headers);
  expect([reply.status, reply.body?.code]).toEqual([404, 'not_found']);
  const unknown = fill(path).replace(/_[0-9a-z]{26}/g, '_01jc3f7x9k2m4n6p8q0r2s4t6v').replace('k-1', 'k-none');
  const nobodys = await api.call(method, unknown, bodyOf(method, path), stranger.headers);
  expect([nobodys.status, nobodys.body?.code]).toEqual([404, 'not_found']);
});

it('no list shows a stranger what the owner has', async () => {
  const ids = Object.values(owned).filter((id) => /_[0-9a-z]{26}$/.test(id));
  for (const { path } of routes.filter(({ method, path, role, streams }) => method === 'GET' && !streams && role !== null && role !== 'root' && !path.includes(':'))) {
    const mine = await api.call('GET', path, undefined, owner.headers);
    const theirs = await api.call('GET', path, undefined, stranger.headers);
    expect([path, mine.status, theirs.status]).toEqual([path, 200, 200]);
    expect([path, ids.filter((id) => theirs.text.includes(id))]).toEqual([path, []]);
  }
});

it('no body reaches what another workspace has', async () => {
  const tried: readonly (readonly [method: string, path: string, body: object])[] = [
    ['POST', '/v1/processes', { type: 'x', recordId: owned['recordId'] }],
    ['POST', '/v1/tasks', { type: 'x', processId: owned['processId'] }],
    ['PATCH', '/v1/tasks/by-primary-key/x/y?upsert=true', { recordId: owned['recordId'] }],
    ['POST', '/v1/events', { type: 'x', data: 1, objectId: owned['recordId'] }],
    ['POST', '/v1/rules', { name: 'x', events: ['*'], endpointIds: [owned['endpointId']] }],
    ['POST', '/v1/rules/try', { ruleId: owned['ruleId'], eventId: owned['eventId'] }],
  ];
  for (const [method, path, body] of tried) {
    const { status } = await api.call(method, path, body, stranger.headers);
    expect([path, [404, 422].includes(status)]).toEqual([path, true]);
  }
  const batch = await api.call('POST', '/v1/events/batch', { events: [{ type: 'x', data: 1, objectId: owned['recordId'] }] }, stranger.headers);
  expect(batch.body.results[0].error.code).toBe('invalid');
});

it("the same external id, primary key and Idempotency-Key are another workspace's own", async () => {
  expect((await api.call('POST', '/v1/events', { type: 't', data: 1, id: 'mine' }, stranger.headers)).body.duplicate).toBe(false);
  expect((await api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'k-1' }, stranger.headers)).status).toBe(201);
});

it('nothing of the owner was changed by all of this', async () => {
  const { recordId, processId, taskId, endpointId, ruleId, keyId } = owned;
  for (const path of [`/v1/records/${recordId}`, `/v1/processes/${processId}`, `/v1/tasks/${taskId}`]) {
    expect((await api.call('GET', path, undefined, owner.headers)).body.version).toBe(1);
  }
  expect((await api.call('GET', `/v1/endpoints/${endpointId}`, undefined, owner.headers)).body.status).toBe('ACTIVE');
  expect((await api.call('GET', `/v1/rules/${ruleId}`, undefined, owner.headers)).body.enabled).toBe(true);
  expect((await api.call('GET', '/v1/api-keys', undefined, owner.headers)).text).toContain(keyId);
});
