import { dropWeek, oldWeeks } from '../../src/store/partitions';
import { startApi, type TestApi, type Tenant } from '../support/api';
import { makeEndpoint } from '../support/make';
import { makePastEvent, type PastEvent } from '../support/past';

const DAY_MS = 86_400_000;

let api: TestApi;
let owner: Tenant;
let old: PastEvent[];
let endpointId: string;
beforeAll(async () => {
  api = await startApi();
  owner = await api.tenant();
  endpointId = await makeEndpoint(api.db, owner.workspaceId);
  old = [];
  for (const days of [61, 60, 3, 2, 1]) old.push(await makePastEvent(api.db, owner.workspaceId, endpointId, days));
});
afterAll(() => api.close());

const call = (method: string, path: string, body?: unknown) => api.call(method, path, body, owner.headers);

it('A week that is dropped leaves 404 behind, and lists that go on', async () => {
  const [first, second] = old as [PastEvent, PastEvent];
  expect(await call('GET', `/v1/events/${first.eventId}`)).toMatchObject({ status: 200, body: { delivered: true } });
  const page = await call('GET', '/v1/events?limit=4');
  const deliveries = await call('GET', '/v1/deliveries?limit=4');
  expect([page.body.data.length, deliveries.body.data.length]).toEqual([4, 4]);

  const weeks = await oldWeeks(api.db, 30 * DAY_MS);
  for (const week of weeks) expect(await dropWeek(api.db, week)).toBe('dropped');
  expect(await oldWeeks(api.db, 30 * DAY_MS)).toEqual([]);

  for (const { eventId, deliveryId } of [first, second]) {
    expect(await call('GET', `/v1/events/${eventId}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await call('POST', `/v1/events/${eventId}/resend`)).toMatchObject({ status: 404 });
    expect(await call('POST', `/v1/events/${eventId}/resend`, { endpointIds: [endpointId] })).toMatchObject({ status: 404 });
    expect(await call('GET', `/v1/deliveries/${deliveryId}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await call('POST', `/v1/deliveries/${deliveryId}/retry`)).toMatchObject({ status: 404 });
    expect(await call('POST', `/v1/deliveries/${deliveryId}/cancel`)).toMatchObject({ status: 404 });
  }
  const left = old.slice(2).map(({ eventId }) => eventId).reverse();
  expect((await call('GET', '/v1/events')).body.data.map(({ id }: { id: string }) => id)).toEqual(left);
  expect((await call('GET', `/v1/deliveries?endpointId=${endpointId}`)).body.data).toHaveLength(3);
  for (const path of [`/v1/events?limit=4&cursor=${page.body.nextCursor}`, `/v1/deliveries?limit=4&cursor=${deliveries.body.nextCursor}`]) {
    expect(await call('GET', path)).toMatchObject({ status: 200, body: { data: [], nextCursor: null } });
  }
  expect(await call('GET', `/v1/deliveries?eventId=${first.eventId}`)).toMatchObject({ status: 200, body: { data: [] } });
});
