import { renderBody } from '../../src/wire/envelope';
import { BUILT_IN_TYPES } from '../../src/domain/event-catalogue';
import { readSchema } from '../../src/json-schema/schema';
import { findEvent } from '../../src/store/events';
import { openReceiver, type Receiver } from '../support/receiver';
import { startApi, type Tenant, type TestApi } from '../support/api';
import { serve } from '../../src/serve';
import { readConfig } from '../../src/config';
import { createLog } from '../../src/log';
import { createCall } from '../support/call';
import { until } from '../support/wait';

let api: TestApi;
let receiver: Receiver;
let tenant: Tenant;

beforeAll(async () => {
  [api, receiver] = await Promise.all([startApi(), openReceiver()]);
});
beforeEach(async () => {
  tenant = await api.tenant();
});
afterAll(async () => {
  await receiver.close();
  await api.close();
});

const INVOICE = {
  type: 'object', required: ['invoice', 'amount'], additionalProperties: false,
  properties: { invoice: { type: 'string' }, amount: { type: 'number', exclusiveMinimum: 0 } },
};
const call = (method: string, path: string, body?: unknown) => api.call(method, path, body, tenant.headers);
const put = (type: string, body: object) => call('PUT', `/v1/event-types/${type}`, body);
const publish = (type: string, data: unknown, more: object = {}) => call('POST', '/v1/events', { type, data, ...more });

test('a type is put, read, listed by name beside the built-in ones, changed and deleted', async () => {
  const put1 = await put('invoice.paid', { description: 'An invoice was paid.', schema: INVOICE, enforce: 'reject', example: { invoice: 'in_1', amount: 12.5 } });
  expect(put1).toMatchObject({ status: 201, body: { type: 'invoice.paid', kind: 'custom', dialects: null, enforce: 'reject', archived: false, sample: { invoice: 'in_1', amount: 12.5 } } });
  expect((await call('GET', '/v1/event-types/invoice.paid')).body).toEqual(put1.body);
  const put2 = await put('invoice.paid', { schema: INVOICE, archived: true });
  expect(put2).toMatchObject({ status: 200, body: { description: null, enforce: 'off', archived: true, sample: { invoice: 'text' }, createdAt: put1.body.createdAt } });
  expect(put2.body).not.toHaveProperty('example');

  const names: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page = await call('GET', `/v1/event-types?limit=10${cursor && `&cursor=${cursor}`}`);
    expect(page.status).toBe(200);
    names.push(...page.body.data.map(({ type }: { type: string }) => type));
    cursor = page.body.nextCursor as string | null;
  }
  expect(names).toEqual([...BUILT_IN_TYPES.map(({ type }) => type), 'invoice.paid'].sort());
  const only = async (query: string) => (await call('GET', `/v1/event-types?limit=250&${query}`)).body.data.map(({ type }: { type: string }) => type);
  expect(await only('kind=custom')).toEqual(['invoice.paid']);
  expect(await only('archived=true')).toEqual(['invoice.paid']);
  expect(await only('kind=operational&archived=false')).toEqual(['delivery.exhausted', 'delivery.recovered', 'endpoint.deactivated', 'endpoint.failing', 'endpoint.reactivated']);

  expect((await call('DELETE', '/v1/event-types/invoice.paid')).status).toBe(204);
  expect((await call('GET', '/v1/event-types/invoice.paid')).status).toBe(404);
  expect((await call('DELETE', '/v1/event-types/invoice.paid')).status).toBe(404);
  const { body } = await call('GET', '/v1/audit');
  if (body?.data) expect(body.data.map(({ action }: { action: string }) => action)).toContain('event-type.delete');
});

