import { addStats, WHOLE } from '../../src/store/stats';
import { sweepStats } from '../../src/store/retention';
import { startApi, type Tenant, type TestApi } from '../support/api';
import { newId } from '../support/make';
import { stopTimeOfDay } from '../support/time-of-day';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => void (api = await startApi()));
beforeEach(async () => {
  tenant = await api.tenant();
  // No hour begins between what is written and what is read.
  stopTimeOfDay();
});
afterEach(() => void jest.useRealTimers());
afterAll(() => api.close());

const HOUR_MS = 3_600_000;
const thisHour = (): number => Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
const row = (endpointId: string, hoursAgo: number, fields: object) => ({
  workspaceId: tenant.workspaceId, endpointId, hourMs: thisHour() - hoursAgo * HOUR_MS,
  events: 0, owed: 0, delivered: 0, failedAttempts: 0, exhausted: 0, latencies: [], durations: [], ...fields,
});
const stats = async (query = '') => (await api.call('GET', `/v1/stats${query}`, undefined, tenant.headers)).body;
const endpoint = async (): Promise<string> => (await api.call('POST', '/v1/endpoints', { name: 'crm', url: 'http://127.0.0.1:9/' }, tenant.headers)).body.id;

it('tells each of the last 24 hours and their sum, with shares, rates and times', async () => {
  await addStats(api.db, [
    row(WHOLE, 3, { events: 100, owed: 90, delivered: 60, failedAttempts: 20, exhausted: 2, latencies: [0, 0, 50, 0, 10], durations: [0, 80] }),
    row(WHOLE, 1, { events: 10, owed: 10, delivered: 10 }),
    row(WHOLE, 30, { events: 1_000 }),
  ]);
  const { hours, total, since } = await stats();
  expect(hours.length).toBeGreaterThanOrEqual(24);
  expect(hours.length).toBeLessThanOrEqual(25);
  expect(new Date(hours[0].hour).getTime()).toBe(new Date(since).getTime());
  const third = hours.at(-4);
  expect(third).toMatchObject({ events: 100, owed: 90, delivered: 60, failedAttempts: 20, exhausted: 2, successRate: 0.75, deliveredPerSecond: 60 / 3_600 });
  expect(third.latency.p50Ms).toBeGreaterThan(2);
  expect(third.latency.p50Ms).toBeLessThanOrEqual(3);
  expect(third.latency.p95Ms).toBeLessThanOrEqual(5);
  expect(hours.at(-3)).toMatchObject({ events: 0, successRate: null, latency: { p50Ms: null, p95Ms: null } });
  expect(total).toMatchObject({ events: 110, delivered: 70, exhausted: 2, successRate: 70 / 90 });
});

it('tells one endpoint alone, and 404 for one that is not of the workspace', async () => {
  const endpointId = await endpoint();
  await addStats(api.db, [row(endpointId, 0, { owed: 5, delivered: 4 }), row(WHOLE, 0, { owed: 9, delivered: 8 })]);
  expect((await stats(`?endpointId=${endpointId}`)).total).toMatchObject({ events: null, owed: 5, delivered: 4 });
  expect((await stats()).total).toMatchObject({ events: 0, owed: 9, delivered: 8 });
  const strangers = await api.call('GET', `/v1/stats?endpointId=${endpointId}`, undefined, (await api.tenant()).headers);
  expect([strangers.status, strangers.body.code]).toEqual([404, 'not_found']);
});

it('tells what is held and who is unwell', async () => {
  const [sick, well] = [await endpoint(), await endpoint()];
  for (let n = 0; n < 3; n++) {
    const eventId = (await api.call('POST', '/v1/events', { type: 't', data: n }, tenant.headers)).body.id;
    await api.db.query({
      text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way, hold_until) values ($1, $2, $3, $4, 'HELD', 'lane', now() + interval '1 day')`,
      values: [eventId, newId('delivery'), tenant.workspaceId, sick],
    });
  }
  await api.call('POST', `/v1/endpoints/${sick}/deactivate`, { reason: 'moving' }, tenant.headers);
  const told = await stats();
  expect(told).toMatchObject({ held: { count: 3, complete: true }, endpoints: { active: 1, failing: 0, deactivated: 1 } });
  expect(told.unwell).toMatchObject([{ id: sick, name: 'crm', status: 'DEACTIVATED', reason: 'moving', consecutiveFailures: 0 }]);
  expect((await stats(`?endpointId=${well}`))).toMatchObject({ held: { count: 0 }, unwell: [], endpoints: { active: 1, deactivated: 0 } });
});

it.each([
  ['?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', 'since'],
  ['?since=2025-01-01T00:00:00Z&until=2026-01-01T00:00:00Z', 'since'],
  ['?since=2999-01-01T00:00:00Z', 'since'],
  ['?since=yesterday', 'since'],
  ['?endpointId=crm', 'endpointId'],
])('refuses %s', async (query, path) => {
  const { status, body } = await api.call('GET', `/v1/stats${query}`, undefined, tenant.headers);
  expect([status, body.errors?.[0]?.path]).toEqual([422, path]);
});

it('forgets what is older than the days that are kept', async () => {
  await addStats(api.db, [row(WHOLE, 24 * 31, { events: 1 }), row(WHOLE, 24 * 29, { events: 1 })]);
  expect(await sweepStats(30)(api.db)).toBe(1);
  expect((await stats(`?since=${new Date(Date.now() - 40 * 86_400_000).toISOString()}`)).total.events).toBe(1);
});
