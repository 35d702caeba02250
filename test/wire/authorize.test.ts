import type { EndpointAuth, OAuth2Auth } from '../../src/domain/endpoint-auth';
import { createAddressPolicy } from '../../src/wire/address';
import { createPoster, type Poster } from '../../src/wire/post';
import { noNames } from '../support/fake-names';
import { openReceiver, type Receiver } from '../support/receiver';
import { openTokenServer, type TokenServer } from '../support/token-server';
import { until } from '../support/wait';

let poster: Poster;
let receiver: Receiver;
let tokens: TokenServer;
let auth: OAuth2Auth;
beforeEach(async () => {
  [receiver, tokens] = await Promise.all([openReceiver(), openTokenServer()]);
  poster = createPoster({ policy: createAddressPolicy(['127.0.0.1/32']) });
  auth = { type: 'oauth2', tokenUrl: tokens.url, clientId: 'me', clientSecret: 'no+body knows:', scope: null, audience: null, clientAuth: 'basic' };
});
afterEach(async () => {
  jest.restoreAllMocks();
  await poster.close();
  await Promise.all([receiver.close(), tokens.close()]);
});

const post = (as: EndpointAuth = auth, { endpointId = 'ep_1', path = '/', timeoutMs = 5000 } = {}) => poster.post({
  endpointId, url: receiver.url + path, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}'), timeoutMs, connectTimeoutMs: timeoutMs, auth: as,
});
const sent = (path?: string): (string | undefined)[] => receiver.received(path).map(({ headers }) => headers['authorization']);

test('basic sends the user name and the password as UTF-8', async () => {
  expect(await post({ type: 'basic', username: 'märz', password: 'a:b ☃' })).toMatchObject({ outcome: 'ok', statusCode: 200 });
  expect(sent()).toEqual([`Basic ${Buffer.from('märz:a:b ☃').toString('base64')}`]);
});

test('a token is asked for as RFC 6749 says, once for all that leave while it lasts, and for each endpoint by itself', async () => {
  const replies = await Promise.all(Array.from({ length: 10 }, () => post()));
  expect(replies.map(({ outcome, isTokenStale }) => [outcome, isTokenStale])).toEqual(Array.from({ length: 10 }, () => ['ok', false]));
  await post();
  expect(tokens.asked).toEqual([{
    path: '/token', contentType: 'application/x-www-form-urlencoded', form: { grant_type: 'client_credentials' },
    authorization: `Basic ${Buffer.from('me:no%2Bbody+knows%3A').toString('base64')}`,
  }]);
  expect(new Set(sent())).toEqual(new Set(['Bearer token-1']));
  await post(auth, { endpointId: 'ep_2' });
  expect(sent().at(-1)).toBe('Bearer token-2');
});

test('scope, audience and credentials in the body are sent where they are set', async () => {
  await post({ ...auth, scope: 'a b', audience: 'https://api.test/', clientAuth: 'post' });
  expect(tokens.asked).toMatchObject([{
    authorization: undefined,
    form: { grant_type: 'client_credentials', scope: 'a b', audience: 'https://api.test/', client_id: 'me', client_secret: 'no+body knows:' },
  }]);
});

test('a token that has run out is fetched anew, and so is that of settings that were changed or forgotten', async () => {
  tokens.expiresIn = 0;
  await post();
  tokens.expiresIn = 0.2;
  await post();
  tokens.expiresIn = undefined;
  // Nine tenths of its time.
  await until(async () => { await post(); return tokens.asked.length === 3; }, { what: 'the token of a fifth of a second to run out', deadlineMs: 5000 });
  await post();
  expect(tokens.asked).toHaveLength(3);
  await post({ ...auth, scope: 'other' });
  expect(tokens.asked).toHaveLength(4);
  poster.forget('ep_1');
  await post({ ...auth, scope: 'other' });
  expect(tokens.asked).toHaveLength(5);
  expect(sent().at(-1)).toBe('Bearer token-5');
});

test('a kept token that is refused with 401 is dropped and the reply says so; one request is one request', async () => {
  await post();
  receiver.willAnswer('/', [401]);
  expect(await post()).toMatchObject({ outcome: 'ok', statusCode: 401, isTokenStale: true, token: 'token-1' });
  expect(await post()).toMatchObject({ statusCode: 200, isTokenStale: false, token: 'token-2' });
  expect(sent()).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  expect(tokens.asked).toHaveLength(2);
});

