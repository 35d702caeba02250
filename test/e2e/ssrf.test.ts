import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeDns } from '../support/fake-names';
import { newId } from '../support/make';
import { startReceiver, type Receiver } from '../support/raw-receiver';
import { untilSettled } from '../support/service';
import { forbiddenUrls, NAMES } from '../support/ssrf-vectors';
import { useService } from '../support/stage';

const dns = fakeDns();
const spyFile = join(dns.folder, 'dialled');
const canaries: Receiver[] = [];

const { service } = useService(async (later) => {
  later(() => dns.remove());
  later(() => Promise.all(canaries.map((canary) => canary.close())));
  writeFileSync(spyFile, '');
  canaries.push(await startReceiver((socket) => socket.end()));
  canaries.push(await startReceiver((socket) => socket.end(), { host: '::1', port: canaries[0]!.port }));
  return {
    env: { DELIVERY_ALLOWED_NETWORKS: '', ...dns.env },
    workerEnv: [{ NODE_OPTIONS: `${dns.env.NODE_OPTIONS} --require ${join(__dirname, '..', 'support', 'spy-connect.cjs')}`, SPY_CONNECT: spyFile }],
  };
});

const policy = { retry: { delays: [] }, deactivate: 'never' };

/** Publishes one event and answers what each endpoint's one attempt came to, by its URL. */
async function attemptAll(type: string): Promise<{ url: string; status: string; outcome: string; status_code: number | null; error: string | null }[]> {
  const ids = await service.publish(1, type);
  await untilSettled(service, ids);
  return service.db.query({
    text: `select e.url, d.status, a.outcome, a.status_code, a.error
           from deliveries d join endpoints e on e.id = d.endpoint_id join attempts a on a.delivery_id = d.id where d.event_id = any($1)`,
    values: [ids],
  });
}

/** Whom the worker dialled besides Temporal; its connections to PostgreSQL are opened in another way. */
const dialled = (): string[] => readFileSync(spyFile, 'utf8').split('\n').filter((line) => line !== '' && line.split(' ')[1] !== service.address.split(':')[1]);

test('a delivery calls no address that is not public, in whatever spelling it was saved while that was allowed', async () => {
  const urls = forbiddenUrls(canaries[0]!.port).filter((_, index) => index % 2 === (index >> 1) % 2);
  const { id } = await service.endpoint('http://8.8.8.8/', { events: ['forbidden'], policy });
  // As the API once saved them: copies of the one that it saves now.
  await service.db.query({
    text: `insert into endpoints (id, workspace_id, url, dialect, events, policy)
           select u.id, e.workspace_id, u.url, e.dialect, e.events, e.policy
           from endpoints e, unnest($2::text[], $3::text[]) u(id, url) where e.id = $1`,
    values: [id, urls.map(() => newId('endpoint')), urls],
  });
  await service.db.query({ text: `insert into endpoint_health (endpoint_id) select id from endpoints e where not exists (select from endpoint_health h where h.endpoint_id = e.id)` });
  await service.ok('DELETE', `/v1/endpoints/${id}`);
  const before = dialled();
  const attempts = await attemptAll('forbidden');
  expect(attempts.map(({ url }) => url).sort()).toEqual([...urls].sort());
  expect(attempts.filter(({ status, outcome, status_code: code, error }) => status !== 'EXHAUSTED' || outcome !== 'address_forbidden' || code !== null || error !== 'ADDRESS_FORBIDDEN')).toEqual([]);
  expect(dialled()).toEqual(before);
  expect(canaries.map((canary) => canary.connections())).toEqual([0, 0]);
});

test('a name that is public or unknown when it is saved is checked again at each delivery: rebinding, poisoning, and answers that are none', async () => {
  const answers: Record<string, readonly string[] | string> = { ...NAMES, 'unknown.test': 'ENOTFOUND', 'servfail.test': 'EAI_AGAIN', 'silent.test': 'hang', 'empty.test': [] };
  const expected: Record<string, string> = { 'unknown.test': 'dns_error', 'servfail.test': 'dns_error', 'silent.test': 'connect_timeout', 'empty.test': 'dns_error' };
  dns.resolveTo(Object.fromEntries(Object.keys(answers).map((name, index) => [name, index % 2 === 0 ? ['8.8.8.8'] : 'ENOTFOUND'])));
  for (const name of Object.keys(answers)) await service.endpoint(`http://${name}:${canaries[0]!.port}/`, { events: ['rebound'], policy: { ...policy, timeout: '1s' } });
  dns.resolveTo(answers);
  const before = dialled();
  const attempts = await attemptAll('rebound');
  const came = Object.fromEntries(attempts.map(({ url, outcome }) => [new URL(url).hostname, outcome]));
  expect(came).toEqual(Object.fromEntries(Object.keys(answers).map((name) => [name, expected[name] ?? 'address_forbidden'])));
  expect(dialled()).toEqual(before);
  expect(canaries.map((canary) => canary.connections())).toEqual([0, 0]);
});
