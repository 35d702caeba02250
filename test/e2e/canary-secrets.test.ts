import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporal as protos } from '@temporalio/proto';
import { routes } from '../../src/api/routes';
import { type EmbeddedPostgres, startPostgres } from '../../src/embedded/postgres';
import { type EmbeddedTemporal, startTemporal } from '../../src/embedded/temporal';
import { findTemporalCli } from '../../src/embedded/temporal-cli';
import { openDb } from '../../src/store/db';
import { migrate } from '../../src/store/migrate';
import { type Canary, createSearch, newMark } from '../support/canaries';
import { openReceiver, type Receiver } from '../support/receiver';
import { startService, type Service, untilSettled } from '../support/service';
import { makeTls, type TestTls } from '../support/tls';
import { openTokenServer, type TokenServer } from '../support/token-server';
import { until } from '../support/wait';
import { message } from '../support/whatsapp';

/** Stands in every secret that this test sets; those that the service makes are looked for one by one. */
const MARK = newMark();
/** Stands in what is no secret: it is found where it must be, so that finding nothing of the secrets means something. */
const SEEN = `v1sible${newMark().slice(6)}`;
const secretBytes = (what: string): Buffer => Buffer.from(`${MARK} ${what}`.padEnd(48, '.'));
const whsec = (what: string): string => `whsec_${secretBytes(what).toString('base64')}`;
const ROOT_KEY = `phk_${MARK}_root`;
const ENCRYPTION_KEY = Buffer.from(MARK.padEnd(32, 'x').slice(0, 32));
const VERIFY_TOKEN = `${MARK}-verify`;
const APP_SECRET = `${MARK} app secret`;
const HEADERS = { authorization: `Bearer ${MARK}/"token"`, 'x-api-key': `${MARK}+key`, 'x-basic': `Basic ${Buffer.from(`user:${MARK}`).toString('base64')}` };

const made: Canary[] = [];
/** Answers that show a secret by contract, and which one: nothing else may stand in them. */
const shown: { readonly text: string; readonly secret: string }[] = [];
const answers: { readonly call: string; readonly text: string }[] = [];

let folder: string;
let postgres: EmbeddedPostgres;
let temporal: EmbeddedTemporal;
let service: Service;
let receiver: Receiver;
let trusted: Receiver;
let untrusted: Receiver;
let mirror: Server;
let tokens: TokenServer;
let tls: TestTls;
let otherTls: TestTls;

