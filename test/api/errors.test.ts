import { connect, createServer } from 'node:net';
import { Client } from 'pg';
import { routes } from '../../src/api/routes';
import { ERRORS } from '../../src/errors';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

it('every error is a problem with its code, title, detail and request id', async () => {
  const reply = await api.call('GET', '/v1/records/rec_01jc3f7x9k2m4n6p8q0r2s4t6v', undefined, { 'x-request-id': 'req-7' });
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.headers.get('x-request-id')).toBe('req-7');
  expect(reply.body).toEqual({
    type: '/docs/errors#not_found', title: ERRORS.not_found[1], status: 404, code: 'not_found',
    detail: 'There is no record rec_01jc3f7x9k2m4n6p8q0r2s4t6v in this workspace.', requestId: 'req-7',
  });
});

it('answers a request id of its own where the caller gives none, or one that is no plain word', async () => {
  const own = (await api.call('GET', '/healthz')).headers.get('x-request-id');
  expect(own).toMatch(/^[0-9a-f-]{36}$/);
  expect((await api.call('GET', '/healthz', undefined, { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

it('answers 404 where there is nothing, 405 with what is allowed where the method is not known, and HEAD as GET', async () => {
  expect(await api.call('GET', '/v1/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const reply = await api.call('PUT', '/v1/records', {});
  expect(reply).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
  expect(reply.headers.get('allow')).toBe('GET, HEAD, POST');
  expect((await api.call('PATCH', '/v1/events/batch', {})).headers.get('allow')).toBe('POST');
  expect(await api.call('OPTIONS', '/v1/events/batch')).toMatchObject({ status: 405 });
  const head = await api.call('HEAD', '/v1/records');
  expect([head.status, head.text]).toEqual([200, '']);
});

it('answers 404 for every path that can not name anything', async () => {
  for (const id of ['1', 'evt_1', 'rec_%00', 'rec_01jc3f7x9k2m4n6p8q0r2s4t6V', '..%2f..', '%ff']) {
    expect([id, (await api.call('GET', `/v1/records/${id}`)).status]).toEqual([id, 404]);
  }
  expect((await api.call('GET', '/v1/records/by-primary-key/a/%00')).status).toBe(404);
});

it('every route answers a query that it does not know, and odd bodies, with a problem of 4xx', async () => {
  const pathOf = (path: string): string => path.replace(/:(\w+)/g, 'x');
  for (const route of routes) {
    for (const [path, body] of [[`${pathOf(route.path)}?unknown=1`, undefined], [pathOf(route.path), '[]'], [pathOf(route.path), '{"unknown":1}'], [pathOf(route.path), 'null']] as const) {
      // A file may hold anything.
      if ((route.method === 'GET' || route.path === '/v1/files') && body !== undefined) continue;
      const reply = await api.call(route.method, path, body);
      const problem = [route.method, path, body, reply.status >= 400 && reply.status < 500, Object.hasOwn(ERRORS, reply.body?.code)];
      expect(problem).toEqual([route.method, path, body, true, true]);
    }
  }
});

it('is alive and not ready while PostgreSQL is away, answers 503 with Retry-After, and comes back by itself', async () => {
  const gate = await openGate(api.databaseUrl);
  const behind = await startApi({ DATABASE_URL: gate.url });
  expect(await behind.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready', postgres: 'ok' } });
  gate.shut();
  expect(await behind.call('GET', '/readyz')).toMatchObject({ status: 503, body: { status: 'unavailable', postgres: 'away' } });
  expect((await behind.call('GET', '/healthz')).status).toBe(200);
  for (const call of [
    () => behind.call('GET', '/v1/records'), () => behind.call('POST', '/v1/events', { type: 't', data: 1 }),
    () => behind.call('POST', '/v1/records', { type: 't' }, { 'idempotency-key': 'k' }),
  ]) {
    const reply = await call();
    expect(reply).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(reply.headers.get('retry-after')).toBe('1');
  }
  gate.open();
  const deadline = Date.now() + 10_000;
  let status = 0;
  while (status !== 202 && Date.now() < deadline) ({ status } = await behind.call('POST', '/v1/events', { type: 't', data: 1 }));
  expect(status).toBe(202);
  await behind.close();
  await gate.close();
});

it('does not say that nothing was changed where the connection broke while PostgreSQL committed, and the key tells what came of it', async () => {
  const gate = await openGate(api.databaseUrl);
  const behind = await startApi({ DATABASE_URL: gate.url });
  const create = () => behind.call('POST', '/v1/records', { type: 'cut', primaryKey: 'cut' }, { 'idempotency-key': 'cut' });
  gate.loseCommit();
  const lost = await create();
  expect(lost).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(lost.body.detail).toContain('Whether anything was changed is not known');
  expect(lost.body.detail).toContain('Idempotency-Key');
  expect((await api.call('GET', '/v1/records/by-primary-key/cut/cut')).status).toBe(200);
  const again = await create();
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
  await behind.close();
  await gate.close();
});

it('answers 503 with Retry-After while PostgreSQL takes no writes, and still reads', async () => {
  const behind = await startApi();
  const { pathname } = new URL(behind.databaseUrl);
  const [name, client] = [pathname.slice(1), new Client({ connectionString: behind.databaseUrl })];
  await client.connect();
  await client.query(`alter database ${name} set default_transaction_read_only = on`);
  await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`, [name]);
  for (const headers of [{}, { 'idempotency-key': 'k' }]) {
    const reply = await behind.call('POST', '/v1/records', { type: 't' }, headers);
    expect([reply.status, reply.body.code, reply.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
  }
  expect((await behind.call('GET', '/v1/records')).status).toBe(200);
  await client.query('set default_transaction_read_only = off');
  await client.query(`alter database ${name} reset default_transaction_read_only`);
  await client.end();
  await behind.close();
});

it('tells nothing of a fault of its own but the request id', async () => {
  const broken = await startApi();
  const client = new Client({ connectionString: broken.databaseUrl });
  await client.connect();
  await client.query('alter table objects rename column state to no_state');
  await client.end();
  const reply = await broken.call('POST', '/v1/processes', { type: 'secret-type' });
  expect(reply).toMatchObject({ status: 500, body: { code: 'internal', detail: 'The fault is logged under this request id.' } });
  expect(reply.text).not.toContain('state');
  await broken.close();
});

/** A way to a PostgreSQL that can be cut. */
async function openGate(databaseUrl: string): Promise<{ url: string; shut(): void; open(): void; loseCommit(): void; close(): Promise<void> }> {
  const target = new URL(databaseUrl);
  const pairs = new Set<() => void>();
  let isOpen = true;
  let losesCommit = false;
  const server = createServer((near) => {
    if (!isOpen) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
    const cut = (): void => {
      near.destroy();
      far.destroy();
      pairs.delete(cut);
    };
    pairs.add(cut);
    for (const end of [near, far]) end.on('error', cut).on('close', cut);
    near.pipe(far);
    far.on('data', (bytes) => {
      if (!losesCommit || !bytes.includes('COMMIT\0')) return void near.write(bytes);
      losesCommit = false;
      return cut();
    });
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    shut() {
      isOpen = false;
      [...pairs].forEach((cut) => cut());
    },
    open: () => void (isOpen = true),
    /** The next answer to a commit is lost, and its connection with it. */
    loseCommit: () => void (losesCommit = true),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
