import { once } from 'node:events';
import { createAdmission } from '../../src/api/admission';
import { startApi, type TestApi } from '../support/api';
import { stopTimeOfDay } from '../support/time-of-day';
import { until } from '../support/wait';
import { open, statusesOf } from './raw';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

/** Sends so many requests at once over so many connections, and reads all answers; each connection sends all of its own before it reads. */
async function burst(connections: number, each: number, path: string, body: string): Promise<{ statuses: number[]; refusals: number; withRetryAfter: number }> {
  const request = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.rootKey}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const statuses: number[] = [];
  let withRetryAfter = 0;
  await Promise.all(Array.from({ length: connections }, async () => {
    const socket = open(api.url);
    let heads = 0;
    let rest = '';
    // Looked at once as it comes: the API answers in this process, and has the time that is left.
    socket.setEncoding('latin1').on('data', (some: string) => {
      const lines = `${rest}${some}`.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        statuses.push(...statusesOf(line));
        if (line === 'Retry-After: 1') withRetryAfter += 1;
        if (line === '') heads += 1;
      }
    });
    await once(socket, 'connect');
    socket.write(request.repeat(each));
    await until(() => heads >= each, { deadlineMs: 50_000, what: `${each} answers` });
    socket.destroy();
  }));
  return { statuses, refusals: statuses.filter((status) => status === 429).length, withRetryAfter };
}

const tally = (statuses: readonly number[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

it('12,000 events at once, of which 10,000 may wait, are stored and answered 202, or refused with 429 and the seconds to wait', async () => {
  const { statuses, refusals, withRetryAfter } = await burst(200, 60, '/v1/events', '{"type":"burst","data":1}');
  expect(statuses).toHaveLength(12_000);
  expect(Object.keys(tally(statuses)).filter((status) => !['202', '429'].includes(status))).toEqual([]);
  expect(withRetryAfter).toBe(refusals);
  const [row] = await api.db.query<{ count: number }>({ text: `select count(*)::int as count from events where type = 'burst'` });
  expect(row?.count).toBe(tally(statuses)[202]);
});

it('2,500 records at once, of which 1,000 may wait, are made or refused with 429, and the process tells of its health meanwhile', async () => {
  const health: number[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) health.push((await api.call('GET', '/healthz')).status);
  })();
  const { statuses, refusals, withRetryAfter } = await burst(100, 25, '/v1/records', '{"type":"burst"}');
  isOver = true;
  await watching;
  expect(Object.keys(tally(statuses)).filter((status) => !['201', '429'].includes(status))).toEqual([]);
  expect(statuses).toHaveLength(2_500);
  expect(refusals).toBeGreaterThan(0);
  expect(withRetryAfter).toBe(refusals);
  expect(new Set(health)).toEqual(new Set([200]));
  const [row] = await api.db.query<{ count: number }>({ text: `select count(*)::int as count from objects where type = 'burst'` });
  expect(row?.count).toBe(tally(statuses)[201]);
});

it('wrong keys are refused with 429 where an address sends more than 100 a second, and keys that were good before are not', async () => {
  const { headers } = await api.tenant();
  const wrongKey = (n: number) => api.call('GET', '/v1/records', undefined, { authorization: `Bearer phk_${String(n).padStart(43, '0')}` });
  expect((await api.call('GET', '/v1/records', undefined, headers)).status).toBe(200);
  stopTimeOfDay();
  try {
    const wrong = await Promise.all(Array.from({ length: 300 }, (_, n) => wrongKey(n)));
    expect(tally(wrong.map(({ status }) => status))).toEqual({ 401: 100, 429: 200 });
    expect(wrong.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1');
    expect((await api.call('GET', '/v1/records', undefined, headers)).status).toBe(200);
    expect((await api.call('GET', '/v1/records')).status).toBe(200);
    jest.setSystemTime(Date.now() + 1_000);
    expect((await wrongKey(300)).status).toBe(401);
  } finally {
    jest.useRealTimers();
  }
});

describe('an admission', () => {
  it('lets in what there is room for, and again when others have left', () => {
    const admission = createAdmission({ calls: 2, bodyBytes: 10 });
    const first = admission.enter(false);
    const second = admission.enter(false);
    expect(() => admission.enter(false)).toThrow('More than 2 requests are under way');
    expect(() => admission.enter(true).leave()).not.toThrow();
    expect([first.hold(6), second.hold(5), second.hold(4), first.hold(1)]).toEqual([true, false, true, false]);
    first.leave();
    expect([first.hold(1), second.hold(6), second.hold(1)]).toEqual([false, true, false]);
    expect(() => admission.enter(false)).not.toThrow();
  });
});
