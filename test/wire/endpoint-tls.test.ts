import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EndpointTls } from '../../src/domain/endpoint-auth';
import { createAddressPolicy } from '../../src/wire/address';
import { checkEndpointTls } from '../../src/wire/endpoint-tls';
import { createPoster, type Poster } from '../../src/wire/post';
import { openReceiver, type Receiver } from '../support/receiver';
import { makeTls, type Pair, type TestTls } from '../support/tls';

let poster: Poster;
let own: TestTls;
let other: TestTls;
let client: Pair;
let stranger: Pair;
let plain: Receiver;
let strict: Receiver;

beforeAll(async () => {
  [own, other] = [makeTls(), makeTls()];
  [client, stranger] = [own.issueClient(), other.issueClient()];
  [plain, strict] = await Promise.all([openReceiver(0, own), openReceiver(0, { ...own, clientCa: own.ca })]);
  poster = createPoster({ policy: createAddressPolicy(['127.0.0.1/32']) });
});
afterAll(async () => {
  await poster.close();
  await Promise.all([plain.close(), strict.close()]);
  own.remove();
  other.remove();
});

const post = (url: string, tls: EndpointTls | null) =>
  poster.post({ endpointId: 'ep_1', url, headers: {}, body: Buffer.from('{}'), timeoutMs: 5000, connectTimeoutMs: 5000, tls });
const tlsOf = (more: Partial<EndpointTls>): EndpointTls => ({ certificate: null, key: null, ca: null, ...more });
const shownBy = ({ cert, key }: Pair) => ({ certificate: cert, key });

test('an authority of the endpoint’s own is trusted by it alone, from the change on', async () => {
  expect(await post(plain.url, null)).toMatchObject({ outcome: 'tls_error' });
  expect(await post(plain.url, tlsOf({ ca: own.ca }))).toMatchObject({ outcome: 'ok', statusCode: 200 });
  expect(await post(plain.url, tlsOf({ ca: other.ca }))).toMatchObject({ outcome: 'tls_error' });
  expect(await post(plain.url, tlsOf({ ca: other.ca + own.ca }))).toMatchObject({ outcome: 'ok' });
  expect(await post(plain.url, null)).toMatchObject({ outcome: 'tls_error', error: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  expect(plain.received()).toHaveLength(2);
});

test('a receiver that asks for a certificate takes that of its authority, and no other', async () => {
  const ca = own.ca;
  expect(await post(strict.url, tlsOf({ ca }))).toMatchObject({ outcome: 'tls_error', error: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
  expect(await post(strict.url, tlsOf({ ca, ...shownBy(client) }))).toMatchObject({ outcome: 'ok', statusCode: 200 });
  // Node's own server hangs up without a word; most others say why.
  expect(await post(strict.url, tlsOf({ ca, ...shownBy(stranger) }))).toMatchObject({ outcome: 'connection_reset', statusCode: null });
  expect(strict.received()).toHaveLength(1);
});

test('a certificate of another authority, or one that has expired, is a tls_error where the receiver says so', async () => {
  const server = await openVerifying(own);
  try {
    const ca = own.ca;
    expect(await post(server.url, tlsOf({ ca, ...shownBy(stranger) }))).toMatchObject({ outcome: 'tls_error', error: expect.stringMatching(/^ERR_SSL_.*UNKNOWN_CA$/) });
    expect(await post(server.url, tlsOf({ ca, ...shownBy(own.issueClient(true)) }))).toMatchObject({ outcome: 'tls_error', error: expect.stringMatching(/^ERR_SSL_.*CERTIFICATE_EXPIRED$/) });
  } finally {
    server.close();
  }
});

/** OpenSSL's own server, which takes certificates of the authority alone and answers others with an alert. */
async function openVerifying({ ca, cert, key }: TestTls): Promise<{ url: string; close(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-s-server-'));
  for (const [name, pem] of Object.entries({ ca, cert, key })) writeFileSync(join(folder, name), pem);
  const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-Verify', '1', '-verify_return_error', '-CAfile', 'ca', '-cert', 'cert', '-key', 'key', '-www'], { cwd: folder });
  const port = await new Promise<string>((resolve, reject) => {
    let printed = '';
    server.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const [, found] = /^ACCEPT .*:(\d+)$/m.exec(printed) ?? [];
      if (found !== undefined) resolve(found);
    });
    server.once('exit', () => reject(new Error(`openssl s_server ended: ${printed}`)));
  });
  return {
    url: `https://127.0.0.1:${port}`,
    close() {
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test('a certificate that has become unusable is a tls_error', async () => {
  expect(await post(strict.url, tlsOf({ certificate: client.cert, key: stranger.key }))).toMatchObject({ outcome: 'tls_error', error: 'UNUSABLE_CERTIFICATE' });
});

test('what can not be read, does not fit or has expired is found before it is saved, and none of it is repeated', () => {
  const now = new Date();
  const check = (more: Partial<EndpointTls>) => checkEndpointTls(tlsOf(more), now);
  expect(check({ ca: own.ca })).toBeNull();
  expect(check({ ca: own.ca + other.ca, ...shownBy(client) })).toBeNull();
  expect(check({ certificate: client.cert + own.ca, key: client.key })).toBeNull();
  expect(check({ certificate: own.ca + client.cert, key: client.key })).toMatchObject({ part: 'key', message: expect.stringContaining('must stand first') });
  expect(check({ certificate: client.cert, key: stranger.key })).toMatchObject({ part: 'key', message: expect.stringContaining('not the private key') });
  expect(check(shownBy(own.issueClient(true)))).toMatchObject({ part: 'certificate', message: expect.stringMatching(/^has a certificate that expired at \d{4}-.*Z: number 1$/) });
  expect(check({ certificate: 'nothing', key: client.key })).toMatchObject({ part: 'certificate', message: expect.stringContaining('must be PEM') });
  expect(check({ certificate: client.key, key: client.key })).toMatchObject({ part: 'certificate' });
  expect(check({ certificate: client.cert, key: client.cert })).toMatchObject({ part: 'key', message: expect.stringContaining('must be a private key') });
  expect(check({ certificate: client.cert, key: '-----BEGIN ENCRYPTED PRIVATE KEY-----' })).toMatchObject({ part: 'key', message: expect.stringContaining('is encrypted') });
  expect(check({ ca: own.ca.replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA') })).toMatchObject({ part: 'ca', message: 'has a certificate that can not be read: number 1' });
  expect(checkEndpointTls(tlsOf({ ca: own.ca }), new Date(Date.now() + 3 * 86_400_000))).toMatchObject({ part: 'ca', message: expect.stringContaining('expired') });
});
