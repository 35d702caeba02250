import dns from 'node:dns';
import net from 'node:net';
import { DIALECTS } from '../../src/domain/dialect';
import { startApi, type TestApi } from '../support/api';
import { startReceiver, type Receiver } from '../support/raw-receiver';
import { forbiddenUrls, NAMES, NO_URLS, PORT } from '../support/ssrf-vectors';

let api: TestApi;
let canaries: readonly Receiver[];
let port: number;
/** Whom this process has dialled at a port that the vectors name; at others a gRPC client of an earlier file may still look for its server. */
const dialled: string[] = [];

beforeAll(async () => {
  api = await startApi({ DELIVERY_ALLOWED_NETWORKS: '' });
  const first = await startReceiver(() => undefined);
  port = first.port;
  canaries = [first, await startReceiver(() => undefined, { host: '::1', port })];
  const connect = net.connect;
  jest.spyOn(net, 'connect').mockImplementation(((options: net.NetConnectOpts, ...rest: []) => {
    const { host = '', port: to = 0 } = options as net.TcpNetConnectOpts;
    if ([port, 80, 443].includes(Number(to))) dialled.push(`${host}:${to}`);
    return connect(options, ...rest);
  }) as typeof net.connect);
  const lookup = dns.lookup;
  jest.spyOn(dns, 'lookup').mockImplementation(((host: string, options: dns.LookupAllOptions, done: (error: null, found: dns.LookupAddress[]) => void) => {
    const found = NAMES[host];
    if (!found) return lookup(host, options, done as never);
    return setImmediate(() => done(null, found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))));
  }) as unknown as typeof dns.lookup);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await Promise.all([...(canaries ?? []).map((canary) => canary.close()), api?.close()]);
});
afterEach(() => {
  expect(canaries.map((canary) => canary.connections())).toEqual([0, 0]);
  expect(dialled).toEqual([]);
});

const names = (): string[] => Object.keys(NAMES).flatMap((name) => [`http://${name}:${port}/`, `https://${name}:${port}/`]);
const forbidden = (): string[] => [...forbiddenUrls(port), ...names()];
const shapeless = (): string[] => NO_URLS.map((url) => url.replace(PORT, String(port)));

/** The answers to `ask` for each, ten at a time, by what is not as it must be. */
async function whoPasses<T>(all: readonly T[], ask: (one: T) => Promise<string | null>): Promise<string[]> {
  const waiting = [...all];
  const wrong: string[] = [];
  await Promise.all(Array.from({ length: 10 }, async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const said = await ask(one);
      if (said !== null) wrong.push(`${JSON.stringify(one)}: ${said}`);
    }
  }));
  return wrong;
}

/** Null where a call is refused for its address, and the answer tells nothing of what it resolves to. */
async function refusal(method: string, path: string, body: object, code = 'address_forbidden'): Promise<string | null> {
  const { status, body: answer, text } = await api.call(method, path, body);
  if (status !== 422 || answer.code !== code) return `${status} ${text}`;
  return code === 'address_forbidden' && /\b(10|127|169|8)\.\d|\bfe80|\bfd00/.test(answer.detail) ? `it tells an address: ${text}` : null;
}

const makeEndpoint = async (body: object = {}): Promise<string> => (await api.call('POST', '/v1/endpoints', { url: 'http://8.8.8.8/', ...body })).body.id;
const countEndpoints = async (): Promise<number> => (await api.db.query<{ n: number }>({ text: 'select count(*)::int as n from endpoints' }))[0]?.n ?? -1;
/** As if it had been saved while it was allowed. */
const setUrl = (id: string, url: string): Promise<unknown> => api.db.query({ text: 'update endpoints set url = $2 where id = $1', values: [id, url] });