test('what is no schema, or does not fit, is refused with its place; built-in types can only be read', async () => {
  const refused = async (type: string, body: object) => {
    const reply = await put(type, body);
    expect(reply.status).toBe(422);
    return reply.body.errors.map(({ path }: { path: string }) => path);
  };
  expect(await refused('a', { schema: { properties: { amount: { type: 'money' }, code: { pattern: '(?!x)' } } } })).toEqual(['schema.properties.amount.type', 'schema.properties.code.pattern']);
  expect(await refused('a', { schema: 'text' })).toEqual(['schema']);
  expect(await refused('a', { enforce: 'reject' })).toEqual(['enforce']);
  expect(await refused('a', { enforce: 'maybe' })).toEqual(['enforce']);
  expect(await refused('a', { schema: INVOICE, example: { invoice: 1, amount: 1 } })).toEqual(['example.invoice']);
  expect(await refused('a', { schema: { description: 'x'.repeat(65_536) } })).toEqual(['schema']);
  expect(await refused('record:create', { schema: true })).toEqual(['type']);
  expect((await call('DELETE', '/v1/event-types/endpoint.failing')).status).toBe(422);
  expect((await put('not a type', {})).status).toBe(404);
  expect((await put('a', { schema: true, enforce: 'reject', example: null })).status).toBe(201);
});

test('reject answers 422 with the places, warn takes the event and says them, off says nothing; the writer sees it at once', async () => {
  expect((await publish('invoice.paid', { amount: 0 })).status).toBe(202);
  await put('invoice.paid', { schema: INVOICE, enforce: 'reject' });
  const refused = await publish('invoice.paid', { amount: 0, more: 1 });
  expect(refused).toMatchObject({ status: 422, body: { code: 'schema_mismatch' } });
  expect(refused.body.errors).toEqual([
    { path: 'data.invoice', message: 'must be given' }, { path: 'data.amount', message: 'must be more than 0' },
    { path: 'data.more', message: 'is not known here; known are invoice, amount' },
  ]);
  expect((await publish('invoice.paid', { invoice: 'in_1', amount: 1 })).body).not.toHaveProperty('warnings');
  expect((await publish('invoice.sent', 1)).status).toBe(202);

  await put('invoice.paid', { schema: INVOICE, enforce: 'warn' });
  expect(await publish('invoice.paid', { invoice: 'in_1' }, { id: 'once' })).toMatchObject({
    status: 202, body: { externalId: 'once', duplicate: false, warnings: [{ path: 'data.amount', message: 'must be given' }] },
  });
  await put('invoice.paid', { schema: INVOICE, enforce: 'off' });
  expect((await publish('invoice.paid', 1)).body).not.toHaveProperty('warnings');
  await put('invoice.paid', { schema: INVOICE, enforce: 'reject' });
  await call('DELETE', '/v1/event-types/invoice.paid');
  expect((await publish('invoice.paid', 1)).status).toBe(202);

  const metrics = (await api.call('GET', '/metrics')).text;
  expect(metrics).toMatch(/posthorn_events_schema_mismatch_total\{enforce="warn"\} [1-9]/);
  expect(metrics).toMatch(/posthorn_events_schema_mismatch_total\{enforce="reject"\} [1-9]/);
});

test('in a batch each event is checked by itself; with an Idempotency-Key the warnings come again', async () => {
  await put('invoice.paid', { schema: INVOICE, enforce: 'reject' });
  await put('invoice.sent', { schema: { type: 'string' }, enforce: 'warn' });
  const fits = { type: 'invoice.paid', data: { invoice: 'in_1', amount: 1 } };
  const { body } = await call('POST', '/v1/events/batch', { events: [fits, { type: 'invoice.paid', data: 1 }, { type: 'invoice.sent', data: 1 }, { type: 'other', data: 1 }] });
  expect(body.results).toEqual([
    { id: expect.any(String), duplicate: false },
    { error: { code: 'schema_mismatch', status: 422, detail: expect.stringContaining('data must be an object'), errors: [{ path: 'data', message: 'must be an object' }] } },
    { id: expect.any(String), duplicate: false, warnings: [{ path: 'data', message: 'must be a text' }] },
    { id: expect.any(String), duplicate: false },
  ]);
  const once = () => api.call('POST', '/v1/events', { type: 'invoice.sent', data: 1 }, { ...tenant.headers, 'idempotency-key': 'k' });
  const first = await once();
  expect(first.body.warnings).toHaveLength(1);
  expect((await once()).text).toBe(first.text);
});

