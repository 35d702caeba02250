import { startApi, type TestApi } from '../support/api';
import { openReceiver, type Receiver } from '../support/receiver';
import { makeTls, type Pair, type TestTls } from '../support/tls';
import { openTokenServer, type TokenServer } from '../support/token-server';

let api: TestApi;
let receiver: Receiver;
let strict: Receiver;
let tokens: TokenServer;
let tls: TestTls;
let client: Pair;
beforeAll(async () => {
  tls = makeTls();
  client = tls.issueClient();
  [api, receiver, strict, tokens] = await Promise.all([startApi(), openReceiver(), openReceiver(0, { ...tls, clientCa: tls.ca }), openTokenServer()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([receiver?.close(), strict?.close(), tokens?.close(), api?.close()]);
  tls?.remove();
});

const basic = { type: 'basic', username: 'posthorn', password: 'a secret password' };
const oauth2 = () => ({ type: 'oauth2', tokenUrl: tokens.url, clientId: 'posthorn', clientSecret: 'a client secret' });
const mtls = () => ({ certificate: client.cert, key: client.key, ca: tls.ca });
const make = (body: object) => api.call('POST', '/v1/endpoints', { url: `${receiver.url}/hook`, ...body });
const patch = (id: string, body: object) => api.call('PATCH', `/v1/endpoints/${id}`, body);
const tryOut = async (id: string) => (await api.call('POST', `/v1/endpoints/${id}/test`, {})).body;

test('it is answered without its secrets, and stored without them in the clear', async () => {
  const plain = await make({});
  expect(plain.body).toMatchObject({ auth: null, tls: null });
  const made = await make({ auth: basic });
  expect(made.body).toMatchObject({ auth: { ...basic, password: '[redacted]' }, tls: null });
  const both = await make({ url: strict.url, auth: oauth2(), tls: mtls() });
  expect(both.body).toMatchObject({
    auth: { ...oauth2(), clientSecret: '[redacted]', scope: null, audience: null, clientAuth: 'basic' }, tls: { ...mtls(), key: '[redacted]' },
  });
  expect((await api.call('GET', `/v1/endpoints/${both.body.id}`)).body).toMatchObject({ auth: both.body.auth, tls: both.body.tls });
  const rows = await api.db.query({ text: 'select * from endpoints' });
  const audit = await api.db.query({ text: 'select * from audit' });
  const [, keyLine = ''] = client.key.split('\n');
  for (const secret of [basic.password, 'a client secret', keyLine]) expect(JSON.stringify([rows, audit])).not.toContain(secret);
});

test('a change replaces the whole, keeps a secret by "[redacted]", and removes all by null', async () => {
  const { id } = (await make({ auth: basic })).body;
  expect((await patch(id, { name: 'n' })).body).toMatchObject({ auth: { username: 'posthorn' } });
  await patch(id, { auth: { ...basic, username: 'other', password: '[redacted]' } });
  await tryOut(id);
  expect(receiver.received().at(-1)?.headers['authorization']).toBe(`Basic ${Buffer.from('other:a secret password').toString('base64')}`);
  expect(await patch(id, { auth: { ...oauth2(), clientSecret: '[redacted]' } })).toMatchObject({ status: 422, body: { errors: [{ path: 'auth.clientSecret' }] } });
  await patch(id, { auth: oauth2() });
  await tryOut(id);
  expect(receiver.received().at(-1)?.headers['authorization']).toBe(`Bearer ${tokens.last()}`);
  expect((await patch(id, { auth: null })).body.auth).toBeNull();
  await tryOut(id);
  expect(receiver.received().at(-1)?.headers['authorization']).toBeUndefined();
  expect(await api.db.query({ text: 'select auth, auth_secrets from endpoints where id = $1', values: [id] })).toEqual([{ auth: null, auth_secrets: '{}' }]);
});

test('a test call shows a client certificate, trusts the endpoint’s own authority, and keeps both by a change of one part', async () => {
  const { id } = (await make({ url: strict.url, tls: mtls() })).body;
  expect(await tryOut(id)).toMatchObject({ outcome: 'ok', statusCode: 200 });
  const renewed = tls.issueClient();
  expect(await patch(id, { tls: { ...mtls(), certificate: renewed.cert, key: '[redacted]' } })).toMatchObject({ status: 422, body: { errors: [{ path: 'tls.key' }] } });
  expect((await patch(id, { tls: { ...mtls(), key: '[redacted]' }, name: 'same' })).status).toBe(200);
  expect(await tryOut(id)).toMatchObject({ outcome: 'ok' });
  await patch(id, { tls: { ca: tls.ca } });
  expect(await tryOut(id)).toMatchObject({ outcome: 'tls_error', statusCode: null });
  expect(await api.db.query({ text: 'select auth_secrets from endpoints where id = $1', values: [id] })).toEqual([{ auth_secrets: '{}' }]);
  await patch(id, { tls: null });
  expect(await tryOut(id)).toMatchObject({ outcome: 'tls_error' });
});

test('a test call fetches another token where the one that is kept was refused, and takes tokens out of the answer', async () => {
  const { id } = (await make({ url: `${receiver.url}/mirror`, auth: oauth2() })).body;
  await tryOut(id);
  const revoked = tokens.last();
  receiver.willAnswer('/mirror', [{ status: 401, body: `${revoked} is revoked` }, { status: 200, body: 'token-0' }]);
  const before = receiver.received('/mirror').length;
  expect(await tryOut(id)).toMatchObject({ outcome: 'ok', statusCode: 200 });
  expect(receiver.received('/mirror')).toHaveLength(before + 2);
  receiver.willAnswer('/mirror', [{ status: 403, body: `${tokens.last()} of a client secret` }]);
  expect(await tryOut(id)).toMatchObject({ outcome: 'http_error', statusCode: 403, responseBody: '[redacted] of [redacted]' });
  tokens.answer = { status: 400, body: { error: 'unauthorized_client' } };
  await patch(id, { auth: { ...oauth2(), scope: 'more' } });
  expect(await tryOut(id)).toMatchObject({ outcome: 'http_error', statusCode: null, error: 'token: http 400', responseBody: '' });
  tokens.answer = null;
});

test('what can not be used is refused, with what is allowed', async () => {
  const refused: readonly (readonly [body: object, path: string, code?: string])[] = [
    [{ auth: basic, headers: { Authorization: 'Bearer x' } }, 'auth'],
    [{ auth: { ...basic, username: 'a:b' } }, 'auth.username'],
    [{ auth: { ...basic, password: 'line\nbreak' } }, 'auth.password'],
    [{ auth: { ...basic, password: '[redacted]' } }, 'auth.password'],
    [{ auth: { type: 'basic', username: 'a' } }, 'auth.password'],
    [{ auth: { type: 'digest', username: 'a' } }, 'auth.type'],
    [{ auth: { ...oauth2(), clientId: 'ü' } }, 'auth.clientId'],
    [{ auth: { ...oauth2(), scope: 'a  b' } }, 'auth.scope'],
    [{ auth: { ...oauth2(), tokenUrl: 'ftp://x' } }, 'auth.tokenUrl'],
    [{ auth: { ...oauth2(), tokenUrl: 'http://10.1.2.3/token' } }, 'auth.tokenUrl', 'address_forbidden'],
    [{ auth: { ...oauth2(), clientAuth: 'jwt' } }, 'auth.clientAuth'],
    [{ url: strict.url, tls: {} }, 'tls'],
    [{ url: strict.url, tls: { certificate: client.cert } }, 'tls.key'],
    [{ url: strict.url, tls: { key: client.key } }, 'tls.certificate'],
    [{ url: strict.url, tls: { ...mtls(), key: '[redacted]' } }, 'tls.key'],
    [{ url: strict.url, tls: { ...mtls(), key: tls.key } }, 'tls.key'],
    [{ url: strict.url, tls: { ca: 'none' } }, 'tls.ca'],
    [{ url: strict.url, tls: { ca: client.key } }, 'tls.ca'],
    [{ tls: { ca: tls.ca } }, 'tls'],
  ];
  for (const [body, path, code = 'invalid'] of refused) {
    const reply = await make(body);
    expect([path, reply.status, reply.body.code, reply.body.errors?.[0]?.path]).toEqual([path, 422, code, path]);
    expect(reply.text).not.toContain('a secret password');
  }
  const chative = { url: strict.url, dialect: 'chative', auth: oauth2() };
  expect((await make(chative)).body).toMatchObject({ code: 'https_required', errors: [{ path: 'auth.tokenUrl' }] });
});

test('a client secret that is kept goes to the token server that it was given for, and to no other', async () => {
  const { id } = (await make({ auth: oauth2() })).body;
  const kept = { ...oauth2(), clientSecret: '[redacted]' };
  const elsewhere = new URL('/mine', receiver.url).href;
  const refused = await patch(id, { auth: { ...kept, tokenUrl: elsewhere } });
  expect(refused).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path: 'auth.clientSecret' }] } });
  expect(refused.body.errors[0].message).toContain('must be given anew');
  expect((await api.call('GET', `/v1/endpoints/${id}`)).body.auth.tokenUrl).toBe(tokens.url);
  expect((await patch(id, { auth: { ...kept, tokenUrl: new URL('/other', tokens.url).href, scope: 'more' } })).status).toBe(200);
  expect((await patch(id, { auth: { ...oauth2(), tokenUrl: elsewhere } })).status).toBe(200);
  expect((await patch(id, { auth: { ...kept, tokenUrl: elsewhere, scope: 'less' } })).status).toBe(200);
});

test('a change is held against what is there already', async () => {
  const { id } = (await make({ auth: basic })).body;
  expect((await patch(id, { headers: { authorization: 'Bearer x' } })).body).toMatchObject({ code: 'invalid', errors: [{ path: 'auth' }] });
  expect((await patch(id, { headers: { authorization: 'Bearer x' }, auth: null })).status).toBe(200);
  expect((await patch(id, { auth: basic })).body).toMatchObject({ errors: [{ path: 'auth' }] });
  expect((await patch(id, { auth: basic, headers: { authorization: null } })).status).toBe(200);
  const secure = (await make({ url: strict.url, tls: { ca: tls.ca } })).body;
  expect((await patch(secure.id, { url: receiver.url })).body).toMatchObject({ errors: [{ path: 'tls' }] });
  expect((await patch(secure.id, { url: receiver.url, tls: null })).status).toBe(200);
});
