import { routes } from '../../src/api/routes';
import { CONDITION_LIMITS } from '../../src/domain/condition';
import { ID_PREFIXES, type IdKind } from '../../src/domain/ids';
import { startApi, type TestApi } from '../support/api';
import type { Reply } from '../support/call';

let api: TestApi;
let endpointIds: string[];
beforeAll(async () => {
  api = await startApi();
  endpointIds = [];
  for (let n = 0; n < 101; n++) endpointIds.push((await api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/' })).body.id);
});
afterAll(() => api.close());

const IDS: Readonly<Record<string, string>> = Object.fromEntries((Object.keys(ID_PREFIXES) as IdKind[]).map((kind) => [`${kind}Id`, `${ID_PREFIXES[kind]}_01jc3f7x9k2m4n6p8q0r2s4t6v`]));
const fill = (path: string): string => path.replace(/:(\w+)/g, (_, name: string) => IDS[name] ?? 'x');

/** Where a route does not say. */
const BODY_LIMIT = 64 * 1024;

const withBodies = routes.filter(({ method }) => method !== 'GET').map((route) => [route.method, route.path, route.bodyLimit ?? BODY_LIMIT] as const);

it.each(withBodies)('%s %s reads a body of %i bytes, and refuses one more before it is parsed', async (method, path, limit) => {
  const padded = (bytes: number): string => `{"no":1${' '.repeat(bytes - 8)}}`;
  expect((await api.call(method, fill(path), padded(limit))).status).not.toBe(413);
  const over = await api.call(method, fill(path), `${padded(limit).slice(0, -1)}{`.concat(' '));
  expect(over).toMatchObject({ status: 413, body: { code: 'too_large', detail: expect.stringContaining(String(limit)) as string } });
});

const record = (more: object) => api.call('POST', '/v1/records', { type: 't', ...more });
const endpoint = (more: object) => api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', ...more });
const rule = (more: object) => api.call('POST', '/v1/rules', { name: 'r', events: ['*'], endpointIds: [], ...more });
const event = (more: object, headers: Record<string, string> = {}) => api.call('POST', '/v1/events', { type: 't', data: 1, ...more }, headers);
const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const text = (length: number): string => 'x'.repeat(length);
const keys = (count: number) => Object.fromEntries(many(count, (n) => [`k${n}`, 1]));
/** A list that is `levels` deep. */
const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

type Limit = readonly [what: string, most: number, ask: (count: number) => Promise<Reply>];

/** What may be had of a thing, and a call that asks for so much. */
const LIMITS: readonly Limit[] = [
  ['levels of JSON', 64, (n) => api.call('POST', '/v1/records', `{"type":"t","attributes":{"a":${nested(n - 2)}}}`)],
  ['attributes of an object', 1_000, (n) => record({ attributes: keys(n) })],
  ['bytes of attributes', 256 * 1024, (n) => record({ attributes: { a: text(n - 8) } })],
  ['characters of a type of object', 128, (n) => record({ type: text(n) })],
  ['characters of a primary key', 255, (n) => record({ primaryKey: text(n) })],
  ['characters of a user id', 200, (n) => record({ actor: { userId: text(n) } })],
  ['characters of a state', 128, (n) => api.call('POST', '/v1/processes', { type: 't', state: text(n) })],
  ['items of a bulk create', 10_000, (n) => api.call('POST', '/v1/records/bulk', { items: many(n, () => ({ type: 't' })) })],
  ['bytes of an event’s data', 256 * 1024, (n) => event({ data: text(n - 2) })],
  ['characters of an event’s type', 128, (n) => event({ type: text(n) })],
  ['characters of an external id', 255, (n) => event({ id: text(n) })],
  ['events of a batch', 1_000, (n) => api.call('POST', '/v1/events/batch', { events: many(n, () => ({ type: 't', data: 1 })) })],
  ['characters of an Idempotency-Key', 255, (n) => event({}, { 'idempotency-key': text(n) })],
  ['rows of a page', 250, (n) => api.call('GET', `/v1/events?limit=${n}`)],
  ['characters of an address', 2_048, (n) => endpoint({ url: `http://127.0.0.1:9/${text(n - 19)}` })],
  ['headers of an endpoint', 50, (n) => endpoint({ headers: Object.fromEntries(many(n, (k) => [`x-${k}`, 'v'])) })],
  ['characters of a header’s name', 64, (n) => endpoint({ headers: { [`x${text(n - 1)}`]: 'v' } })],
  ['characters of a header’s value', 4_096, (n) => endpoint({ headers: { 'x-a': text(n) } })],
  ['subscriptions of an endpoint', 100, (n) => endpoint({ events: many(n, (k) => `t${k}`) })],
  ['characters of metadata', 16_384, (n) => endpoint({ metadata: { a: text(n - 8) } })],
  ['characters of a scope', 128, (n) => endpoint({ scope: text(n) })],
  ['characters of a name', 200, (n) => endpoint({ name: text(n) })],
  ['delays of a policy', 50, (n) => endpoint({ policy: { retry: { delays: many(n, () => '5s') } } })],
  ['codes that are a success', 50, (n) => endpoint({ policy: { success: many(n, (k) => 200 + k) } })],
  ['requests in flight of an endpoint', 200, (n) => endpoint({ policy: { maxInFlight: n } })],
  ['requests a second of an endpoint', 10_000, (n) => endpoint({ policy: { ratePerSecond: n } })],
  ['endpoints of a rule', 100, (n) => rule({ endpointIds: endpointIds.slice(0, n) })],
  ['types of a rule', 100, (n) => rule({ events: many(n, (k) => `t${k}`) })],
  ['keys of a condition', CONDITION_LIMITS.nodes, (n) => rule({ condition: Object.fromEntries(many(n, (k) => [`attributes.k${k}`, 1])) })],
  ['characters of a condition', CONDITION_LIMITS.characters, (n) => rule({ condition: { type: text(n - 11) } })],
  ['characters of a file’s name', 255, (n) => api.call('POST', `/v1/files?name=${text(n)}`, 'x', { 'content-type': 'text/plain' })],
  ['characters of an API key’s name', 200, (n) => api.call('POST', '/v1/api-keys', { name: text(n), role: 'read' })],
  ['characters of a workspace’s name', 100, (n) => api.call('POST', '/v1/workspaces', { name: text(n) })],
  ['characters of a verify token', 256, (n) => api.call('POST', '/v1/channels', { kind: 'whatsapp', verifyToken: text(n) })],
];

it.each(LIMITS)('%s: %i and not one more', async (_what, most, ask) => {
  const at = await ask(most);
  expect([at.status < 300, at.body?.detail]).toEqual([true, undefined]);
  const over = await ask(most + 1);
  expect(['invalid 422', 'too_large 413', 'not_found 404']).toContain(`${over.body.code} ${over.status}`);
});

it('numbers are kept as doubles in attributes, and digit for digit in an event’s data', async () => {
  const sent = '{"big":9007199254740993,"minus":-0,"exact":1.10,"far":1e308}';
  const made = await api.call('POST', '/v1/records', `{"type":"t","attributes":${sent}}`);
  expect(made.text).toContain('"attributes":{"big":9007199254740992,"minus":0,"exact":1.1,"far":1e+308}');
  const { body } = await api.call('POST', '/v1/events', `{"type":"t","data":${sent}}`);
  expect((await api.call('GET', `/v1/events/${body.id}`)).text).toContain(`"data":${sent}`);
  for (const number of ['1e400', '-1e400']) {
    expect(await api.call('POST', '/v1/events', `{"type":"t","data":${number}}`)).toMatchObject({ status: 422, body: { errors: [{ path: 'data' }] } });
  }
});

it('odd Idempotency-Keys are refused, and none is taken for another', async () => {
  for (const key of ['', ' ', 'a b', 'a\tb', 'ä']) {
    const { status, body } = await event({}, { 'idempotency-key': key });
    expect([key, status, body.code]).toEqual([key, 422, 'invalid']);
  }
  const ids = await Promise.all(['a', 'A', 'a.', '"a"', "'a'", '%61', '__proto__', 'constructor'].map(async (key) => (await event({}, { 'idempotency-key': key })).body.id));
  expect(new Set(ids).size).toBe(ids.length);
});

it('a cursor is good for its own list and workspace, unchanged, and for nothing else', async () => {
  const { headers } = await api.tenant();
  for (let n = 0; n < 3; n++) {
    await record({});
    await api.call('POST', '/v1/records', { type: 't' }, headers);
  }
  const cursor = (await api.call('GET', '/v1/records?limit=1')).body.nextCursor as string;
  expect((await api.call('GET', `/v1/records?cursor=${cursor}`)).status).toBe(200);
  const changed = `${cursor.slice(0, 20)}${cursor[20] === 'A' ? 'B' : 'A'}${cursor.slice(21)}`;
  const tried: readonly (readonly [string, Record<string, string>?])[] = [
    [`/v1/tasks?cursor=${cursor}`], [`/v1/records?cursor=${cursor}`, headers], [`/v1/records?cursor=${changed}`], [`/v1/records?cursor=${cursor.slice(0, -4)}`],
    [`/v1/records?cursor=${cursor}AAAA`], ['/v1/records?cursor='], ['/v1/records?cursor=rec_01jc3f7x9k2m4n6p8q0r2s4t6v'], [`/v1/records?cursor=${text(301)}`],
  ];
  for (const [path, more] of tried) expect([path, (await api.call('GET', path, undefined, more)).status]).toEqual([path, 422]);
});

it('a compressed body is refused, by routes that take any bytes too', async () => {
  for (const encoding of ['gzip', 'br', 'deflate', 'x-what', 'gzip, identity']) {
    expect((await api.call('POST', '/v1/files', 'x', { 'content-type': 'text/plain', 'content-encoding': encoding })).status).toBe(415);
    expect((await api.call('POST', '/v1/events', '{"type":"t","data":1}', { 'content-encoding': encoding })).status).toBe(415);
  }
  expect((await api.call('POST', '/v1/files', 'x', { 'content-type': 'text/plain', 'content-encoding': 'identity' })).status).toBe(201);
});