test('a batch of events that all take long ends: some are checked, the rest is refused', async () => {
  await put('hard', { schema: { allOf: Array.from({ length: 100 }, () => ({ pattern: '^[a-z ]*$' })) }, enforce: 'reject' });
  const data = 'a'.repeat(300);
  expect((await publish('hard', data)).status).toBe(202);
  const { body } = await call('POST', '/v1/events/batch', { events: Array.from({ length: 1_000 }, () => ({ type: 'hard', data })) });
  const refused = body.results.filter((one: { error?: object }) => one.error);
  expect(refused.length).toBeGreaterThan(500);
  expect(body.results[0]).toHaveProperty('id');
  expect(refused.at(-1).error.errors[0].message).toContain('too much work');
});

test('an archived type can not be named anew by a rule or an endpoint; what named it may keep it, and it may be published', async () => {
  const endpoint = await call('POST', '/v1/endpoints', { url: `${receiver.url}/x`, events: ['old.news', 'fresh'] });
  const rule = await call('POST', '/v1/rules', { name: 'r', events: ['old.news'], endpointIds: [endpoint.body.id] });
  await put('old.news', { archived: true });
  expect((await publish('old.news', 1)).status).toBe(202);
  expect(await call('POST', '/v1/endpoints', { url: `${receiver.url}/x`, events: ['fresh', 'old.news'] })).toMatchObject({ status: 422, body: { errors: [{ path: 'events.1' }] } });
  expect((await call('POST', '/v1/rules', { name: 'r', events: ['old.news'], endpointIds: [] })).status).toBe(422);
  expect((await call('POST', '/v1/rules', { name: 'r', events: ['old.*'], endpointIds: [] })).status).toBe(201);
  expect((await call('PATCH', `/v1/endpoints/${endpoint.body.id}`, { events: ['old.news'] })).status).toBe(200);
  expect((await call('PATCH', `/v1/rules/${rule.body.id}`, { events: ['old.news', 'fresh'] })).status).toBe(200);
  expect((await call('PATCH', `/v1/rules/${rule.body.id}`, { events: ['fresh'] })).status).toBe(200);
  expect((await call('PATCH', `/v1/rules/${rule.body.id}`, { events: ['old.news'] })).status).toBe(422);
});

test('one workspace knows nothing of the catalogue of another', async () => {
  await put('invoice.paid', { schema: INVOICE, enforce: 'reject' });
  const stranger = await api.tenant();
  expect((await api.call('GET', '/v1/event-types/invoice.paid', undefined, stranger.headers)).status).toBe(404);
  expect((await api.call('DELETE', '/v1/event-types/invoice.paid', undefined, stranger.headers)).status).toBe(404);
  expect((await api.call('GET', '/v1/event-types?kind=custom', undefined, stranger.headers)).body.data).toEqual([]);
  expect((await api.call('POST', '/v1/events', { type: 'invoice.paid', data: 1 }, stranger.headers)).status).toBe(202);
  const { nextCursor } = (await call('GET', '/v1/event-types?limit=1')).body;
  expect((await api.call('GET', `/v1/event-types?cursor=${nextCursor}`, undefined, stranger.headers)).status).toBe(422);
});

