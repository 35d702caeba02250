import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { residentMiB } from '../support/crowd';
import { readScrape, type Scrape } from '../support/prometheus';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { tell } from '../support/tell';
import { until } from '../support/wait';

/** What a process without work needs, and few more. */
const FILES = 128;
const POLICY = { timeout: '3s', connectTimeout: '1s', retry: { delays: Array(40).fill('300ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 100, ratePerSecond: 5_000 };

const { service, receiver, violations } = useService({ env: { LOG_LEVEL: 'warn', POSTHORN_RECONCILE_EVERY_MS: '2000' } }, { each: true });

const scrape = async (): Promise<Scrape> => readScrape((await service.call('GET', '/metrics')).text);

test('all workers are gone for a minute under traffic: the API accepts, the backlog is told, and it drains', async () => {
  // One request each: a receiver in the process that posts may take long to answer.
  const endpoint = await service.endpoint(`${receiver.url}/gone`, { events: ['gone'], policy: { ...POLICY, timeout: '30s' } });
  await service.workers()[0]!.kill();
  const eventIds: string[] = [];
  const endsAt = performance.now() + 60_000;
  // The only wait for a time: the fault lasts a minute.
  while (performance.now() < endsAt) {
    eventIds.push(...await service.publish(20, 'gone'));
    await delay(1_000);
  }
  const told = await until(async () => {
    const now = await scrape();
    return now.value('posthorn_outbox_oldest_seconds') > 55 && now;
  }, { what: 'the age of the backlog' });
  expect(told.value('posthorn_outbox_rows', { kind: 'event' })).toBe(eventIds.length);
  expect(receiver.received('/gone')).toHaveLength(0);
  await service.startWorker();
  await untilSettled(service, eventIds, 120_000);
  expect(await violations(endpoint, '/gone', eventIds, 0)).toEqual([]);
  expect(receiver.received('/gone')).toHaveLength(eventIds.length);
  tell('events that waited', eventIds.length);
});

test('10,000 events as fast as 50 clients can: each is accepted or told to come back, and all that was accepted is delivered', async () => {
  const endpoint = await service.endpoint(`${receiver.url}/burst`, { events: ['burst'], policy: { ...POLICY, timeout: '30s' } });
  const before = residentMiB(service.api().pid);
  const eventIds: string[] = [];
  const others = new Set<string>();
  let next = 0;
  let most = before;
  const since = performance.now();
  await Promise.all(Array.from({ length: 50 }, async () => {
    while (next < 10_000) {
      next += 1;
      const reply = await service.call('POST', '/v1/events', { type: 'burst', data: { text: 'x'.repeat(1_000) } });
      if (reply.status === 202) eventIds.push(reply.body.id);
      else others.add(`${reply.status} ${reply.headers.has('retry-after')}`);
      if (next % 100 === 0) most = Math.max(most, residentMiB(service.api().pid));
    }
  }));
  const seconds = (performance.now() - since) / 1_000;
  expect([...others].filter((other) => other !== '429 true')).toEqual([]);
  await untilSettled(service, eventIds, 240_000);
  expect(await violations(endpoint, '/burst', eventIds, 0)).toEqual([]);
  expect(new Set(receiver.received('/burst').map(({ headers }) => headers['webhook-id'])).size).toBe(eventIds.length);
  expect(most - before).toBeLessThan(300);
  tell('events a second', Math.round(10_000 / seconds));
  tell('MiB more in the API', Math.round(most - before));
});

test('a worker that can do nothing for five seconds loses nothing, and another goes on meanwhile', async () => {
  // With a lease (timeout and 5 s) that outlasts the block by far: nobody takes over what the blocked one is at.
  const endpoint = await service.endpoint(`${receiver.url}/blocked`, { events: ['blocked'], policy: { ...POLICY, timeout: '10s' } });
  receiver.willAnswer('/blocked', [], { status: 200, afterMs: 50 });
  await service.startWorker({ POSTHORN_FAILPOINT: 'before-send@20@5000' });
  const eventIds: string[] = [];
  for (let page = 0; page < 10; page += 1) {
    eventIds.push(...await service.publish(30, 'blocked'));
    await until(() => receiver.received('/blocked').length > eventIds.length - 100, { what: 'the deliveries to follow', deadlineMs: 60_000 });
  }
  await untilSettled(service, eventIds, 60_000);
  expect(await violations(endpoint, '/blocked', eventIds, 0)).toEqual([]);
  expect(service.workers()).toHaveLength(2);
});

test('what callers may send does not keep the API from answering others', async () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
  const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, 'x'.repeat(200)]));
  const condition = { $and: Array.from({ length: 90 }, (_, n) => ({ [`data.${'a.'.repeat(10)}${n}`]: { $in: Array.from({ length: 10 }, (_, m) => `${'a'.repeat(50)}${m}`) } })) };
  const asks: [string, string, unknown][] = [
    ['POST', '/v1/events', { type: 't', data: deep(60) }], ['POST', '/v1/events', { type: 't', data: wide }], ['POST', '/v1/records', { type: 't', attributes: wide }],
    ['POST', '/v1/events', `{"type":"t","data":${'['.repeat(100_000)}`], ['POST', '/v1/events', `{"type":"t","data":"${'\\u0061'.repeat(40_000)}"}`],
    ['POST', '/v1/rules', { name: 'r', events: ['*'], condition, endpointIds: [] }], ['POST', '/v1/events/batch', { events: Array.from({ length: 1_000 }, (_, n) => ({ type: 't', data: { n } })) }],
    ['POST', `/v1/events?${'a=1&'.repeat(2_000)}`, { type: 't', data: 1 }],
  ];
  // From here on: each look begins anew.
  await scrape();
  for (let round = 0; round < 5; round += 1) {
    const replies = await Promise.all(asks.map(([method, path, body]) => service.call(method, path, body)));
    expect(replies.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
  }
  const lagMs = (await scrape()).value('nodejs_eventloop_lag_max_seconds') * 1_000;
  tell('longest lag in ms', Math.round(lagMs));
  // A tenth of a second on a machine of its own; here others run beside it.
  expect(lagMs).toBeLessThan(1_000);
});

