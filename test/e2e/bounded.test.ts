import { firstWorkspace, runningRetries, storeEvents, untilPlanned, watcherHistory, watchRetries } from '../support/crowd';
import { refusedAddress } from '../support/receiver';
import { useService } from '../support/stage';
import { tell } from '../support/tell';
import { until } from '../support/wait';

/** The long tier does the same with ten times as many: see test/chaos/bounded.chaos.ts. */
const EVENTS = 10_000;
/** What the worker may start before an endpoint counts as failing and after: see RETRIES_WHILE_FAILING. */
const MOST_RETRIES = 50;

const { service, receiver } = useService({ env: { LOG_LEVEL: 'error' } });

const RETRIES = { delays: Array(10).fill('1h'), jitter: 0 };
const statusOf = async (id: string): Promise<string> => (await service.ok('GET', `/v1/endpoints/${id}`)).status;

test(`${EVENTS} events that are owed to an endpoint that refuses cost at most ${MOST_RETRIES} workflows, and wait in PostgreSQL`, async () => {
  const workspaceId = await firstWorkspace(service);
  // As fast as it gets: the breaker opens long after the first failures.
  const { url: refused } = await refusedAddress();
  const { id } = await service.endpoint(`${refused}/`, { events: ['owed'], policy: { retry: RETRIES, deactivate: 'never', maxInFlight: 100, ratePerSecond: 5_000 } });
  const watched = watchRetries(service, [id]);
  await storeEvents(service, workspaceId, EVENTS, 'owed');
  await untilPlanned(service, workspaceId, EVENTS, 150_000);
  expect(await statusOf(id)).toBe('FAILING');
  await until(async () => (await service.db.query({ text: 'select 1 from outbox limit 1' })).length === 0, { what: 'the outbox to be empty', deadlineMs: 60_000 });
  expect(await watched.stop()).toBeLessThanOrEqual(MOST_RETRIES);
  expect(await runningRetries(service, id)).toBeGreaterThan(0);
  expect((await watcherHistory(service, id)).longest).toBeLessThan(5_000);

  const health = await service.ok('GET', `/v1/endpoints/${id}/health`);
  expect(health).toMatchObject({ held: 0, pending: EVENTS });
  const [row] = await service.db.query<{ attempts: number }>({ text: 'select count(*) as attempts from attempts where endpoint_id = $1', values: [id] });
  // The rest was not even tried: how much that is depends on how soon the breaker opens.
  expect(row?.attempts).toBeLessThan(EVENTS);
  tell('attempts before the breaker opened', row?.attempts ?? 0);

  // And all of it changes hands at once, in the transaction of the switch.
  await service.ok('POST', `/v1/endpoints/${id}/deactivate`, {});
  expect(await service.ok('GET', `/v1/endpoints/${id}/health`)).toMatchObject({ status: 'DEACTIVATED', held: EVENTS, pending: 0 });
  await until(async () => (await runningRetries(service, id)) === 0, { what: 'the end of its workflows', deadlineMs: 60_000 });
  await service.ok('DELETE', `/v1/endpoints/${id}`);
  const left = await service.db.query({ text: `select 1 from deliveries where endpoint_id = $1 and (status, reason) <> ('CANCELLED', 'endpoint_deleted') limit 1`, values: [id] });
  expect(left).toEqual([]);
}, 300_000);

test('sixty endpoints that hang take no place from a healthy one beside them', async () => {
  receiver.willAnswer('/hanging', [], 'hang');
  const policy = { retry: RETRIES, deactivate: 'never', timeout: '30s' };
  const hanging = await Promise.all(Array.from({ length: 60 }, () => service.endpoint(`${receiver.url}/hanging`, { events: ['many'], policy })));
  const { id } = await service.endpoint(`${receiver.url}/healthy`, { events: ['lone'], policy: { maxInFlight: 50, ratePerSecond: 5_000 } });
  await service.publish(10, 'many');
  await until(() => receiver.received('/hanging').length >= 60 * 5, { what: 'all of them to hang', deadlineMs: 25_000 });
  for (let n = 0; n < 20; n += 1) {
    await service.publish(1, 'lone');
    await until(() => receiver.received('/healthy').length === n + 1, { what: `event ${n} at the healthy one` });
  }
  // It got them by first attempts, none of which had to wait for a place; each of the others had its own five and no more.
  const ways = await service.db.query({ text: 'select distinct way from deliveries where endpoint_id = $1', values: [id] });
  expect(ways).toEqual([{ way: 'fast' }]);
  expect(receiver.mostOpen('/hanging')).toBe(60 * 5);
  await Promise.all([...hanging.map((one) => one.id), id].map((one) => service.ok('DELETE', `/v1/endpoints/${one}`)));
}, 150_000);