test('another API process knows of a change within seconds, also one that started before there was any catalogue', async () => {
  const other = await serve(readConfig({
    PORT: '0', DATABASE_URL: api.databaseUrl, POSTHORN_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`, POSTHORN_ROOT_KEY: api.rootKey,
  }), { log: createLog('silent') });
  try {
    const callOther = createCall(() => other.url, api.rootKey);
    const there = async () => (await callOther('POST', '/v1/events', { type: 'x.y', data: 1 }, tenant.headers)).status;
    expect(await there()).toBe(202);
    await put('x.y', { schema: { type: 'string' }, enforce: 'reject' });
    await until(async () => (await there()) === 422, { what: 'the schema', deadlineMs: 5_000 });
    await put('x.y', { schema: { type: 'integer' }, enforce: 'reject' });
    await until(async () => (await there()) === 202, { what: 'its change', deadlineMs: 5_000 });
  } finally {
    await other.close();
  }
});

test('a test call without data is told the sample of its type; of a lifecycle event each dialect writes what it writes', async () => {
  await put('invoice.paid', { schema: INVOICE });
  const { body: endpoint } = await call('POST', '/v1/endpoints', { url: `${receiver.url}/standard` });
  const { body: chakra } = await call('POST', '/v1/endpoints', { url: `${receiver.url}/chakra`, dialect: 'chakra' });
  const told = async (id: string, path: string, event: object) => {
    await call('POST', `/v1/endpoints/${id}/test`, { event });
    return JSON.parse(receiver.received(path).at(-1)?.body ?? 'null');
  };
  expect((await told(endpoint.id, '/standard', { type: 'invoice.paid' })).data).toEqual({ invoice: 'text', amount: 1 });
  expect((await told(endpoint.id, '/standard', { type: 'invoice.paid', data: null })).data).toBeNull();
  expect((await told(endpoint.id, '/standard', { type: 'nobody.knows' })).data).toEqual({ test: true });
  const { body: change } = await call('GET', '/v1/event-types/process:state-change');
  expect((await told(endpoint.id, '/standard', { type: 'process:state-change' })).data).toEqual(change.sample);
  expect(await told(chakra.id, '/chakra', { type: 'process:state-change' })).toMatchObject({ object: change.sample.object, previous: { state: 'NEW' }, data: null });
});

test('every built-in type has an example that fits its schema, and what happens fits it too', async () => {
  const schemas = new Map(BUILT_IN_TYPES.map(({ type, schema, example }) => {
    const read = readSchema(schema);
    if ('mistakes' in read) throw new Error(`${type}: ${JSON.stringify(read.mistakes)}`);
    expect([type, read.schema.mistakes(example, 'data')]).toEqual([type, []]);
    return [type, read.schema] as const;
  }));
  const make = async (path: string, body: object) => (await call('POST', path, body)).body;
  for (const dialect of ['spektr', 'flow']) await make('/v1/endpoints', { url: `${receiver.url}/f`, dialect, events: ['*'] });
  const record = await make('/v1/records', { type: 'customer', primaryKey: 'c', attributes: { name: 'Ada' } });
  const run = await make('/v1/processes', { type: 'run', recordId: record.id, attributes: { reference: { any: 1 } } });
  const bare = await make('/v1/processes', { type: 'run' });
  const session = await make('/v1/processes', { type: 'flow', attributes: { flow: 'f' } });
  const tasks = await Promise.all([['service', run], ['alert', run], ['step', bare], ['technology', session]].map(([type, { id }]) => make('/v1/tasks', { type, processId: id })));
  const patch = (path: string, body: object) => call('PATCH', path, body);
  for (const [n, status] of ['DONE', 'RESOLVED', 'SUBMITTED', 'COMPLETED'].entries()) await patch(`/v1/tasks/${tasks[n].id}`, { status });
  for (const { id } of [run, bare, session]) await patch(`/v1/processes/${id}`, { status: 'COMPLETED', state: 'x', attributes: { files: 'a' } });
  await patch(`/v1/records/${record.id}`, { attributes: { status: 'active', tags: ['a'] } });
  await patch(`/v1/records/${record.id}`, { attributes: { tags: [] } });
  for (const { id } of tasks) await call('DELETE', `/v1/tasks/${id}`);
  for (const { id } of [run, bare, session]) await call('DELETE', `/v1/processes/${id}`);
  await call('DELETE', `/v1/records/${record.id}`);

  const { data } = (await call('GET', '/v1/events?limit=250')).body;
  const seen = new Set<string>();
  for (const { id, type } of data as { id: string; type: string }[]) {
    const found = await findEvent(api.db, tenant.workspaceId, id);
    if (!found) throw new Error(id);
    seen.add(type);
    expect([type, schemas.get(type)?.mistakes(JSON.parse(renderBody('standard', found.event).toString()).data, 'data')]).toEqual([type, []]);
  }
  expect(BUILT_IN_TYPES.filter(({ kind, type }) => ['lifecycle', 'family'].includes(kind) && !seen.has(type))).toEqual([]);
});
