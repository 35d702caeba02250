import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type EmbeddedPostgres, startPostgres } from '../../src/embedded/postgres';
import { openDb } from '../../src/store/db';
import { migrate } from '../../src/store/migrate';
import { violationsAt } from '../support/checks';
import { openReceiver, type Receiver } from '../support/receiver';
import { startService, type Service, untilSettled } from '../support/service';
import { until } from '../support/wait';

let folder: string;
let postgres: EmbeddedPostgres;
let service: Service;
let receiver: Receiver;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-postgres-'));
  await chmod(folder, 0o711);
  postgres = await startPostgres(folder);
  await migrate(postgres.url);
  const db = openDb(postgres.url, 5);
  receiver = await openReceiver();
  service = await startService({ workers: 2, database: { url: postgres.url, db, drop: () => db.close() } });
}, 120_000);
afterAll(async () => {
  await service?.stop();
  await receiver?.close();
  await postgres?.server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Ends PostgreSQL as a power failure would: what it has not written to the disk is gone. */
async function crash(): Promise<void> {
  const [pid] = (await readFile(join(postgres.elsewhere ?? join(folder, 'postgres'), 'data', 'postmaster.pid'), 'utf8')).split('\n');
  process.kill(Number(pid), 'SIGKILL');
  await postgres.server.end;
}

/** Posts an event until it is acknowledged, as a careful client does: under the same id. */
async function insist(type: string, n: number, refused: Set<number>): Promise<string> {
  for (;;) {
    const reply = await service.call('POST', '/v1/events', { type, data: { n }, id: `${type}-${n}` });
    if (reply.status < 300) return reply.body.id as string;
    refused.add(reply.status);
    await delay(50);
  }
}

const POLICY = { timeout: '1s', connectTimeout: '1s', retry: { delays: Array(20).fill('100ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 50, ratePerSecond: 2_000 };

test('PostgreSQL dies under load: what was acknowledged is delivered, and nothing else needs to be restarted', async () => {
  receiver.willAnswer('/load', Array.from({ length: 100 }, (_, n) => (n % 10 === 0 ? 500 : { status: 200, afterMs: 20 })), { status: 200, afterMs: 20 });
  receiver.willAnswer('/narrow', [], { status: 200, afterMs: 10 });
  const endpoint = await service.endpoint(`${receiver.url}/load`, { events: ['load'], policy: POLICY });
  // Most of what this one is owed goes by its lane.
  const narrow = await service.endpoint(`${receiver.url}/narrow`, { events: ['load'], policy: { ...POLICY, maxInFlight: 6, ratePerSecond: 200 } });
  const total = 400;
  const refused = new Set<number>();
  const acknowledged: string[] = [];
  let next = 0;
  const clients = Array.from({ length: 8 }, async () => {
    while (next < total) acknowledged.push(await insist('load', next++, refused));
  });
  await until(() => acknowledged.length >= 100, { what: 'the first events' });
  await crash();
  const { status, headers } = await until(async () => {
    const reply = await service.call('GET', '/readyz');
    return reply.status !== 200 && reply;
  }, { what: 'the API to notice' });
  expect([status, headers.has('retry-after')]).toEqual([503, true]);
  expect((await service.call('GET', '/healthz')).status).toBe(200);
  postgres = await startPostgres(folder, { port: postgres.port });
  await Promise.all(clients);

  expect(new Set(acknowledged).size).toBe(total);
  expect([...refused]).toEqual([503]);
  await untilSettled(service, acknowledged, 60_000);
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/load', eventIds: acknowledged, crashes: 1 })).toEqual([]);
  expect(await violationsAt({ db: service.db, receiver, endpoint: narrow, path: '/narrow', eventIds: acknowledged, crashes: 1 })).toEqual([]);
  expect(service.workers()).toHaveLength(2);
  expect(service.api().isAlive()).toBe(true);
}, 150_000);
