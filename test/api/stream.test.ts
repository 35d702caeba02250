import type { Readable } from 'node:stream';
import { Client } from 'pg';
import { createStreamHub } from '../../src/api/stream-hub';
import { createLog } from '../../src/log';
import { feedItem, feedText, FEED_CHANNEL, HELLO, WATCH_CHANNEL } from '../../src/store/live-feed';
import { startApi, type Tenant, type TestApi } from '../support/api';
import { openStream, type TestStream } from '../support/stream';
import { until } from '../support/wait';

let api: TestApi;
let tenant: Tenant;
/** What a worker does: it hears who watches, and tells. */
let worker: Client;
const watched: string[] = [];
const open: TestStream[] = [];

beforeAll(async () => {
  api = await startApi();
  worker = new Client({ connectionString: api.databaseUrl });
  worker.on('error', () => undefined);
  worker.on('notification', ({ payload }) => watched.push(payload ?? ''));
  await worker.connect();
  await worker.query(`listen ${WATCH_CHANNEL}`);
});
beforeEach(async () => {
  tenant = await api.tenant();
});
afterEach(() => open.splice(0).forEach((stream) => stream.close()));
afterAll(async () => {
  await worker.end();
  await api.close();
});

async function watch(headers: Readonly<Record<string, string>> = tenant.headers, lastEventId?: string): Promise<TestStream> {
  const stream = await openStream(api.url, { ...headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) });
  open.push(stream);
  return stream;
}
/** Connections to PostgreSQL for streams, but for these. The API's own is closed at a time of its own: each has a number. */
const sessions = async (but: readonly number[] = []): Promise<number[]> =>
  (await api.db.query<{ pid: number }>({
    text: `select pid from pg_stat_activity where application_name = 'posthorn stream' and datname = current_database() and pid <> all ($1)`, values: [but],
  })).map(({ pid }) => pid);
const tell = (text: string): Promise<unknown> => worker.query('select pg_notify($1, $2)', [FEED_CHANNEL, text]);
const delivery = { id: 'dlv_1', eventId: 'evt_1', eventType: 't', endpointId: 'ep_1', status: 'DELIVERED', attemptNumber: 1, outcome: 'ok', statusCode: 200, durationMs: 5 };
const told = (workspaceId: string, events = 1): string => feedText({ workspaceId, events, statuses: { DELIVERED: 1 } }, [feedItem(delivery)]);

it('says that it is ready, has workers told who watches, and passes on what they tell of this workspace alone', async () => {
  const stream = await watch();
  expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  await stream.event(({ type }) => type === 'ready');
  await until(() => watched.includes(tenant.workspaceId));
  const stranger = await api.tenant();
  await tell(told(stranger.workspaceId, 7));
  await tell(told(tenant.workspaceId));
  const { data } = await stream.event(({ type }) => type === 'deliveries');
  expect(data).toEqual({ type: 'deliveries', count: 1, events: 1, statuses: { DELIVERED: 1 }, deliveries: [delivery] });
  expect(stream.events.filter(({ type }) => type === 'deliveries')).toHaveLength(1);
});

it('tells a worker that comes up later who watches', async () => {
  const stream = await watch();
  await stream.event(({ type }) => type === 'ready');
  const before = watched.length;
  await tell(HELLO);
  await until(() => watched.slice(before).some((ids) => ids.includes(tenant.workspaceId)));
});

it('tells of endpoints and rules that change, whoever has changed them', async () => {
  const stream = await watch();
  await stream.event(({ type }) => type === 'ready');
  const { body: endpoint } = await api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/' }, tenant.headers);
  await stream.event(({ data }) => data.endpointId === endpoint.id && data.status === 'ACTIVE');
  await api.call('POST', `/v1/endpoints/${endpoint.id}/deactivate`, { reason: 'tired' }, tenant.headers);
  const { data } = await stream.event((event) => event.data.status === 'DEACTIVATED');
  expect(data).toMatchObject({ type: 'endpoint', endpointId: endpoint.id, reason: 'tired' });
  const { body: rule } = await api.call('POST', '/v1/rules', { name: 'r', events: ['*'], endpointIds: [endpoint.id] }, tenant.headers);
  await stream.event((event) => event.type === 'rule' && event.data.ruleId === rule.id);
  await api.call('DELETE', `/v1/endpoints/${endpoint.id}`, undefined, tenant.headers);
  await stream.event((event) => event.data.endpointId === endpoint.id && event.data.status === null);
});

it('goes on after Last-Event-ID where it knows what was missed, and says so where it does not', async () => {
  const first = await watch();
  const { id } = await first.event(({ type }) => type === 'ready');
  first.close();
  await tell(told(tenant.workspaceId, 3));
  await tell(told(tenant.workspaceId, 4));
  const second = await watch(tenant.headers, id ?? '');
  await second.event(({ data }) => data.events === 4);
  expect(second.events.map(({ data }) => data.events)).toEqual([3, 4]);
  const third = await watch(tenant.headers, 'a0b1c2d3e4-17');
  await third.event(({ type }) => type === 'resync');
  expect(third.events).toHaveLength(1);
});

