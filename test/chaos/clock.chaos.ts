import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { violationsAt } from '../support/checks';
import { freePort } from '../support/ports';
import { readScrape } from '../support/prometheus';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-clock-'));
const file = join(folder, 'ahead');
const setClock = (aheadMs: number): void => writeFileSync(file, String(aheadMs));

let env: Readonly<Record<string, string>>;
let port: number;

// Before the service, which ends in good order by a clock that is right.
afterEach(() => setClock(0));
const { service, receiver } = useService(async () => {
  setClock(0);
  port = await freePort();
  env = { NODE_OPTIONS: `--require ${join(__dirname, '..', 'support', 'fake-clock.cjs')}`, FAKE_CLOCK: file, WORKER_METRICS_PORT: String(port) };
  return { workerEnv: [env] };
}, { each: true });
afterAll(() => rmSync(folder, { recursive: true }));

const skew = async (): Promise<number> => readScrape(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).value('posthorn_clock_skew_seconds');

test.each([600_000, -600_000])('a worker whose clock goes wrong by %d ms ends in good order, and one that is started sends nothing until it is right', async (aheadMs) => {
  const endpoint = await service.endpoint(`${receiver.url}/clock`, { events: ['clock'] });
  const eventIds = await service.publish(20, 'clock');
  await untilSettled(service, eventIds);
  setClock(aheadMs);
  const [worker] = service.workers();
  expect(await worker!.end).toBe(1);

  eventIds.push(...await service.publish(20, 'clock'));
  const next = service.startWorker(env);
  await until(() => service.output().split('worker.clock_wrong').length > 2, { what: 'the next one to notice', deadlineMs: 30_000 });
  expect(receiver.received('/clock')).toHaveLength(20);
  // Another one, whose clock is right, does not wait for it.
  const other = await service.startWorker();
  await untilSettled(service, eventIds);
  expect(await other.kill('SIGTERM')).toBe(0);
  setClock(0);
  await next;
  eventIds.push(...await service.publish(20, 'clock'));
  await untilSettled(service, eventIds);
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/clock', eventIds, crashes: 0 })).toEqual([]);
  expect(receiver.received('/clock')).toHaveLength(60);
});

test('a clock that is a little off is told, and deliveries go on by the clock of PostgreSQL', async () => {
  setClock(-30_000);
  receiver.willAnswer('/skewed', [500], 200);
  await until(async () => Math.round(await skew()) === 30, { what: 'the metric' });
  const endpoint = await service.endpoint(`${receiver.url}/skewed`, { events: ['skewed'], policy: { retry: { delays: ['500ms'], jitter: 0 } } });
  const eventIds = await service.publish(1, 'skewed');
  await untilSettled(service, eventIds);
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/skewed', eventIds, crashes: 0 })).toEqual([]);
  const [first, second] = receiver.received('/skewed');
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(500);
  expect(second!.at - first!.at).toBeLessThan(15_000);
});
