import { firstWorkspace, storeEvents, untilPlanned, watcherHistory, watchRetries, workersMemory } from '../support/crowd';
import { openReceiver } from '../support/receiver';
import { startService, type Service } from '../support/service';

const EVENTS = 100_000;
/** As many as the first measure is taken at. */
const FIRST_EVENTS = 20_000;
/**
 * What the worker may hold more after the other 80,000, in MiB. Garbage lies about until V8 wants its room, some 85 of it here;
 * 2 KB that were kept of each event would be 160 on top.
 */
const GROWTH_MIB = 120;

let service: Service;
let refused: string;

beforeEach(async () => {
  const closed = await openReceiver();
  await closed.close();
  refused = closed.url;
  service = await startService({ env: { LOG_LEVEL: 'error' } });
});
afterEach(() => service?.stop());

const policy = { retry: { delays: Array(10).fill('1h'), jitter: 0 }, deactivate: 'never', maxInFlight: 100, ratePerSecond: 5_000 };

test.each([1, 60])(`${EVENTS} events that are owed to dead endpoints, %s of them, cost at most 50 workflows each and no memory`, async (count) => {
  const workspaceId = await firstWorkspace(service);
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await service.endpoint(`${refused}/${n}`, { events: [`owed.${n}`], policy })).id);
  const watched = watchRetries(service, ids);
  const store = async (events: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) await storeEvents(service, workspaceId, Math.ceil(events / count), `owed.${n}`);
  };
  await store(FIRST_EVENTS);
  await untilPlanned(service, workspaceId, FIRST_EVENTS, 400_000);
  const before = workersMemory(service);
  await store(EVENTS - FIRST_EVENTS);
  await untilPlanned(service, workspaceId, EVENTS, 1_200_000);
  const after = workersMemory(service);
  const most = await watched.stop();
  const histories = await Promise.all(ids.map((id) => watcherHistory(service, id)));
  const longest = Math.max(...histories.map((history) => history.longest));
  process.stderr.write(`${count} dead: at most ${most} deliver at once for one, longest history ${longest}, memory ${Math.round(before)} -> ${Math.round(after)} MiB\n`);
  expect(most).toBeLessThanOrEqual(50);
  expect(longest).toBeLessThan(5_000);
  expect(after - before).toBeLessThan(GROWTH_MIB);
}, 1_800_000);

test('200,000 deliveries of one endpoint change hands with its status, each time in one transaction', async () => {
  const workspaceId = await firstWorkspace(service);
  const { id } = await service.endpoint(`${refused}/`, { events: [] });
  const rows = 200_000;
  await service.db.query({
    text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, reason, way, hold_until)
           select id_floor('evt', now()) || lpad(n::text, 16, '0'), id_floor('dlv', now()) || lpad(n::text, 16, '0'), $1, $2, 'HELD', 'drain_paused', 'lane', now() + interval '1 day'
           from generate_series(1, $3::int) n`,
    values: [workspaceId, id, rows],
  });
  for (const [what, method, path] of [['deactivate', 'POST', '/deactivate'], ['delete', 'DELETE', '']] as const) {
    const since = performance.now();
    await service.ok(method, `/v1/endpoints/${id}${path}`, method === 'POST' ? {} : undefined);
    process.stderr.write(`${what} with ${rows} deliveries: ${Math.round(performance.now() - since)} ms\n`);
  }
  const left = await service.db.query({ text: `select 1 from deliveries where endpoint_id = $1 and (status, reason) <> ('CANCELLED', 'endpoint_deleted') limit 1`, values: [id] });
  expect(left).toEqual([]);
}, 300_000);
