import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { emptyDatabase } from '../support/postgres';
import { useService } from '../support/stage';
import { until } from '../support/wait';
import { run } from './run-cli';

const { service } = useService();

interface Found {
  readonly check: string;
  readonly status: string;
  readonly detail: string;
  readonly todo?: string;
}

/** What the doctor finds with the service's own settings and these. */
async function examine(settings: Readonly<Record<string, string>> = {}): Promise<{ code: number; of: (check: string) => Found | undefined; text: string }> {
  const ran = await run(['doctor', '--json'], { env: { ...service.settings, POSTHORN_URL: service.url(), ...settings } });
  const { ok, findings } = JSON.parse(ran.out[0] ?? '{}') as { ok: boolean; findings: Found[] };
  expect(ok).toBe(ran.code === 0);
  return { code: ran.code, of: (check) => findings.find((one) => one.check === check), text: ran.out.join() };
}

test('an installation that works is well, and every part is named', async () => {
  await service.ok('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/x', headers: { authorization: 'secret' } });
  await until(async () => (await examine()).of('workers')?.status === 'ok', { what: 'Temporal to know the worker' });
  const { code, out } = await run(['doctor'], { env: { ...service.settings, POSTHORN_URL: service.url() } });
  for (const check of ['Node.js', 'settings', 'allowed networks', 'PostgreSQL', "PostgreSQL's clock", 'connections', 'migrations', 'encryption keys', 'Temporal', 'namespace', 'search attributes', 'workers', "Temporal's clock", 'API', 'key']) {
    expect(out.join('\n')).toMatch(new RegExp(`^ok +${check} {2,}\\S`, 'm'));
  }
  expect(out.at(-1)).toBe('\n15 ok, 0 warnings, 0 failed, 0 skipped');
  expect(code).toBe(0);
});

test('settings that can not be used end it, all of them told, and no secret', async () => {
  const { code, of, text } = await examine({ PORT: 'http', POSTHORN_ROOT_KEY: 'c4nary' });
  expect(code).toBe(1);
  expect(of('settings')).toMatchObject({ status: 'failed', detail: expect.stringMatching(/^PORT: /) });
  expect(text).toMatch(/POSTHORN_ROOT_KEY: /);
  expect(text).not.toContain('c4nary');
});

test('what is away is told with what to do, and the rest is looked at all the same', async () => {
  const { code, of, text } = await examine({ DATABASE_URL: 'postgres://x:c4nary@127.0.0.1:2/x', TEMPORAL_ADDRESS: '127.0.0.1:2', POSTHORN_URL: 'http://127.0.0.1:2' });
  expect(code).toBe(1);
  expect(of('PostgreSQL')).toMatchObject({ status: 'failed', detail: expect.stringContaining('x@127.0.0.1:2'), todo: expect.stringContaining('DATABASE_URL') });
  expect(of('Temporal')).toMatchObject({ status: 'failed', todo: expect.stringContaining('TEMPORAL_ADDRESS') });
  expect(of('API')).toMatchObject({ status: 'warning', todo: expect.stringContaining('posthorn serve') });
  expect(text).not.toContain('c4nary');
});

test('an empty database needs migrations, one of a newer build a newer build', async () => {
  const { url, drop } = await emptyDatabase();
  try {
    expect((await examine({ DATABASE_URL: url })).of('migrations')).toMatchObject({ status: 'failed', todo: 'posthorn migrate' });
  } finally {
    await drop();
  }
  await service.db.query({ text: `insert into knex_migrations (name, batch, migration_time) values ('9999_of_tomorrow', 99, now())` });
  expect((await examine()).of('migrations')).toMatchObject({ status: 'failed', detail: expect.stringContaining('9999_of_tomorrow') });
  await service.db.query({ text: `delete from knex_migrations where name = '9999_of_tomorrow'` });
});

test('a key that is missing, one with other bytes, and an old one in use are told apart', async () => {
  const [right = ''] = (service.settings['POSTHORN_ENCRYPTION_KEYS'] ?? '').split(',');
  const id = right.slice(0, right.indexOf(':'));
  const other = randomBytes(32).toString('base64');
  const found = async (keys: string): Promise<Found | undefined> => (await examine({ POSTHORN_ENCRYPTION_KEYS: keys })).of('encryption keys');
  expect(await found(`new:${other}`)).toMatchObject({ status: 'failed', detail: expect.stringContaining(`"${id}"`) });
  expect(await found(`${id}:${other}`)).toMatchObject({ status: 'failed', detail: expect.stringContaining('can not be opened') });
  expect(await found(`new:${other},${right}`)).toMatchObject({ status: 'warning', todo: expect.stringContaining('rekey') });
});

test('a wrong key, a namespace that is not there, a port of somebody else, and a network that holds too much', async () => {
  const stranger = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const port = String((stranger.address() as AddressInfo).port);
  const { of } = await examine({
    POSTHORN_KEY: 'phk_of_somebody_else_entirely', TEMPORAL_NAMESPACE: 'nowhere', WORKER_METRICS_PORT: port, DELIVERY_ALLOWED_NETWORKS: '169.254.0.0/16',
  });
  expect(of('key')).toMatchObject({ status: 'failed', detail: expect.stringContaining('refuses POSTHORN_KEY') });
  expect(of('namespace')).toMatchObject({ status: 'failed', todo: expect.stringContaining('namespace create') });
  expect(of('WORKER_METRICS_PORT')).toMatchObject({ status: 'failed', detail: expect.stringContaining('another program') });
  expect(of('allowed networks')).toMatchObject({ status: 'warning', detail: expect.stringContaining('credentials') });
  expect((await examine({ POSTHORN_URL: `http://127.0.0.1:${port}` })).of('API')).toMatchObject({ status: 'failed', detail: expect.stringContaining('something else') });
  stranger.close();
});
