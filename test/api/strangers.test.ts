import { request } from 'node:http';
import { hashKey } from '../../src/commands/manage-keys';
import { startApi, type TestApi } from '../support/api';
import { stopTimeOfDay } from '../support/time-of-day';
import { until } from '../support/wait';

let mockHeld: Promise<void> | null = null;
const mockAsked: string[] = [];

// The table of keys answers when it is let.
jest.mock('../../src/store/api-keys', () => {
  const real = jest.requireActual<typeof import('../../src/store/api-keys')>('../../src/store/api-keys');
  return {
    ...real,
    findApiKey: async (...given: Parameters<typeof real.findApiKey>) => {
      mockAsked.push(given[1].toString('base64'));
      await mockHeld;
      return real.findApiKey(...given);
    },
  };
});

let api: TestApi;
let release: () => void = () => undefined;
beforeEach(async () => {
  api = await startApi();
  stopTimeOfDay();
});
afterEach(async () => {
  release();
  jest.useRealTimers();
  await api.close();
});

/** From now on the table of keys does not answer, until `release`. */
function hold(): void {
  mockAsked.length = 0;
  mockHeld = new Promise((resolve) => (release = () => {
    mockHeld = null;
    resolve();
  }));
}

const wrongKey = (n: number): string => `phk_${String(n).padStart(43, '0')}`;

/** Publishes an event from this address of the machine itself; its answer's status. */
const publish = (key: string, localAddress: string): Promise<number> => new Promise((resolve, reject) => {
  const sent = request(`${api.url}/v1/events`, {
    method: 'POST', localAddress, agent: false, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  }, (answer) => {
    answer.resume();
    resolve(answer.statusCode ?? 0);
  });
  sent.on('error', reject).end('{"type":"t","data":1}');
});

/** Sends them all; their answers so far, and all of them when they have come. */
function sendAll(sending: readonly Promise<number>[]): { readonly soFar: readonly number[]; readonly all: Promise<readonly number[]> } {
  const soFar: number[] = [];
  return { soFar, all: Promise.all(sending.map(async (one) => {
    const status = await one;
    soFar.push(status);
    return status;
  })) };
}

const only = (statuses: readonly number[], ...expected: readonly number[]): void => expect(statuses.filter((status) => !expected.includes(status))).toEqual([]);

test('of wrong keys that one address sends at once only as many are looked up as it may send, and a good key is answered meanwhile', async () => {
  const { key } = await api.tenant();
  expect(await publish(key, '127.0.0.1')).toBe(202);
  hold();
  const { soFar, all } = sendAll(Array.from({ length: 600 }, (_, n) => publish(wrongKey(n), '127.0.0.1')));
  await until(() => soFar.length + mockAsked.length >= 600, { what: '600 requests to be answered or looked up', deadlineMs: 10_000 });
  expect(await publish(key, '127.0.0.1')).toBe(202);
  expect((await api.call('GET', '/v1/rules')).status).toBe(200);
  expect(mockAsked).toHaveLength(100);
  only(soFar, 429);
  release();
  only(await all, 401, 429);
  expect(await publish(key, '127.0.0.1')).toBe(202);
});

test('callers with wrong keys from many addresses take no room of those whose key is good', async () => {
  hold();
  const { soFar, all } = sendAll(Array.from({ length: 700 }, (_, n) => publish(wrongKey(n), `127.0.1.${1 + Math.floor(n / 35)}`)));
  await until(() => soFar.length + mockAsked.length >= 700, { what: '700 requests to be answered or looked up', deadlineMs: 20_000 });
  expect(mockAsked).toHaveLength(500);
  const events = await Promise.all(Array.from({ length: 100 }, () => publish(api.rootKey, '127.0.0.1')));
  only(events, 202);
  expect((await api.call('GET', '/v1/rules')).status).toBe(200);
  expect(await publish(wrongKey(9_999), '127.0.2.1')).toBe(429);
  only(soFar, 429);
  release();
  only(await all, 401, 429);
});

test('a good key that many requests bring at once, when it was never seen, is looked up once, and none of them is refused', async () => {
  const { key } = await api.tenant('publish');
  hold();
  const { soFar, all } = sendAll(Array.from({ length: 700 }, () => publish(key, '127.0.0.1')));
  await until(() => mockAsked.length > 0, { what: 'the key to be looked up' });
  // As many wrong keys as an address may send, and this one: it is no wrong one.
  const wrong = sendAll(Array.from({ length: 99 }, (_, n) => publish(wrongKey(n), '127.0.0.1')));
  await until(() => mockAsked.length >= 100, { what: 'the wrong keys to be looked up' });
  expect(soFar).toEqual([]);
  release();
  only(await all, 202);
  only(await wrong.all, 401);
  expect(mockAsked.filter((hash) => hash === hashKey(key).toString('base64'))).toHaveLength(1);
});
