import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { DEFAULT_POLICY } from '../src/domain/policy';
import { startApi, type TestApi } from './support/api';
import { openReceiver, type Receiver } from './support/receiver';
import { snippet } from './support/snippets';

const run = promisify(execFile);
const textOf = (page: string): string => readFileSync(join(__dirname, '..', 'docs', page), 'utf8');
/** The JSON blocks of a page under marks of these names, in their order. */
const blocksOf = (page: string, ...marks: string[]): [mark: string, value: Record<string, unknown>][] =>
  [...textOf(page).matchAll(new RegExp(`<!-- (${marks.join('|')}) -->\\n\`\`\`json\\n([^]*?)\`\`\``, 'g'))]
    .map(([, mark = '', json = '']) => [mark, JSON.parse(json) as Record<string, unknown>]);

let api: TestApi;
let receiver: Receiver;
beforeAll(async () => {
  [api, receiver] = await Promise.all([startApi(), openReceiver()]);
});
afterAll(async () => {
  await receiver?.close();
  await api?.close();
});

test('each rule of docs/rules.md matches the event that it is said to, and not the other', async () => {
  const blocks = blocksOf('rules.md', 'rule', 'matches', 'differs');
  expect(blocks.map(([mark]) => mark)).toEqual(blocks.map((_, index) => ['rule', 'matches', 'differs'][index % 3]));
  expect(blocks.length).toBeGreaterThanOrEqual(24);
  for (let at = 0; at < blocks.length; at += 3) {
    const rule = { name: 'a recipe', ...blocks[at]?.[1] };
    const answers = await Promise.all([1, 2].map((n) => api.call('POST', '/v1/rules/try', { rule, event: blocks[at + n]?.[1] })));
    const told = answers.map(({ status, body }) => [status, body.results?.[0].matches]);
    expect([rule, ...told]).toEqual([rule, [200, true], [200, false]]);
  }
});

test('docs/rules.md names every operator', async () => {
  const { body } = await api.call('POST', '/v1/rules/try', { rule: { events: ['*'], condition: { state: { $nothing: 1 } } }, event: { type: 't', data: {} } });
  const operators = [...String(body.errors[0].message).matchAll(/\$\w+/g)].map(([name]) => name).filter((name) => name !== '$nothing');
  expect(operators.length).toBeGreaterThan(10);
  expect(operators.filter((name) => !textOf('rules.md').includes(`\`${name}\``))).toEqual([]);
});

test('each policy of docs/policies.md is taken as it stands, and its default is the one in effect', async () => {
  expect(blocksOf('policies.md', 'default')).toEqual([['default', DEFAULT_POLICY]]);
  const policies = blocksOf('policies.md', 'policy').map(([, policy]) => policy);
  expect(policies.length).toBeGreaterThanOrEqual(8);
  for (const policy of policies) {
    const made = await api.call('POST', '/v1/endpoints', { url: `${receiver.url}/hook`, policy });
    expect([policy, made.status, made.body.policy]).toEqual([policy, 201, expect.objectContaining({ success: expect.anything() })]);
    expect(made.body.policy).toMatchObject(policy);
  }
  const { body: { id } } = await api.call('POST', '/v1/endpoints', { url: `${receiver.url}/hook` });
  const { stdout } = await run('sh', ['-euc', snippet('docs/policies.md', 'set')], { env: { ...process.env, KEY: api.rootKey, API: api.url, ENDPOINT: id } });
  expect(JSON.parse(stdout)).toMatchObject({ id, policy: { ...DEFAULT_POLICY, timeout: '25s', maxInFlight: 20 } });
});