test('a worker that may open few files keeps within them, and delivers everything at the first attempt', async () => {
  receiver.willAnswer('/narrow', [], { status: 200, afterMs: 300 });
  const endpoint = await service.endpoint(`${receiver.url}/narrow`, { events: ['narrow'], policy: { ...POLICY, timeout: '30s', retry: { delays: ['1h'] } } });
  const worker = await service.startWorker({ DATABASE_POOL: '5' }, FILES);
  await service.workers()[0]!.kill('SIGTERM');
  const eventIds = await service.publish(600, 'narrow');
  await untilSettled(service, eventIds, 120_000);
  expect(worker.isAlive()).toBe(true);
  expect(await violations(endpoint, '/narrow', eventIds, 0)).toEqual([]);
  expect(await service.db.query({ text: `select outcome, error from attempts where endpoint_id = $1 and outcome <> 'ok'`, values: [endpoint.id] })).toEqual([]);
  expect(receiver.received('/narrow')).toHaveLength(600);
});

test('an API that has no file left to open refuses connections, and answers again when others have closed theirs', async () => {
  await service.api().kill('SIGTERM');
  const api = await service.startApi({ DATABASE_POOL: '5' }, FILES);
  await service.ok('GET', '/v1/records');
  const port = Number(new URL(service.url()).port);
  const sockets: Socket[] = [];
  for (let n = 0; n < 300; n += 1) {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
    sockets.push(socket);
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  }
  await until(() => sockets.some(({ destroyed }) => destroyed) || sockets.some(({ connecting }) => connecting), { what: 'connections that are refused or wait' });
  expect(api.isAlive()).toBe(true);
  sockets.forEach((socket) => socket.destroy());
  await until(async () => (await service.call('POST', '/v1/records', { type: 't' })).status === 201, { what: 'the API to answer again' });
  expect(api.isAlive()).toBe(true);
});