test('a token that was just fetched and is refused is the receiver’s word, and not used again', async () => {
  receiver.willAnswer('/', [401, 401]);
  expect(await post()).toMatchObject({ statusCode: 401, isTokenStale: false });
  expect(await post()).toMatchObject({ statusCode: 401, isTokenStale: false });
  expect(tokens.asked).toHaveLength(2);
});

test('many that were refused at once fetch one token', async () => {
  await post();
  receiver.willAnswer('/', Array.from({ length: 5 }, () => 401 as const));
  await Promise.all(Array.from({ length: 5 }, () => post()));
  await Promise.all(Array.from({ length: 5 }, () => post()));
  expect(tokens.asked).toHaveLength(2);
});

describe('where there is no token, nothing is sent and the error says why:', () => {
  afterEach(() => expect(receiver.received()).toEqual([]));

  test.each([
    ['a refusal', { status: 401, body: { error: 'invalid_client', secret: 'no+body knows:' } }, 'http_error', 'token: http 401'],
    ['410 and a word that would deactivate an endpoint', { status: 410, body: {}, headers: { 'webhook-delivery': 'disable' } }, 'http_error', 'token: http 410'],
    ['a redirect', { status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } }, 'http_error', 'token: http 302'],
    ['no JSON', { body: 'token-1' }, 'protocol_error', 'token: NOT_JSON'],
    ['JSON that is no object', { body: 'null' }, 'protocol_error', 'token: NOT_JSON'],
    ['no token', { body: { token_type: 'bearer' } }, 'protocol_error', 'token: NO_ACCESS_TOKEN'],
    ['a token with a line break', { body: { access_token: 'a\r\nx: y' } }, 'protocol_error', 'token: NO_ACCESS_TOKEN'],
    ['a token of another type', { body: { access_token: 'abc', token_type: 'mac' } }, 'protocol_error', 'token: NOT_A_BEARER_TOKEN'],
    ['more than is kept', { body: { access_token: 'abc', padding: 'x'.repeat(20_000) } }, 'protocol_error', 'token: TOO_LONG'],
    ['more than is read', { body: 'x'.repeat(1_000_000) }, 'protocol_error', 'token: TOO_LONG'],
    ['silence', 'hang', 'timeout', 'token: TIMEOUT'],
  ] as const)('%s', async (_, answer, outcome, error) => {
    tokens.answer = answer;
    expect(await post(auth, { timeoutMs: 2000 })).toMatchObject({ outcome, error, statusCode: null, headers: {} });
  });

  test('nobody listens, or the name is not known', async () => {
    await tokens.close();
    expect(await post()).toMatchObject({ outcome: 'connection_refused', error: 'token: ECONNREFUSED' });
    noNames();
    expect(await post({ ...auth, tokenUrl: 'http://nowhere.invalid/' })).toMatchObject({ outcome: 'dns_error', error: expect.stringMatching(/^token: E/) });
    tokens = await openTokenServer();
  });

  test('an address that may not be called', async () => {
    expect(await post({ ...auth, tokenUrl: `http://127.0.0.2:${tokens.port}/token` })).toMatchObject({ outcome: 'address_forbidden', error: 'token: ADDRESS_FORBIDDEN' });
    expect(tokens.asked).toEqual([]);
  });
});

test('the wait for a token is a part of the attempt’s own time, and a failure is not kept', async () => {
  tokens.afterMs = 1500;
  receiver.willAnswer('/slow', ['hang']);
  const reply = await post(auth, { path: '/slow', timeoutMs: 3000 });
  expect(reply).toMatchObject({ outcome: 'timeout', error: 'TIMEOUT' });
  expect(reply.durationMs).toBeGreaterThanOrEqual(2990);
  // Beside its own time it would be 4500.
  expect(reply.durationMs).toBeLessThan(4400);
  tokens.afterMs = 0;
  tokens.answer = { status: 503, body: '' };
  poster.forget('ep_1');
  expect(await post()).toMatchObject({ error: 'token: http 503' });
  tokens.answer = null;
  expect(await post()).toMatchObject({ statusCode: 200 });
});

test('who waits for the token of another has a deadline of their own', async () => {
  tokens.afterMs = 800;
  const [patient, hasty] = await Promise.all([post(), post(auth, { timeoutMs: 200 })]);
  expect(patient).toMatchObject({ statusCode: 200 });
  expect(hasty).toMatchObject({ outcome: 'timeout', error: 'token: TIMEOUT' });
  expect(tokens.asked).toHaveLength(1);
});