it('says that something may have been missed when its connection to PostgreSQL was lost', async () => {
  const stream = await watch();
  await stream.event(({ type }) => type === 'ready');
  await api.db.query({ text: 'select pg_terminate_backend(pid) from unnest($1::int[]) pid', values: [await sessions()] });
  await stream.event(({ type }) => type === 'resync');
  await tell(told(tenant.workspaceId));
  await stream.event(({ type }) => type === 'deliveries');
});

it('ends within seconds of the revocation of its key, and takes no key that may not read', async () => {
  const made = await api.call('POST', '/v1/api-keys', { name: 'short', role: 'read' }, tenant.headers);
  const stream = await watch({ authorization: `Bearer ${made.body.key}` });
  await stream.event(({ type }) => type === 'ready');
  await api.call('DELETE', `/v1/api-keys/${made.body.id}`, undefined, tenant.headers);
  await stream.ended;
  expect(stream.events.at(-1)).toMatchObject({ type: 'closed', data: { reason: 'unauthorized' } });
  expect((await watch({ authorization: `Bearer ${made.body.key}` })).status).toBe(401);
  expect((await watch((await api.tenant('publish')).headers)).status).toBe(403);
});

it('takes fifty streams of a workspace, and another when one of them has ended', async () => {
  const streams = await Promise.all(Array.from({ length: 50 }, () => watch()));
  expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
  const refused = await watch();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  expect((await watch((await api.tenant()).headers)).status).toBe(200);
  streams[0]?.close();
  await until(async () => (await watch()).status === 200);
});

it('ends with its process, which does not wait for it', async () => {
  const own = await startApi();
  const stream = await openStream(own.url, { authorization: `Bearer ${own.rootKey}` });
  await stream.event(({ type }) => type === 'ready');
  const startedAt = performance.now();
  await own.close();
  await stream.ended;
  expect(stream.events.at(-1)).toMatchObject({ type: 'closed', data: { reason: 'ending' } });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

it('costs nothing while nobody watches: its connection is closed when the last has been gone for a while', async () => {
  const others = await sessions();
  const hub = createStreamHub({ db: api.db, log: createLog('silent') }, api.databaseUrl, 50);
  const stream = await hub.open({ workspaceId: tenant.workspaceId, lastEventId: undefined, mayStill: () => Promise.resolve() });
  expect(await sessions(others)).toHaveLength(1);
  stream.destroy();
  await until(async () => (await sessions(others)).length === 0);
  await hub.close();
});

describe('where more are opened than may be', () => {
  let hub: ReturnType<typeof createStreamHub>;
  const hubOf = (lingerMs: number): void => void (hub = createStreamHub({ db: api.db, log: createLog('silent') }, api.databaseUrl, lingerMs));
  const readers: Readable[] = [];
  const opened = async (workspaceId: string): Promise<Readable> => {
    const stream = await hub.open({ workspaceId, lastEventId: undefined, mayStill: () => Promise.resolve() });
    readers.push(stream);
    return stream;
  };
  afterEach(async () => {
    await hub.close();
    readers.splice(0).forEach((stream) => stream.destroy());
  });

  it('who is refused is not watched: the connection is closed all the same when the others have been gone for a while', async () => {
    const others = await sessions();
    hubOf(50);
    const streams = await Promise.all(Array.from({ length: 500 }, (_, n) => opened(`wsp_${n % 10}`)));
    await expect(opened('wsp_refused')).rejects.toMatchObject({ code: 'too_many_requests' });
    streams.forEach((stream) => stream.destroy());
    await until(async () => (await sessions(others)).length === 0);
  });

  it('a workspace has fifty, also where a hundred are opened at once', async () => {
    hubOf(50);
    const all = await Promise.allSettled(Array.from({ length: 100 }, () => opened(tenant.workspaceId)));
    expect(all.filter(({ status }) => status === 'fulfilled').length).toBe(50);
  });

  it('one that is opened while the last one ends is watched on', async () => {
    hubOf(0);
    const first = await opened(tenant.workspaceId);
    const second = await new Promise<Readable>((resolve, reject) => {
      // From here the end of the first is heard before the second is ready.
      setImmediate(() => {
        opened(tenant.workspaceId).then(resolve, reject);
        first.destroy();
      });
    });
    let heard = '';
    second.on('data', (text: Buffer) => { heard += text.toString(); });
    // Who is forgotten is so at the next look at the latest: each finds one change.
    for (let n = 0; n < 2; n += 1) {
      const { body } = await api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/' }, tenant.headers);
      await until(() => heard.includes(body.id as string), { deadlineMs: 5_000 });
    }
  });
});

it('cuts off who reads too slowly', async () => {
  const hub = createStreamHub({ db: api.db, log: createLog('silent') }, api.databaseUrl);
  const stream = await hub.open({ workspaceId: tenant.workspaceId, lastEventId: undefined, mayStill: () => Promise.resolve() });
  const items = Array.from({ length: 20 }, () => feedItem({ ...delivery, eventType: 'x'.repeat(128) }));
  const text = feedText({ workspaceId: tenant.workspaceId, events: 1, statuses: {} }, items);
  await until(async () => {
    await tell(text);
    return stream.destroyed;
  });
  await hub.close();
});
