import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startApi, type TestApi } from './support/api';
import { openReceiver, type Receiver } from './support/receiver';
import { snippet } from './support/snippets';
import { makeTls, type TestTls } from './support/tls';
import { openTokenServer, type TokenServer } from './support/token-server';

const PAGE = 'docs/endpoint-auth.md';

let api: TestApi;
let receiver: Receiver;
let strict: Receiver;
let tokens: TokenServer;
let tls: TestTls;
beforeAll(async () => {
  tls = makeTls();
  [api, receiver, strict, tokens] = await Promise.all([startApi(), openReceiver(), openReceiver(0, { ...tls, clientCa: tls.ca }), openTokenServer()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([receiver?.close(), strict?.close(), tokens?.close(), api?.close()]);
  tls?.remove();
});

const run = async (code: string, env: Record<string, string>): Promise<unknown[]> => {
  const { stdout } = await promisify(execFile)('sh', ['-euc', code], { env: { ...process.env, KEY: api.rootKey, API: api.url, ...env } });
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown);
};

test('the calls of docs/endpoint-auth.md set credentials, try them, and take them away', async () => {
  const { body: { id } } = await api.call('POST', '/v1/endpoints', { url: `${receiver.url}/hook` });
  expect(await run(snippet(PAGE, 'set'), { ENDPOINT: id, TOKENS: tokens.url })).toMatchObject([
    { auth: { type: 'basic', password: '[redacted]' } }, { auth: { type: 'oauth2', scope: 'hooks:write' } }, { outcome: 'ok', statusCode: 200 }, { auth: null },
  ]);
  expect(receiver.received('/hook')[0]?.headers['authorization']).toBe(`Bearer ${tokens.last()}`);
});

test('the PEM files of the page make a receiver that asks for a certificate answer', async () => {
  const { body: { id } } = await api.call('POST', '/v1/endpoints', { url: strict.url });
  const client = tls.issueClient();
  const file = (name: string, pem: string): string => {
    const path = join(dirname(tls.caFile), name);
    writeFileSync(path, pem);
    return path;
  };
  const env = { ENDPOINT: id, CERTIFICATE: file('shown.pem', client.cert), PRIVATE_KEY: file('shown.key', client.key), CA: tls.caFile };
  expect(await run(snippet(PAGE, 'tls'), env)).toMatchObject([{ tls: { certificate: client.cert, key: '[redacted]', ca: tls.ca } }]);
  expect((await api.call('POST', `/v1/endpoints/${id}/test`)).body).toMatchObject({ outcome: 'ok' });
});