/** Answers with all it was sent: in the body as it came, as JSON and percent-encoded, and in a header. */
const openMirror = async (): Promise<Server> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const plain = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}`).join('\n');
      const values = Object.values(request.headers).map((value) => encodeURIComponent(String(value))).join('&');
      response.writeHead(request.url === '/mirror-fails' ? 500 : 200, { 'x-mirror': String(request.headers['authorization'] ?? '') });
      response.end(`${SEEN}\n${plain}\n${JSON.stringify(request.headers)}\n${values}\n${Buffer.concat(chunks).toString()}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-canary-'));
  await chmod(folder, 0o711);
  const cli = await findTemporalCli({ path: process.env['TEMPORAL_CLI'], progress: () => undefined });
  [tls, otherTls] = [makeTls(), makeTls()];
  [postgres, temporal, receiver, trusted, untrusted, mirror, tokens] = await Promise.all([
    startPostgres(folder), startTemporal(folder, { cli, ports: 'free' }), openReceiver(), openReceiver(0, tls), openReceiver(0, otherTls), openMirror(), openTokenServer(`${MARK}.token`),
  ]);
  await migrate(postgres.url);
  const db = openDb(postgres.url, 5);
  made.push({ name: 'the password of the database', text: new URL(postgres.url).password });
  service = await startService({
    workers: 2,
    database: { url: postgres.url, db, drop: () => db.close() },
    temporal: { address: temporal.address, namespace: 'default' },
    env: {
      POSTHORN_ROOT_KEY: ROOT_KEY, POSTHORN_ENCRYPTION_KEYS: `k1:${ENCRYPTION_KEY.toString('base64')}`, NODE_EXTRA_CA_CERTS: tls.caFile, LOG_LEVEL: 'debug',
      POSTHORN_RECONCILE_EVERY_MS: '1000',
    },
    workerEnv: [{}, { POSTHORN_FAILPOINT: 'after-response@3' }],
  });
}, 120_000);
afterAll(async () => {
  await service?.stop();
  await Promise.all([receiver?.close(), trusted?.close(), untrusted?.close(), tokens?.close()]);
  mirror?.closeAllConnections();
  mirror?.close();
  await Promise.all([postgres?.server.stop(), temporal?.server.stop()]);
  tls?.remove();
  otherTls?.remove();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Makes a call with the root key, unless told; all answers are looked through at the end. */
async function call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string | null>> = {}) {
  const reply = await service.call(method, path, body, { authorization: `Bearer ${ROOT_KEY}`, ...headers });
  answers.push({ call: `${method} ${path}`, text: `${JSON.stringify([...reply.headers])}\n${reply.text}` });
  return reply;
}

/** The same, of a call whose answer shows a secret by contract: that one is taken out of it before it is looked through. */
async function callShown(method: string, path: string, body: unknown, field: 'secret' | 'key', name: string, headers: Readonly<Record<string, string>> = {}) {
  const reply = await call(method, path, body, headers);
  expect([path, reply.status < 300]).toEqual([path, true]);
  const secret = String(reply.body[field]);
  shown.push({ text: answers.pop()?.text ?? '', secret });
  if (!secret.includes(MARK) && !secret.startsWith('whsec_') && field === 'secret') throw new Error(`${path} shows ${secret}`);
  made.push({ name, text: secret });
  if (secret.startsWith('whsec_')) made.push({ name: `${name}, its bytes`, text: secret.slice('whsec_'.length) });
  return reply.body;
}

const POLICY = { timeout: '1s', connectTimeout: '1s', retry: { delays: ['100ms', '100ms'], jitter: 0 }, deactivate: 'never' };

test('no secret is found anywhere after all kinds of deliveries, faults and calls', async () => {
  const mirrorUrl = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  const ids: Record<string, string> = {};
  const endpoint = async (name: string, url: string, more: object = {}): Promise<void> => {
    ids[name] = (await callShown('POST', '/v1/endpoints', { url, events: ['canary'], headers: HEADERS, policy: POLICY, secret: whsec(name), ...more }, 'secret', `the secret of ${name}`)).id;
  };

  // Deliveries that go well, and in every way that they can fail.
  receiver.willAnswer('/fails', [], 500);
  receiver.willAnswer('/moved', [], { status: 302, headers: { location: `${receiver.url}/elsewhere` } });
  receiver.willAnswer('/hangs', [], 'hang');
  await endpoint('well', `${receiver.url}/well`);
  await endpoint('fails', `${receiver.url}/fails`);
  await endpoint('moved', `${receiver.url}/moved`);
  await endpoint('hangs', `${receiver.url}/hangs`);
  await endpoint('refused', 'http://127.0.0.1:9/');
  await endpoint('bad TLS', `${untrusted.url}/`);
  // It is also tried by hand, once.
  await endpoint('mirror', `${mirrorUrl}/mirror`, { policy: { ...POLICY, timeout: '10s' } });
  await endpoint('mirror that fails', `${mirrorUrl}/mirror-fails`);
  const oauth2 = { type: 'oauth2', tokenUrl: tokens.url, clientId: 'posthorn', clientSecret: `${MARK} of the client` };
  await endpoint('basic', `${mirrorUrl}/mirror`, { headers: {}, auth: { type: 'basic', username: 'posthorn', password: `${MARK}: "ü"` } });
  await endpoint('oauth2', `${mirrorUrl}/mirror`, { headers: {}, auth: oauth2 });
  await endpoint('oauth2 that fails', `${mirrorUrl}/mirror-fails`, { headers: {}, auth: { ...oauth2, clientAuth: 'post' } });
  await endpoint('oauth2 without a server', `${receiver.url}/well`, { headers: {}, auth: { ...oauth2, tokenUrl: 'http://127.0.0.1:9/' } });
  const client = otherTls.issueClient();
  made.push({ name: 'a private key', text: client.key.split('\n')[1] ?? '' });
  await endpoint('a client certificate', `${untrusted.url}/`, { tls: { certificate: client.cert, key: client.key, ca: otherTls.ca } });
  await endpoint('chakra', `${mirrorUrl}/chakra`, { dialect: 'chakra', secret: `${MARK} of chakra`, policy: {} });
  await endpoint('meta', `${mirrorUrl}/meta`, { dialect: 'meta', events: [], secret: `${MARK} of meta`, policy: {} });
  ids['friendly'] = (await call('POST', '/v1/endpoints', { url: `${mirrorUrl}/friendly`, dialect: 'chakra-inbound', headers: HEADERS })).body.id;
  ids['chative'] = (await call('POST', '/v1/endpoints', { url: `${trusted.url}/chative`, dialect: 'chative', events: ['canary'], verifyToken: VERIFY_TOKEN, policy: POLICY })).body.id;
  trusted.willAnswer('/chative', [{ status: 500, body: JSON.stringify({ verify_token: VERIFY_TOKEN }) }], { status: 200, body: VERIFY_TOKEN });
  const generated = { url: `${receiver.url}/generated`, events: ['canary'] };
  await callShown('POST', '/v1/endpoints', generated, 'secret', 'a generated secret', { 'idempotency-key': 'generated' });
  await callShown('POST', '/v1/endpoints', generated, 'secret', 'a generated secret, answered again', { 'idempotency-key': 'generated' });
  await callShown('POST', `/v1/endpoints/${ids['well']}/rotate-secret`, {}, 'secret', 'a rotated secret');
  await callShown('GET', `/v1/endpoints/${ids['fails']}/secret`, undefined, 'secret', 'a secret that was asked for');
  await callShown('POST', '/v1/flows/canary/webhooks', { url: `${receiver.url}/flow` }, 'secret', 'the secret of a flow');
  const key = String((await callShown('POST', '/v1/api-keys', { name: 'canary', role: 'admin' }, 'key', 'an API key')).key);

  const eventIds: string[] = [];
  for (let n = 0; n < 4; n++) eventIds.push((await call('POST', '/v1/events', { type: 'canary', data: { n, SEEN } }, { authorization: `Bearer ${key}`, 'idempotency-key': `event-${n}` })).body.id);
  await until(() => service.workers().length === 1, { what: 'the worker to be killed after an answer', deadlineMs: 30_000 });
  await service.startWorker();

  // What comes in, what goes in bulk, what is tried by hand, what is made good.
  const channel = (await call('POST', '/v1/channels', { kind: 'whatsapp', verifyToken: VERIFY_TOKEN, appSecret: APP_SECRET, passThroughEndpointId: ids['meta'], friendlyEndpointId: ids['friendly'] })).body.id as string;
  const hook = message('wamid.canary');
  const signature = `sha256=${createHmac('sha256', APP_SECRET).update(hook).digest('hex')}`;
  expect((await call('POST', `/inbound/${channel}`, hook, { authorization: null, 'x-hub-signature-256': signature })).status).toBe(200);
  expect((await call('POST', `/inbound/${channel}`, hook, { authorization: null, 'x-hub-signature-256': `sha256=${APP_SECRET}` })).status).toBe(401);
  const challenge = (token: string) => call('GET', `/inbound/${channel}?hub.mode=subscribe&hub.verify_token=${encodeURIComponent(token)}&hub.challenge=ok`, undefined, { authorization: null });
  expect([(await challenge(VERIFY_TOKEN)).status, (await challenge(`${VERIFY_TOKEN}x`)).status]).toEqual([200, 403]);
  const job = (await call('POST', '/v1/records/bulk', { items: Array.from({ length: 20 }, (_, n) => ({ type: 'canary', primaryKey: String(n % 15) })) })).body.job.id as string;
  expect((await call('POST', `/v1/endpoints/${ids['mirror']}/test`, {})).body).toMatchObject({ outcome: 'ok', responseBody: expect.stringContaining('[redacted]') });
  await untilSettled(service, eventIds, 60_000);
  await call('POST', `/v1/events/${eventIds[0]}/resend`, { endpointIds: [ids['mirror']] });
  const recovery = (await call('POST', `/v1/endpoints/${ids['fails']}/recover`, { since: '2025-01-01T00:00:00Z' })).body.job.id as string;
  for (const id of [job, recovery]) await until(async () => (await call('GET', `/v1/jobs/${id}`)).body.finishedAt !== null, { what: 'a job', deadlineMs: 30_000 });

  // What is refused: no answer and no log repeats it.
  const refused: readonly (readonly [method: string, path: string, body: unknown, headers?: Record<string, string>])[] = [
    ['GET', '/v1/records', undefined, { authorization: `Bearer phk_${MARK}wrong` }],
    ['GET', '/v1/records', undefined, { authorization: `Basic ${MARK}` }],
    ['POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', secret: `${MARK}-unusable` }],
    ['POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', headers: { 'x-a': `${MARK}\n` } }],
    ['POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', headers: { host: MARK } }],
    ['POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', headers: HEADERS, auth: oauth2 }],
    ['POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', auth: { ...oauth2, clientSecret: `${MARK}\n` } }],
    ['POST', '/v1/endpoints', { url: 'https://127.0.0.1:9/', tls: { certificate: client.key, key: client.key } }],
    ['POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', verifyToken: `${MARK}-of-no-use` }],
    ['POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/', secret: [`${MARK}-no-text`] }],
    ['POST', `/v1/endpoints/${ids['well']}/rotate-secret`, { secret: `whsec_${MARK}` }],
    ['POST', '/v1/channels', { kind: 'whatsapp', verifyToken: VERIFY_TOKEN, appSecret: { secret: APP_SECRET } }],
    ['PATCH', `/v1/channels/${channel}`, { verifyToken: 7, appSecret: APP_SECRET.repeat(100) }],
  ];
  for (const [method, path, body, headers] of refused) expect([path, (await call(method, path, body, headers)).status >= 400]).toEqual([path, true]);

  // Every call that reads, of all there is.
  const [delivery] = await service.db.query<{ id: string }>({ text: 'select id from deliveries where endpoint_id = $1 limit 1', values: [ids['mirror that fails']] });
  const [record] = await service.db.query<{ id: string }>({ text: `select id from objects limit 1` });
  const [rule] = [(await call('POST', '/v1/rules', { name: 'r', events: ['canary'], endpointIds: [ids['well']] })).body.id as string];
  const params: Readonly<Record<string, string | undefined>> = {
    endpointId: ids['mirror'], eventId: eventIds[0], deliveryId: delivery?.id, recordId: record?.id, jobId: job, channelId: channel, ruleId: rule, flow: 'canary', type: 'canary', primaryKey: '1',
  };
  const reads = routes.filter(({ method, path, role }) => method === 'GET' && role !== null && !path.endsWith('/secret') && !path.includes('/stream'));
  for (const { path } of reads) await call('GET', path.replace(/:(\w+)/g, (_, name: string) => params[name] ?? 'none'));
  const attempts = await service.db.query<{ id: string }>({ text: 'select id from deliveries' });
  for (const { id } of attempts) await call('GET', `/v1/deliveries/${id}`);
  expect(answers.filter(({ text }) => text.includes(SEEN)).length).toBeGreaterThan(10);

  const search = createSearch([{ name: 'a secret of the test', text: MARK }, ...made]);
  const control = createSearch([{ name: 'seen', text: SEEN }]);
  const found = (where: string, bytes: Buffer | string): string[] => search(bytes).map((one) => `${where}: ${one}`);

  // The API's answers; of those that show a secret all but that.
  const leaks = answers.flatMap(({ call: made, text }) => found(made, text));
  for (const { text, secret } of shown) leaks.push(...found('an answer that shows a secret', text.replaceAll(secret, '').replaceAll(JSON.stringify(secret).slice(1, -1), '')));

  // Temporal: histories as JSON and as bytes, with what lists and describes them; then the file they are in.
  let histories = 0;
  for await (const info of service.temporal.workflow.list()) {
    const history = await service.temporal.workflow.getHandle(info.workflowId, info.runId).fetchHistory();
    const described = await service.temporal.workflowService.describeWorkflowExecution({ namespace: 'default', execution: { workflowId: info.workflowId, runId: info.runId } });
    leaks.push(...found(`the history of ${info.workflowId}`, Buffer.from(protos.api.history.v1.History.encode(protos.api.history.v1.History.fromObject(history)).finish())));
    leaks.push(...found(`the history of ${info.workflowId} as JSON`, JSON.stringify(history)));
    leaks.push(...found(`what describes ${info.workflowId}`, Buffer.from(protos.api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode(protos.api.workflowservice.v1.DescribeWorkflowExecutionResponse.fromObject(described)).finish())));
    leaks.push(...found(`what lists ${info.workflowId}`, JSON.stringify({ memo: info.memo, searchAttributes: info.searchAttributes, typedSearchAttributes: info.typedSearchAttributes })));
    histories += 1;
  }
  expect(histories).toBeGreaterThan(5);

  // The database: each table's rows as text, then the files.
  const tables = await service.db.query<{ name: string }>({ text: `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'` });
  let isInTables = false;
  for (const { name } of tables) {
    const rows = await service.db.query<{ row: string }>({ text: `select t::text as row from ${name} t` });
    const text = rows.map(({ row }) => row).join('\n');
    isInTables ||= control(text).length > 0;
    leaks.push(...found(`the table ${name}`, text));
  }
  expect(isInTables).toBe(true);
  await service.db.query({ text: 'checkpoint' });

  leaks.push(...found('the metrics', (await call('GET', '/metrics')).text), ...found('the logs', service.output()));
  expect(service.output()).toContain(ids['mirror']);

  const inFiles = async (path: string): Promise<number> => {
    const names = await readdir(path, { recursive: true, withFileTypes: true });
    let seen = 0;
    for (const file of names.filter((one) => one.isFile())) {
      const bytes = await readFile(join(file.parentPath, file.name));
      seen += control(bytes).length > 0 || bytes.includes(ids['mirror'] ?? '') ? 1 : 0;
      leaks.push(...found(`the file ${file.name}`, bytes));
    }
    return seen;
  };
  expect(await inFiles(join(postgres.elsewhere ?? join(folder, 'postgres'), 'data'))).toBeGreaterThan(0);
  const temporalFiles = (await readdir(folder)).filter((name) => name.startsWith('temporal') || name.endsWith('.log'));
  expect(temporalFiles).toEqual(expect.arrayContaining(['temporal.db', 'temporal.log', 'postgres.log']));
  let isInTemporal = false;
  for (const name of temporalFiles) {
    const bytes = await readFile(join(folder, name));
    isInTemporal ||= bytes.includes(ids['mirror'] ?? '');
    leaks.push(...found(`the file ${name}`, bytes));
  }
  expect(isInTemporal).toBe(true);
  expect(leaks).toEqual([]);

  // A receiver that sends back what it was sent: the answer is kept, without the secrets.
  const [kept] = await service.db.query<{ response_body: string; response_headers: string }>({ text: `select response_body, response_headers from attempts where endpoint_id = $1 and outcome = 'ok' limit 1`, values: [ids['mirror']] });
  expect(kept?.response_body).toContain(SEEN);
  expect(kept?.response_body).toContain('authorization: [redacted]');
  expect(kept?.response_headers).toContain('"x-mirror":"[redacted]"');
}, 180_000);

test('the search finds a secret in every form, wherever it begins', () => {
  const search = createSearch([{ name: 'x', text: MARK }]);
  const forms = [
    MARK, encodeURIComponent(`a b${MARK}`), JSON.stringify({ [MARK]: 1 }), Buffer.from(MARK).toString('hex'), Buffer.from(MARK).toString('hex').toUpperCase(),
    ...['', 'a', 'ab', 'abc'].flatMap((before) => (['base64', 'base64url'] as const).map((form) => Buffer.from(`${before}${MARK} and more`).toString(form))),
    Buffer.from(MARK, 'utf16le').toString('latin1'),
  ];
  for (const form of forms) expect([form, search(`some text ${form} around`).length > 0]).toEqual([form, true]);
  expect(search(`c4nary ${newMark()}`)).toEqual([]);
});
