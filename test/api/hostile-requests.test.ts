import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { ERRORS } from '../../src/errors';
import { readConfig } from '../../src/config';
import { createLog } from '../../src/log';
import { serve, type RunningApi } from '../../src/serve';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';
import { open, sendRaw, statusesOf } from './raw';

const KEY = `phk_${randomBytes(32).toString('base64url')}`;
const HEAD = `Host: x\r\nAuthorization: Bearer ${KEY}\r\n`;
const JSON_HEAD = `${HEAD}Content-Type: application/json\r\n`;

let database: TestDatabase;
let api: RunningApi;
beforeAll(async () => {
  database = await freshDatabase();
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, POSTHORN_ROOT_KEY: KEY, POSTHORN_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` });
  // Short, so that nobody waits; the lengths in production are in src/api/server.ts.
  const http = { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 50, maxConnections: 40 };
  api = await serve(config, { onUndeclaredAnswer: 'throw', log: createLog('silent'), http });
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

const problemOf = (text: string): { code: keyof typeof ERRORS; status: number } => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as never;

/** What Node refuses by itself is a problem like any other. */
function expectProblem(text: string, code: keyof typeof ERRORS): void {
  expect(statusesOf(text)).toEqual([ERRORS[code][0]]);
  expect(problemOf(text)).toMatchObject({ code, status: ERRORS[code][0] });
  for (const header of ['Content-Type: application/problem+json', 'Cache-Control: no-store', 'X-Content-Type-Options: nosniff', 'X-Request-Id: ']) {
    expect(text.toLowerCase()).toContain(header.toLowerCase());
  }
}

describe('a caller that sends slowly is cut off', () => {
  it.each([
    ['headers that do not end', `GET /v1/records HTTP/1.1\r\n${HEAD}X-Slow: `],
    ['nothing after the first line', 'GET /v1/records HTTP/1.1\r\n'],
  ])('%s', async (_what, bytes) => expectProblem((await sendRaw(api.url, bytes)).text, 'request_timeout'));

  it.each([
    ['a body shorter than it says', `POST /v1/events HTTP/1.1\r\n${JSON_HEAD}Content-Length: 1000\r\n\r\n{"type":`],
    ['chunks without an end', `POST /v1/events HTTP/1.1\r\n${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n8\r\n{"type":\r\n`],
    ['chunks without an end, from one without a key', 'POST /inbound/chn_01jc3f7x9k2m4n6p8q0r2s4t6v HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n'],
  ])('%s', async (_what, bytes) => {
    const { statuses } = await sendRaw(api.url, bytes);
    expect(statuses).toEqual([408]);
  });

  it('one byte of a header at a time', async () => {
    const socket = open(api.url);
    let text = '';
    socket.setEncoding('latin1').on('data', (some: string) => (text += some)).on('error', () => undefined).on('end', () => socket.end());
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const drip = setInterval(() => socket.writable && socket.write('a'), 20);
    await once(socket, 'close');
    clearInterval(drip);
    expectProblem(text, 'request_timeout');
  });
});

describe('a request that is no request', () => {
  const bodyless = (first: string, headers = ''): string => `${first} HTTP/1.1\r\n${HEAD}${headers}Connection: close\r\n\r\n`;
  const posted = (headers: string, body: string): string => `POST /v1/events HTTP/1.1\r\n${JSON_HEAD}Connection: close\r\n${headers}\r\n${body}`;
  const event = '{"type":"t","data":1}';

  it.each([
    ['another protocol', 'SSH-2.0-x\r\n\r\n', 'bad_request'],
    ['TLS', Buffer.from('16030100a5010000a1', 'hex'), 'bad_request'],
    ['a method that is none', bodyless('FROB /v1/records'), 'bad_request'],
    ['a space in the address', bodyless('GET /v1/records /x'), 'bad_request'],
    ['a header without a name', bodyless('GET /v1/records', ': x\r\n'), 'bad_request'],
    ['a NUL in a header', bodyless('GET /v1/records', 'X-A: a\0b\r\n'), 'bad_request'],
    ['a line that goes on', bodyless('GET /v1/records', 'X-A: a\r\n b\r\n'), 'bad_request'],
    ['two lengths', posted(`Content-Length: ${event.length}\r\nContent-Length: 5\r\n`, event), 'bad_request'],
    ['a length and chunks', posted(`Content-Length: ${event.length}\r\nTransfer-Encoding: chunked\r\n`, `${event.length.toString(16)}\r\n${event}\r\n0\r\n\r\n`), 'bad_request'],
    ['a length that is no number', posted('Content-Length: 0x15\r\n', event), 'bad_request'],
    ['chunks of a length that is none', posted('Transfer-Encoding: chunked\r\n', 'zz\r\n'), 'bad_request'],
    ['an encoding beside chunks', posted('Transfer-Encoding: gzip, identity\r\n', event), 'bad_request'],
    ['headers of more than 16 KiB', bodyless('GET /v1/records', `X-A: ${'a'.repeat(17_000)}\r\n`), 'headers_too_large'],
    ['an address of more than 16 KiB', bodyless(`GET /v1/records?type=${'a'.repeat(17_000)}`), 'headers_too_large'],
  ] as const)('%s', async (_what, bytes, code) => {
    const { text } = await sendRaw(api.url, bytes);
    // A body that can't be read may be answered twice on the way: by the application, which waits for it, or by Node.
    expectProblem(text, code);
  });

  it('with 100 headers is read, with 101 refused', async () => {
    const extra = (count: number): string => Array.from({ length: count }, (_, n) => `X-${n}: a\r\n`).join('');
    // Three others are always there.
    expect((await sendRaw(api.url, bodyless('GET /healthz', extra(97)))).statuses).toEqual([200]);
    expectProblem((await sendRaw(api.url, bodyless('GET /healthz', extra(98)))).text, 'headers_too_large');
    expectProblem((await sendRaw(api.url, bodyless('GET /healthz', extra(2_000)))).text, 'headers_too_large');
  });

  it.each([
    ['GET //v1/records', 404], ['GET /v1//records', 404], ['GET /v1/records/', 404], ['GET /V1/records', 404], ['GET /v1/%2e%2e/healthz', 404],
    ['GET /v1/../healthz', 404], ['GET /v1/records/%00', 404], ['GET /v1/records%00', 404], ['GET /%', 404], ['GET /v1/records/%zz', 404], ['GET /v1/records/%c0%af', 404],
    ['GET /v1/records\\..\\healthz', 404], ['GET /v1/records;x=1', 404], ['GET http://elsewhere.example/v1/records', 200], ['GET //elsewhere.example/v1/records', 404],
    ['GET *', 404], ['OPTIONS *', 404], ['OPTIONS /v1/records', 405], ['TRACE /v1/records', 405], ['HEAD /v1/records', 200], ['PROPFIND /v1/records', 405],
    ['GET /v1/records?limit=1&limit=2', 422], ['GET /v1/records?limit[]=1', 422], ['GET /v1/records?__proto__=1', 422], ['GET /v1/records?constructor=1', 422],
    ['GET /v1/records?limit=0', 422], ['GET /v1/records?limit=251', 422], ['GET /v1/records?limit=1e400', 422], ['GET /v1/records?limit=-0', 422], ['GET /v1/records?limit=', 422],
    ['GET /v1/records?limit=250', 200], ['GET /v1/records?type=%00', 422], ['GET /v1/records?type=%ff', 200], ['GET /v1/records?%ff=1', 422], ['GET /v1/records?cursor=%', 422],
  ])('%s is answered %i', async (first, status) => {
    const { statuses, text } = await sendRaw(api.url, bodyless(first));
    expect([first, statuses]).toEqual([first, [status]]);
    if (status === 405) expect(text).toMatch(/\r\nAllow: GET, HEAD, POST\r\n/);
  });

  it('CONNECT and a change of protocol are not answered with one', async () => {
    expect((await sendRaw(api.url, bodyless('CONNECT elsewhere.example:443'))).statuses).toEqual([]);
    expect((await sendRaw(api.url, 'GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n')).statuses).toEqual([200]);
  });
});

it('closes connections beyond its number, and takes new ones when others have gone', async () => {
  const sockets = Array.from({ length: 60 }, () => open(api.url).on('error', () => undefined));
  await until(() => sockets.filter((socket) => socket.destroyed || socket.readableEnded).length >= 20, { deadlineMs: 5_000, what: 'the end of 20 connections' });
  for (const socket of sockets) socket.destroy();
  let status = 0;
  await until(async () => {
    status = await fetch(`${api.url}/healthz`).then((reply) => reply.status, () => 0);
    return status === 200;
  }, { deadlineMs: 5_000, what: 'an answer' });
  expect(status).toBe(200);
});
