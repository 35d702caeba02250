import { execFileSync } from 'node:child_process';
import dns from 'node:dns';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { createAddressPolicy } from '../../src/wire/address';
import { createPoster, type Poster } from '../../src/wire/post';
import { makeTls, type TestTls } from '../support/tls';
import { startReceiver, type Receiver } from '../support/raw-receiver';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

let poster: Poster;
const opened: Receiver[] = [];

beforeEach(() => {
  poster = createPoster({ policy: createAddressPolicy(['127.0.0.0/8', '::1']) });
});

afterEach(async () => {
  jest.restoreAllMocks();
  await poster.close();
  await Promise.all(opened.splice(0).map((receiver) => receiver.close()));
});

async function receiver(options: { host?: string; tls?: TlsOptions } = {}): Promise<Receiver> {
  const made = await startReceiver((socket) => socket.write(OK), options);
  opened.push(made);
  return made;
}

const post = (url: string, connectTimeoutMs = 1000) =>
  poster.post({ endpointId: 'ep_1', url, headers: {}, body: Buffer.from('{}'), timeoutMs: 3000, connectTimeoutMs });

type Answer = { address: string; family: number };

/** Answers every name with these addresses, `n`-th question with the `n`-th list and then with the last one. */
function resolveAs(...answers: readonly (readonly string[])[]): jest.SpyInstance {
  let asked = 0;
  return jest.spyOn(dns, 'lookup').mockImplementation(((_host: string, _options: unknown, done: (error: null, found: Answer[]) => void) => {
    const found = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    setImmediate(() => done(null, found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))));
  }) as unknown as typeof dns.lookup);
}

describe('names', () => {
  test('localhost is a name like any other: the hosts file answers, the policy decides', async () => {
    const { port } = await receiver();
    expect(await post(`http://localhost:${port}/`)).toMatchObject({ outcome: 'ok' });
  });

  test('one forbidden address among the answers is enough to refuse the name, and nothing is dialled', async () => {
    const { port, connections } = await receiver();
    for (const answer of [['127.0.0.1', '10.0.0.1'], ['10.0.0.1', '127.0.0.1'], ['127.0.0.1', '::ffff:10.0.0.1'], ['127.0.0.1', 'fe80::1%eth0'], ['127.0.0.1', '']]) {
      resolveAs(answer);
      expect(await post(`http://hook.example:${port}/`)).toMatchObject({ outcome: 'address_forbidden', error: 'ADDRESS_FORBIDDEN' });
      jest.restoreAllMocks();
    }
    expect(connections()).toBe(0);
  });

  test('what was checked is what is dialled: one question for one connection', async () => {
    const { port, connections } = await receiver();
    const lookup = resolveAs(['127.0.0.1'], ['10.0.0.1']);
    expect(await post(`http://rebinding.example:${port}/`)).toMatchObject({ outcome: 'ok' });
    expect(lookup).toHaveBeenCalledTimes(1);
    poster.forget('ep_1');
    expect(await post(`http://rebinding.example:${port}/`)).toMatchObject({ outcome: 'address_forbidden' });
    expect(connections()).toBe(1);
  });

  test('the other family is tried where the first refuses, and only one address of each', async () => {
    const { port, connections } = await receiver();
    resolveAs(['::1', '127.0.0.1']);
    expect(await post(`http://both.example:${port}/`)).toMatchObject({ outcome: 'ok' });
    jest.restoreAllMocks();
    poster.forget('ep_1');
    resolveAs(['127.0.0.2', '127.0.0.1']);
    expect(await post(`http://two.example:${port}/`)).toMatchObject({ outcome: 'connection_refused', error: 'ECONNREFUSED' });
    expect(connections()).toBe(1);
  });

  test('a receiver on IPv6 is reached', async () => {
    const { url } = await receiver({ host: '::1' });
    expect(await post(url)).toMatchObject({ outcome: 'ok' });
  });

  test('no answer, an error and an empty list are told apart from each other', async () => {
    jest.spyOn(dns, 'lookup').mockImplementation((() => undefined) as unknown as typeof dns.lookup);
    expect(await post('http://silent.example/', 200)).toMatchObject({ outcome: 'connect_timeout', error: 'CONNECT_TIMEOUT' });
    jest.restoreAllMocks();
    jest.spyOn(dns, 'lookup').mockImplementation(((_h: string, _o: unknown, done: (error: Error) => void) =>
      done(Object.assign(new Error('getaddrinfo EAI_AGAIN secret.example'), { code: 'EAI_AGAIN' }))) as unknown as typeof dns.lookup);
    expect(await post('http://broken.example/')).toMatchObject({ outcome: 'dns_error', error: 'EAI_AGAIN' });
    jest.restoreAllMocks();
    resolveAs([]);
    expect(await post('http://empty.example/')).toMatchObject({ outcome: 'dns_error', error: 'ENOTFOUND' });
  });

  test('many connections to one name at the same time share one question', async () => {
    const { port } = await receiver();
    const lookup = resolveAs(['127.0.0.1']);
    const replies = await Promise.all(Array.from({ length: 50 }, () => post(`http://shared.example:${port}/`)));
    expect(replies.every(({ outcome }) => outcome === 'ok')).toBe(true);
    expect(lookup).toHaveBeenCalledTimes(1);
  });
});