describe('an address that is not public is refused in every spelling', () => {
  // Those of the last two are what a channel passes on to.
  it.each(['standard', 'spektr', 'meta', 'chakra-inbound'])('where an endpoint of the dialect %s is made', async (dialect) => {
    const before = await countEndpoints();
    expect(await whoPasses(forbidden(), (url) => refusal('POST', '/v1/endpoints', { url, dialect }))).toEqual([]);
    expect(await countEndpoints()).toBe(before);
  });

  it('where the dialect speaks https alone: for that before anything else', async () => {
    const [dialect] = Object.entries(DIALECTS).find(([, { httpsOnly }]) => httpsOnly) ?? [];
    expect(await whoPasses(forbidden(), (url) => refusal('POST', '/v1/endpoints', { url, dialect }, /^https/i.test(url) ? 'address_forbidden' : 'https_required'))).toEqual([]);
  });

  it('where an endpoint is changed, by its URL or by its host', async () => {
    const id = await makeEndpoint();
    expect(await whoPasses(forbidden(), (url) => refusal('PATCH', `/v1/endpoints/${id}`, { url }))).toEqual([]);
    const hosts = forbidden().filter((url) => /^https?:\/\/[^/?#@\\]+\/$/i.test(url)).map((url) => url.slice(0, -1));
    expect(hosts.length).toBeGreaterThan(300);
    expect(await whoPasses(hosts, (host) => refusal('PATCH', `/v1/endpoints/${id}`, { host }))).toEqual([]);
    expect((await api.call('GET', `/v1/endpoints/${id}`)).body.url).toBe('http://8.8.8.8/');
  });

  it('where a webhook is added to a flow', async () => {
    expect(await whoPasses(forbidden(), (url) => refusal('POST', '/v1/flows/hostile/webhooks', { url }))).toEqual([]);
    expect((await api.call('GET', '/v1/flows/hostile/webhooks')).body.data).toEqual([]);
  });
});

it('what is no URL, or holds what none may hold, is refused wherever one is given', async () => {
  const id = await makeEndpoint();
  expect(await whoPasses(shapeless(), async (url) =>
    (await refusal('POST', '/v1/endpoints', { url }, 'invalid')) ?? (await refusal('PATCH', `/v1/endpoints/${id}`, { url }, 'invalid')) ?? (await refusal('POST', '/v1/flows/hostile/webhooks', { url }, 'invalid')),
  )).toEqual([]);
});

describe('an endpoint that was saved all the same is not called', () => {
  it('by a test', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => makeEndpoint()));
    // Of the others some name a public host, which is not ours to call here, and one holds what PostgreSQL does not store.
    const misshapen = shapeless().filter((url) => !url.includes('\0')).filter((url) => !URL.canParse(url) || !/^(1\.1\.1\.1|c|.*example\.com)$/.test(new URL(url).hostname));
    expect(await whoPasses([...forbidden(), ...misshapen], async (url) => {
      const id = ids.pop() ?? '';
      await setUrl(id, url);
      const { status, body } = await api.call('POST', `/v1/endpoints/${id}/test`);
      ids.push(id);
      return status === 200 && /^(address_forbidden|protocol_error)$/.test(body.outcome) && body.statusCode === null && body.responseBody === '' ? null : JSON.stringify(body);
    })).toEqual([]);
  });

  it('by the test and the refresh of a flow, which leaves it deactivated', async () => {
    const { body: { id } } = await api.call('POST', '/v1/flows/hostile/webhooks', { url: 'http://8.8.8.8/' });
    await api.call('POST', `/v1/endpoints/${id}/deactivate`, { reason: 'moved' });
    // The refresh of one webhook after another.
    for (const url of forbidden().filter((_, index) => index % 7 === 0)) {
      await setUrl(id, url);
      expect([url, (await api.call('POST', `/v1/flows/hostile/webhooks/${id}/test`, {})).body]).toMatchObject([url, { outcome: 'address_forbidden', statusCode: null }]);
      const { status, body } = await api.call('POST', `/v1/flows/hostile/webhooks/${id}/refresh`, {});
      expect([url, status, body]).toMatchObject([url, 200, { status: 'DEACTIVATED', test: { outcome: 'address_forbidden', statusCode: null, error: 'ADDRESS_FORBIDDEN' } }]);
    }
  });
});