describe('docs/moving.md', () => {
  const SECRET = `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`;
  const OLD_SECRET = 'Vuk5LM0uujddIsqO5v_eSuz88';
  let old: Server;
  let oldUrl: string;
  const asked: string[] = [];

  beforeAll(async () => {
    old = createServer((request, response) => {
      asked.push(`${request.headers.authorization} ${request.url}`);
      const answer = answerOfOldService(request.url ?? '', receiver.url, { SECRET, OLD_SECRET });
      response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? { detail: 'not here' }));
    });
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    oldUrl = `http://127.0.0.1:${(old.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => old.close(resolve)));

  const script = (name: string, env: Readonly<Record<string, string>>): Promise<{ stdout: string }> =>
    run(process.execPath, ['--input-type=module', '--eval', snippet('docs/moving.md', name)], { env: { ...process.env, API: api.url, ...env } });
  const endpointsOf = async (headers: Readonly<Record<string, string>>): Promise<Record<string, unknown>[]> => (await api.call('GET', '/v1/endpoints', undefined, headers)).body.data;

  /** Sends one real request and answers what the receiver got. */
  async function tested(id: string, path: string, headers: Readonly<Record<string, string>>) {
    const { body } = await api.call('POST', `/v1/endpoints/${id}/test`, { event: { type: 'invoice.paid', data: { total: 12 } } }, headers);
    expect(body).toMatchObject({ outcome: 'ok' });
    return receiver.received(path).at(-1)!;
  }

  test('endpoints of Svix come with secret, headers and types, and its own library verifies what they are sent', async () => {
    const { key, headers } = await api.tenant('admin');
    const env = { SVIX_URL: oldUrl, SVIX_TOKEN: 'svix-token', SVIX_APP: 'app_1', KEY: key };
    const { stdout } = await script('from-svix', env);
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^ep_svix_1 -> ep_\w+ http/), '  set by hand, Svix does not tell them: X-Secret',
      expect.stringMatching(/^ep_svix_2 -> /), '  channels project_7: make a rule, and empty its events', '  it is disabled there',
    ]);
    expect(asked.every((line) => line.startsWith('Bearer svix-token /api/v1/app/app_1/endpoint'))).toBe(true);
    const [second, first] = await endpointsOf(headers);
    expect(first).toMatchObject({ name: 'The CRM', events: ['invoice.paid', 'user.created'], status: 'DEACTIVATED', headers: { 'X-Team': '[redacted]' }, metadata: { movedFrom: 'ep_svix_1', plan: 'gold' } });
    expect(second).toMatchObject({ events: ['*'], status: 'DEACTIVATED' });

    const got = await tested(String(first?.['id']), '/svix', headers);
    expect(got.headers['x-team']).toBe('sales');
    expect(() => new SvixWebhook(SECRET).verify(got.body, got.headers)).not.toThrow();
    expect(JSON.parse(got.body)).toMatchObject({ type: 'invoice.paid', data: { total: 12 } });

    await script('from-svix', env);
    expect(await endpointsOf(headers)).toHaveLength(2);
  });

  test('endpoints of Convoy come with the same key in another spelling, and their filters as rules', async () => {
    const { key, headers } = await api.tenant('admin');
    const { stdout } = await script('from-convoy', { CONVOY_URL: oldUrl, CONVOY_KEY: 'convoy-key', CONVOY_PROJECT: 'prj_1', KEY: key });
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^end_1 -> ep_\w+ http/), expect.stringMatching(/^ {2}subscription By number: has a \$regex/),
      expect.stringMatching(/^end_2 -> /), '  its secret has not 24 to 64 bytes: it has a new one',
    ]);
    const [second, first] = await endpointsOf(headers);
    expect(first).toMatchObject({ name: 'Billing', events: ['invoice.paid'], status: 'DEACTIVATED', headers: { 'X-Api-Key': '[redacted]' }, metadata: { movedFrom: 'end_1' } });
    expect(second).toMatchObject({ name: 'Other', events: ['*'] });
    const { body: { data: rules } } = await api.call('GET', '/v1/rules', undefined, headers);
    expect(rules).toMatchObject([{ name: 'Large orders', events: ['order.placed'], condition: { 'data.total': { $gte: 100, $ne: 1000 }, $or: [{ 'data.city': 'Graz' }, { 'data.coupon': { $exists: true } }] }, endpointIds: [first?.['id']] }]);

    const got = await tested(String(first?.['id']), '/convoy', headers);
    expect(got.headers['x-api-key']).toBe('for-billing');
    expect(() => new StandardWebhook(`whsec_${Buffer.from(OLD_SECRET).toString('base64')}`).verify(got.body, got.headers)).not.toThrow();
  });

  test('the switch drops what is held, reactivates, and asks for what came since', async () => {
    const { key, headers } = await api.tenant('write');
    const { body: { id } } = await api.call('POST', '/v1/endpoints', { url: `${receiver.url}/hook` }, headers);
    await api.call('POST', `/v1/endpoints/${id}/deactivate`, { reason: 'moving' }, headers);
    const { stdout } = await run('sh', ['-euc', snippet('docs/moving.md', 'switch')], { env: { ...process.env, KEY: key, API: api.url, ENDPOINT: id, SINCE: '2026-11-21T09:30:00Z' } });
    const answers = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answers).toMatchObject([{ id, status: 'DEACTIVATED' }, { id, status: 'ACTIVE' }, { job: { kind: 'recover', parameters: { endpointId: id, only: 'failed' } } }]);
  });
});

/** What the API of Svix or Convoy answers, with the fields that their own descriptions name; two pages each. */
function answerOfOldService(url: string, receiver: string, { SECRET, OLD_SECRET }: { readonly SECRET: string; readonly OLD_SECRET: string }): object | null {
  const times = { createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' };
  const svix = '/api/v1/app/app_1/endpoint';
  const endpoint = { uid: null, version: 1, rateLimit: null, channels: null, filterTypes: null, disabled: false, metadata: {}, ...times };
  const answers: Readonly<Record<string, object>> = {
    [`${svix}?limit=100`]: {
      data: [{ ...endpoint, id: 'ep_svix_1', description: 'The CRM', url: `${receiver}/svix`, filterTypes: ['invoice.paid', 'user.created'], metadata: { plan: 'gold' } }],
      done: false, iterator: 'ep_svix_1', prevIterator: null,
    },
    [`${svix}?limit=100&iterator=ep_svix_1`]: {
      data: [{ ...endpoint, id: 'ep_svix_2', description: '', url: `${receiver}/svix2`, channels: ['project_7'], disabled: true }], done: true, iterator: 'ep_svix_2', prevIterator: null,
    },
    [`${svix}/ep_svix_1/secret`]: { key: SECRET },
    [`${svix}/ep_svix_2/secret`]: { key: SECRET },
    [`${svix}/ep_svix_1/headers`]: { headers: { 'X-Team': 'sales' }, sensitive: ['X-Secret'] },
    [`${svix}/ep_svix_2/headers`]: { headers: {}, sensitive: [] },
  };
  if (answers[url]) return answers[url];

  const convoy = '/api/v1/projects/prj_1/subscriptions?perPage=100';
  const first = {
    uid: 'end_1', name: 'Billing', url: `${receiver}/convoy`, secrets: [{ value: 'an-old-one', expires_at: '2026-01-01T00:00:00Z' }, { value: OLD_SECRET, expires_at: null }],
    authentication: { type: 'api_key', api_key: { header_name: 'X-Api-Key', header_value: 'for-billing' } },
  };
  const second = { uid: 'end_2', name: 'Other', url: `${receiver}/convoy2`, secrets: [{ value: 'short', expires_at: null }], authentication: null };
  const subscription = (name: string, of: object, types: readonly string[], body: object = {}): object =>
    ({ uid: `sub_${name}`, name, type: 'api', endpoint_metadata: of, filter_config: { event_types: types, filter: { headers: {}, body } } });
  const page = (content: readonly object[], next: string | null): object =>
    ({ status: true, message: 'Subscriptions fetched successfully', data: { content, pagination: { per_page: 100, has_next_page: next !== null, next_page_cursor: next ?? '' } } });
  if (url === convoy) {
    return page([
      subscription('Paid', first, ['invoice.paid']),
      subscription('Large orders', first, ['order.placed'], { total: { $gte: 100, $neq: 1000 }, $or: [{ city: 'Graz' }, { coupon: { $exist: true } }] }),
    ], 'sub_2');
  }
  return url === `${convoy}&direction=next&next_page_cursor=sub_2`
    ? page([subscription('By number', first, ['order.placed'], { number: { $regex: '^AT' } }), subscription('All', second, ['*'])], null) : null;
}
