import { countPlans, firstWorkspace, storeEvents, watcherHistory, watchRetries, workersMemory } from '../support/crowd';
import { refusedAddress } from '../support/receiver';
import { useService } from '../support/stage';
import { tell } from '../support/tell';
import { until } from '../support/wait';

const EVENTS = 100_000;
/**
 * What a worker has for objects that live, in MiB, twice: for itself, which needs some 50 of it, and for its thread of workflows,
 * which needs more by what it keeps at hand. 2 KB that were kept of each event would be 200 on top, and its end.
 */
const HEAP_MIB = 192;

let refused: string;
const { service } = useService(async () => {
  refused = (await refusedAddress()).url;
  return { env: { LOG_LEVEL: 'error' }, workerEnv: [{ NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` }] };
}, { each: true });

const policy = { retry: { delays: Array(10).fill('1h'), jitter: 0 }, deactivate: 'never', maxInFlight: 100, ratePerSecond: 5_000 };

test.each([1, 60])(`${EVENTS} events that are owed to dead endpoints, %s of them, cost at most 50 workflows each, and a worker of ${HEAP_MIB} MiB has room`, async (count) => {
  const workspaceId = await firstWorkspace(service);
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await service.endpoint(`${refused}/${n}`, { events: [`owed.${n}`], policy })).id);
  const watched = watchRetries(service, ids);
  const perEndpoint = Math.ceil(EVENTS / count);
  for (let n = 0; n < count; n += 1) await storeEvents(service, workspaceId, perEndpoint, `owed.${n}`);
  const [worker] = service.workers();
  // Where it has no room left it ends, and nobody plans any more.
  await until(async () => !worker!.isAlive() || (await countPlans(service, workspaceId)) >= perEndpoint * count, { what: 'all plans', deadlineMs: 1_600_000 });
  expect(worker!.isAlive() ? '' : worker!.output().slice(-3_000)).toBe('');
  const memoryMiB = workersMemory(service);
  const most = await watched.stop();
  const histories = await Promise.all(ids.map((id) => watcherHistory(service, id)));
  const longest = Math.max(...histories.map((history) => history.longest));
  process.stderr.write(`${count} dead: at most ${most} deliver at once for one, longest history ${longest}, ${Math.round(memoryMiB)} MiB resident\n`);
  tell(`MiB resident with ${count} dead`, Math.round(memoryMiB));
  expect(most).toBeLessThanOrEqual(50);
  expect(longest).toBeLessThan(5_000);
  const [owed] = await service.db.query<{ count: number }>({ text: `select count(*) from deliveries where endpoint_id = any($1) and status in ('PENDING', 'RETRYING')`, values: [ids] });
  expect(owed?.count).toBe(perEndpoint * count);
  expect(worker!.isAlive()).toBe(true);
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
