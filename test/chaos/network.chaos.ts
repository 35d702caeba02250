import { type ChaosProxy, openChaosProxy } from '../support/chaos-proxy';
import { check, readDeliveries, type Violation } from '../support/checks';
import { insist } from '../support/insist';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { type Part, type TestEndpoint, untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { tell } from '../support/tell';
import { freshNamespace } from '../support/temporal';
import { until } from '../support/wait';

const POLICY = { timeout: '4s', connectTimeout: '1s', retry: { delays: Array(40).fill('300ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 60, ratePerSecond: 5_000 };

let database: TestDatabase;
let toPostgres: ChaosProxy;
let toTemporal: ChaosProxy;
let cutOff: Part;

// Before the service, which ends in good order.
afterEach(() => {
  toPostgres?.set('pass');
  toTemporal?.set('pass');
});

/** One worker, which reaches PostgreSQL and Temporal through proxies. The API reaches PostgreSQL by itself, and Temporal not at all. */
const { service, receiver } = useService(async (later) => {
  const temporal = await freshNamespace();
  database = await freshDatabase();
  toPostgres = await openChaosProxy(Number(new URL(database.url).port));
  later(() => toPostgres.close());
  toTemporal = await openChaosProxy(Number(temporal.address.split(':')[1]));
  later(() => toTemporal.close());
  return {
    database, temporal, env: { POSTHORN_RECONCILE_EVERY_MS: '2000' },
    workerEnv: [{ DATABASE_URL: toPostgres.through(database.url), TEMPORAL_ADDRESS: `127.0.0.1:${toTemporal.port}` }],
  };
}, { each: true });
beforeEach(() => {
  cutOff = service.workers()[0]!;
});

/** Everything that is wrong, and what became of the attempts, of deliveries of which all were over before the worker came back. */
async function judge(endpoint: TestEndpoint, path: string, eventIds: readonly string[], earlier: Awaited<ReturnType<typeof readDeliveries>>) {
  const deliveries = await readDeliveries(service.db, endpoint.id);
  const workspaceId = deliveries[0]?.workspaceId ?? '';
  const violations: Violation[] = check({
    acknowledged: eventIds.map((eventId) => ({ eventId, workspaceId, endpointIds: [endpoint.id] })),
    endpoints: [{ ...endpoint, workspaceId, path }], received: receiver.received(path), deliveries, crashes: 1, earlier,
  });
  const unknown = deliveries.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome === 'unknown').length;
  const needed = deliveries.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome !== 'unknown').length;
  const duplicates = receiver.received(path).length - needed;
  tell('duplicates', duplicates);
  tell('attempts that read unknown', unknown);
  return { violations, undelivered: deliveries.filter(({ status }) => status !== 'DELIVERED').length, isBounded: duplicates <= unknown };
}

const RIGHT = { violations: [], undelivered: 0, isBounded: true };

test('a worker that the network cuts off from PostgreSQL in the middle of attempts: another takes over, and what it writes later changes nothing', async () => {
  receiver.willAnswer('/hole', [], { status: 200, afterMs: 1_500 });
  const endpoint = await service.endpoint(`${receiver.url}/hole`, { events: ['hole'], policy: POLICY });
  const eventIds = await service.publish(40, 'hole');
  await until(() => receiver.received('/hole').length >= 20, { what: 'attempts under way' });
  toPostgres.set('blackhole');
  await service.startWorker();
  eventIds.push(...await service.publish(40, 'hole'));
  // Its session lives on as PostgreSQL sees it, so its claims are over with their leases.
  await untilSettled(service, eventIds, 120_000);
  const earlier = await readDeliveries(service.db, endpoint.id);
  // What it wanted to write arrives now.
  toPostgres.set('pass');
  eventIds.push(...await service.publish(40, 'hole'));
  await untilSettled(service, eventIds, 60_000);
  // With 1 where what was under way hung for longer than a stop may take: Temporal's SDK has a worker end then, to be started again.
  expect([0, 1]).toContain(await cutOff.kill('SIGTERM'));
  expect(await judge(endpoint, '/hole', eventIds, earlier)).toEqual(RIGHT);
  expect((await service.db.query({ text: `select 1 from pg_stat_activity where datname = current_database() and state = 'idle in transaction'` }))).toEqual([]);
});

test.each(['there', 'back', undefined] as const)('a worker that is cut off from Temporal (%s): what it has begun it records, what it can not report is taken up, and the API notices nothing', async (direction) => {
  receiver.willAnswer('/deaf', Array(40).fill(500), { status: 200, afterMs: 500 });
  const endpoint = await service.endpoint(`${receiver.url}/deaf`, { events: ['deaf'], policy: POLICY });
  const eventIds = await service.publish(40, 'deaf');
  // Retries are made by workflows.
  await until(() => receiver.received('/deaf').length >= 50, { what: 'retries under way', deadlineMs: 30_000 });
  toTemporal.set('blackhole', direction);
  await service.startWorker();
  eventIds.push(...await service.publish(40, 'deaf'));
  expect((await service.call('GET', '/readyz')).status).toBe(200);
  await untilSettled(service, eventIds, 150_000);
  const earlier = await readDeliveries(service.db, endpoint.id);
  toTemporal.set('pass');
  eventIds.push(...await service.publish(20, 'deaf'));
  await untilSettled(service, eventIds, 60_000);
  expect(await cutOff.kill('SIGTERM')).toBe(0);
  expect(await judge(endpoint, '/deaf', eventIds, earlier)).toEqual(RIGHT);
});

test.each([['reset'], [{ delayMs: 100 }], [{ bytesPerSecond: 60_000 }], [{ cutAfter: 30_000 }]] as const)('a network that does %j between a worker and PostgreSQL loses nothing', async (fault) => {
  const endpoint = await service.endpoint(`${receiver.url}/worn`, { events: ['worn'], policy: POLICY });
  const eventIds = await service.publish(50, 'worn');
  await until(() => receiver.received('/worn').length >= 5, { what: 'deliveries' });
  toPostgres.set(fault);
  eventIds.push(...await service.publish(50, 'worn'));
  const seen = receiver.received('/worn').length;
  // Slow or not at all: it is the network's turn for as long as it takes to send something, or to notice.
  await until(() => receiver.received('/worn').length > seen + 5 || /failed|lost/.test(cutOff.output()), { what: 'something to happen', deadlineMs: 60_000 });
  toPostgres.set('pass');
  await untilSettled(service, eventIds, 90_000);
  expect(await judge(endpoint, '/worn', eventIds, [])).toEqual(RIGHT);
});

test('an API that the network cuts off from PostgreSQL answers 503 in time, and nothing that was refused comes twice', async () => {
  const proxy = await openChaosProxy(Number(new URL(database.url).port));
  await service.startApi({ DATABASE_URL: proxy.through(database.url) });
  const endpoint = await service.endpoint(`${receiver.url}/refused`, { events: ['refused'], policy: POLICY });
  proxy.set('blackhole');
  const event = (n: number): object => ({ type: 'refused', data: {}, id: `refused-${n}` });
  const since = performance.now();
  const tookMs: number[] = [];
  const replies = await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const reply = await service.call('POST', '/v1/events', event(n));
    tookMs.push(performance.now() - since);
    return reply;
  }));
  expect(new Set(replies.map(({ status, headers }) => `${status} ${headers.get('retry-after')}`))).toEqual(new Set(['503 1']));
  // A statement is given up after 30 s, and what waits for a connection sooner.
  expect(Math.max(...tookMs)).toBeLessThan(45_000);
  tell('longest wait for a 503 in ms', Math.round(Math.max(...tookMs)));
  proxy.set('pass');
  // What could not be answered may have been done all the same.
  const eventIds = await Promise.all(Array.from({ length: 20 }, async (_, n) => (await insist(service, 'POST', '/v1/events', event(n))).id as string));
  await untilSettled(service, eventIds);
  expect(await judge(endpoint, '/refused', eventIds, [])).toEqual(RIGHT);
  expect(receiver.received('/refused')).toHaveLength(20);
  await proxy.close();
});
