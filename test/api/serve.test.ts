import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { readConfig, type Config } from '../../src/config';
import { createLog } from '../../src/log';
import { serve } from '../../src/serve';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
beforeEach(async () => void (database = await freshDatabase()));
afterEach(() => database.drop());

const log = createLog('silent');
const settings = (more: Readonly<Record<string, string>> = {}): Config => readConfig({
  PORT: '0', DATABASE_URL: database.url, POSTHORN_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`, ...more,
});

it('prints a root key at its first start only, and that key works', async () => {
  const first = await serve(settings(), { log });
  expect(first.rootKey).toMatch(/^phk_[A-Za-z0-9_-]{43}$/);
  const reply = await fetch(`${first.url}/v1/workspaces`, { headers: { authorization: `Bearer ${first.rootKey ?? ''}` } });
  expect(((await reply.json()) as { data: { name: string }[] }).data.map(({ name }) => name)).toEqual(['default']);
  await first.close();
  const second = await serve(settings(), { log });
  expect(second.rootKey).toBeNull();
  await second.close();
});

it('makes the partitions of the coming eight weeks', async () => {
  const [last] = await database.db.query<{ name: string }>({
    text: `select to_char(date_trunc('week', now() + interval '8 weeks', 'UTC') at time zone 'UTC', 'YYYYMMDD') as name`,
  });
  const name = `events_${last?.name ?? ''}`;
  // It is not there where a week has begun since the database was made that this one is a copy of.
  await database.db.query({ text: `drop table if exists ${name}` });
  await (await serve(settings(), { log })).close();
  expect(await database.db.query({ text: `select from pg_class where relname = $1`, values: [name] })).toHaveLength(1);
});

it('answers what is in flight before it closes, and takes no new connection meanwhile', async () => {
  const api = await serve(settings({ POSTHORN_ROOT_KEY: 'x'.repeat(40) }), { log });
  const { port } = new URL(api.url);
  const sent = request(`${api.url}/v1/events`, {
    method: 'POST', headers: { authorization: `Bearer ${'x'.repeat(40)}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
  });
  const answered = new Promise<{ status: number; connection: string | undefined }>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, connection: response.headers.connection });
    });
  });
  // A byte of the body has arrived when the server has answered another request of the same moment.
  sent.write('{"type":"t",');
  await fetch(`${api.url}/healthz`);
  const closed = api.close();
  await refused(Number(port));
  sent.end('"data":1}');
  expect((await answered).status).toBe(202);
  await closed;
  expect(await database.db.query({ text: 'select from events' })).toHaveLength(1);
});

it('does not wait for a connection that a browser has opened ahead of need', async () => {
  const api = await serve(settings(), { log });
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  const ended = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  await fetch(`${api.url}/healthz`);
  await api.close();
  await ended;
}, 20_000);

it('waits for a PostgreSQL that is not there yet', async () => {
  const target = new URL(database.url);
  let tried = 0;
  const server = createServer((near) => {
    tried++;
    if (tried < 3) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
    for (const end of [near, far]) end.on('error', () => [near, far].forEach((one) => one.destroy()));
    return void near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as { port: number }).port);
  const api = await serve(settings({ DATABASE_URL: url.href }), { log });
  expect(tried).toBeGreaterThanOrEqual(3);
  expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
  await api.close();
  await new Promise((resolve) => server.close(resolve));
});

it('says which port is taken', async () => {
  const first = await serve(settings(), { log });
  await expect(serve(settings({ PORT: new URL(first.url).port }), { log })).rejects.toThrow('EADDRINUSE');
  await first.close();
});

/** Waits until the port takes no connection any more. */
async function refused(port: number): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (Date.now() < deadline) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
    if (!isOpen) return;
  }
  throw new Error('The port still takes connections after 5 s');
}
