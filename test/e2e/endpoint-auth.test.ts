import { violationsAt } from '../support/checks';
import { openReceiver, type Receiver } from '../support/receiver';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { makeTls, type TestTls } from '../support/tls';
import { openTokenServer, type TokenServer } from '../support/token-server';
import { until } from '../support/wait';

let strict: Receiver;
let tokens: TokenServer;
let tls: TestTls;
const { service, receiver } = useService(async (later) => {
  tls = makeTls();
  later(() => tls.remove());
  strict = await openReceiver(0, { ...tls, clientCa: tls.ca });
  later(() => strict.close());
  tokens = await openTokenServer('a-secret-token');
  later(() => tokens.close());
  return {};
});
beforeEach(() => {
  tokens.answer = null;
});

const SECRET = 'a secret of a client';
const oauth2 = () => ({ type: 'oauth2', tokenUrl: tokens.url, clientId: 'posthorn', clientSecret: SECRET });

/** An endpoint that is owed events of its name; its deliveries are given up after these delays. */
async function open(name: string, delays: readonly string[], body: object, url = `${receiver.url}/${name}`): Promise<{ id: string; secret: string }> {
  return service.endpoint(url, { events: [name], policy: { retry: { delays, jitter: 0 }, deactivate: 'never', timeout: '3s', connectTimeout: '3s' }, ...body });
}

/** Publishes one event and waits for the end of its delivery, with all of its attempts. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a delivery as the API answers it
async function deliver(name: string): Promise<any> {
  const [id = ''] = await service.publish(1, name);
  await untilSettled(service, [id]);
  const { data: [{ id: deliveryId }] } = await service.ok('GET', `/v1/deliveries?eventId=${id}`);
  return service.ok('GET', `/v1/deliveries/${deliveryId}`);
}

const told = ({ status, attempts }: { status: string; attempts: { outcome: string; statusCode: number | null; error: string | null }[] }) =>
  [status, ...attempts.map(({ outcome, statusCode, error }) => [outcome, statusCode, error].filter((part) => part !== null).join(' '))];

test('a token that was revoked costs an attempt but no retry, and neither it nor any other secret is kept', async () => {
  const endpoint = await open('revoked', [], { auth: oauth2() });
  const first = await deliver('revoked');
  expect(told(first)).toEqual(['DELIVERED', 'ok 200']);
  const revoked = tokens.last();
  receiver.willAnswer('/revoked', [{ status: 401, body: `${revoked} is no good, and that is all` }]);
  const second = await deliver('revoked');
  expect(told(second)).toEqual(['DELIVERED', 'http_error 401', 'ok 200']);
  expect(second.attempts[0].response.body).toBe('[redacted] is no good, and that is all');
  expect(second.attempts.map(({ request }: { request: { headers: Record<string, string> } }) => request.headers['authorization'])).toEqual(['[redacted]', '[redacted]']);
  expect(receiver.received('/revoked').map(({ headers }) => headers['authorization'])).toEqual([revoked, revoked, tokens.last()].map((token) => `Bearer ${token}`));
  expect(tokens.last()).not.toBe(revoked);
  expect((await service.ok('GET', `/v1/endpoints/${endpoint.id}/health`)).consecutiveFailures).toBe(0);
  // One attempt is one request, and both stand in the log.
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/revoked', eventIds: [first.eventId, second.eventId], crashes: 0 })).toEqual([]);

  const rows = await Promise.all(['attempts', 'endpoints', 'audit'].map((name) => service.db.query<{ row: string }>({ text: `select t::text as row from ${name} t` })));
  const written = JSON.stringify(rows) + service.output();
  expect(written).toContain(endpoint.id);
  for (const secret of ['a-secret-token', SECRET]) expect(written).not.toContain(secret);
});

test('a receiver that takes no token is failed by its schedule, with a new token each time', async () => {
  await open('stern', ['100ms'], { auth: oauth2() });
  expect(told(await deliver('stern'))).toEqual(['DELIVERED', 'ok 200']);
  receiver.willAnswer('/stern', [], 401);
  const before = tokens.asked.length;
  expect(told(await deliver('stern'))).toEqual(['EXHAUSTED', 'http_error 401', 'http_error 401', 'http_error 401']);
  expect(tokens.asked.length - before).toBe(2);
});

test('while there is no token nothing is sent, the attempt says so, and a retry has the new one', async () => {
  await open('tokenless', ['200ms', '200ms', '200ms', '200ms', '200ms', '200ms', '200ms', '200ms'], { auth: oauth2() });
  tokens.answer = { status: 500, body: `${SECRET} is out of order` };
  const asked = tokens.asked.length;
  void until(() => tokens.asked.length > asked, { what: 'a token to be asked for' }).then(() => { tokens.answer = null; });
  const delivery = await deliver('tokenless');
  expect(told(delivery)[1]).toBe('http_error token: http 500');
  expect(told(delivery).at(-1)).toBe('ok 200');
  expect(JSON.stringify(delivery)).not.toContain(SECRET);
  expect(receiver.received('/tokenless')).toHaveLength(1);
});

test('a client certificate, an authority of its own and a password are what the endpoint has by then', async () => {
  const client = tls.issueClient();
  const endpoint = await open('strict', ['1h'], { tls: { ca: tls.ca } }, `${strict.url}/strict`);
  const [eventId = ''] = await service.publish(1, 'strict');
  const find = async () => (await service.ok('GET', `/v1/deliveries?eventId=${eventId}`)).data[0];
  await until(async () => (await find())?.status === 'RETRYING', { what: 'the attempt without a certificate' });
  await service.ok('PATCH', `/v1/endpoints/${endpoint.id}`, { tls: { ca: tls.ca, certificate: client.cert, key: client.key }, auth: { type: 'basic', username: 'me', password: 'pass word' } });
  await service.ok('POST', `/v1/deliveries/${(await find()).id}/retry`);
  await untilSettled(service, [eventId]);
  const delivery = await service.ok('GET', `/v1/deliveries/${(await find()).id}`);
  expect(told(delivery)).toEqual(['DELIVERED', 'tls_error ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ok 200']);
  expect(strict.received('/strict').map(({ headers }) => headers['authorization'])).toEqual([`Basic ${Buffer.from('me:pass word').toString('base64')}`]);
  expect(delivery.attempts[1].request.headers['authorization']).toBe('[redacted]');
  expect(delivery.attempts[0].request.headers['authorization']).toBeUndefined();
});