describe('TLS', () => {
  let good: TestTls;

  beforeAll(() => {
    good = makeTls();
  });
  afterAll(() => good.remove());

  test('a receiver that speaks plain http on the port is a TLS error, and https spoken to plain http a protocol error', async () => {
    const plain = await receiver();
    expect(await post(`https://127.0.0.1:${plain.port}/`)).toMatchObject({ outcome: 'connect_timeout' });
    const loud = await startReceiver(() => undefined, { onConnect: (socket) => socket.write(OK) });
    opened.push(loud);
    expect(await post(`https://127.0.0.1:${loud.port}/`)).toMatchObject({ outcome: 'tls_error' });
    const secure = await receiver({ tls: { key: good.key, cert: good.cert } });
    expect((await post(`http://127.0.0.1:${secure.port}/`)).outcome).toMatch(/^(protocol_error|connection_reset)$/);
  });

  test('an authority of NODE_EXTRA_CA_CERTS is trusted, for the names of its certificate alone', () => {
    // The variable is read when a process starts, so the posts are made by one of its own.
    const source = `
      const { createServer } = require('node:https');
      const dns = require('node:dns');
      const { createPoster } = require('./src/wire/post.ts');
      const { createAddressPolicy } = require('./src/wire/address.ts');
      const lookup = dns.lookup;
      dns.lookup = (host, options, done) => host.endsWith('.example') || host === 'localhost.' ? done(null, [{ address: '127.0.0.1', family: 4 }]) : lookup(host, options, done);
      const names = [];
      const server = createServer({ key: process.env.KEY, cert: process.env.CERT }, (request, response) => { names.push(request.socket.servername); request.resume(); response.end('ok'); });
      server.listen(0, '127.0.0.1', async () => {
        const poster = createPoster({ policy: createAddressPolicy(['127.0.0.0/8', '::1']) });
        const { port } = server.address();
        const seen = [];
        for (const host of ['127.0.0.1', 'localhost', 'localhost.', 'other.example']) {
          const reply = await poster.post({ endpointId: host, url: 'https://' + host + ':' + port + '/', headers: {}, body: Buffer.from('{}'), timeoutMs: 5000, connectTimeoutMs: 5000 });
          seen.push([host, reply.outcome, reply.error]);
        }
        await poster.close();
        console.log(JSON.stringify({ seen, names }));
        process.exit(0);
      });`;
    const printed = execFileSync(process.execPath, ['--require', join(__dirname, '../support/typescript.cjs'), '-e', source], {
      cwd: join(__dirname, '../..'), encoding: 'utf8', env: { ...process.env, NODE_EXTRA_CA_CERTS: good.caFile, KEY: good.key, CERT: good.cert },
    });
    expect(JSON.parse(printed)).toEqual({
      seen: [
        ['127.0.0.1', 'ok', null], ['localhost', 'ok', null], ['localhost.', 'ok', null], ['other.example', 'tls_error', 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ],
      names: [false, 'localhost', 'localhost'],
    });
  });
});
