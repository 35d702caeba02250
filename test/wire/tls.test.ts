import { UNREACHABLE } from '../../src/domain/attempt';
import { makeBadTls, type BadTls } from '../support/bad-tls';
import { BEHAVIOURS, startHostile } from '../support/hostile-receiver';
import { postToAll } from '../support/hostile-mix';
import { postMany, type Report } from '../support/many-posts';
import { startReceiver, type Receiver } from '../support/raw-receiver';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

let bad: BadTls;
const opened: Receiver[] = [];

beforeAll(() => {
  bad = makeBadTls();
});
afterAll(() => bad?.remove());
afterEach(async () => {
  await Promise.all(opened.splice(0).map((receiver) => receiver.close()));
});

const keep = async (receiver: Promise<Receiver>): Promise<Receiver> => {
  opened.push(await receiver);
  return receiver;
};

/** Posts once to each, in a process that trusts the authority; how each came out, in their order. */
async function postToEach(urls: readonly string[], timeoutMs = 10_000, connectTimeoutMs = 10_000): Promise<string[]> {
  const { came } = await postMany({ urls, tries: urls.length, atOnce: 4, markEvery: urls.length, timeoutMs, connectTimeoutMs }, bad.caFile);
  return urls.map((url) => Object.keys((came as Report['came'])[url] ?? {}).join());
}

test('E11 bad TLS in every way is a tls_error that says what is wrong, and no byte of a request leaves', async () => {
  const receivers = await Promise.all(bad.servers.map(({ tls }) => keep(startReceiver((socket) => socket.write(OK), { tls }))));
  const good = await keep(startReceiver((socket) => socket.write(OK), { tls: bad.good }));
  const urls = receivers.map(({ port }, index) => `https://${bad.servers[index]?.host ?? '127.0.0.1'}:${port}/`);
  const came = await postToEach([...urls, good.url]);
  expect(came.pop()).toBe('ok 200 null');
  const wrong = bad.servers.filter(({ error }, index) => {
    const [outcome, status, fault] = came[index]?.split(' ') ?? [];
    return outcome !== 'tls_error' || status !== 'null' || !error.test(fault ?? '');
  });
  expect(wrong.map(({ what }) => `${what}: ${came[bad.servers.findIndex((one) => one.what === what)]}`)).toEqual([]);
  expect(receivers.flatMap(({ requests }) => requests)).toEqual([]);
});

test('E11 a handshake that hangs is a connect_timeout, one that is broken off a connection_reset or a tls_error', async () => {
  const plain = (onConnect: Parameters<typeof startReceiver>[1] & object) => keep(startReceiver(() => undefined, onConnect));
  const receivers = await Promise.all([
    plain({}),
    // A record that never ends: handshake, TLS 1.2, 16 KiB, and then a byte now and then.
    plain({ onConnect: (socket) => {
      socket.write(Buffer.from([22, 3, 3, 64, 0, 2]));
      const timer = setInterval(() => socket.write('\0'), 20);
      socket.on('close', () => clearInterval(timer));
    } }),
    plain({ onConnect: (socket) => socket.resetAndDestroy() }),
    plain({ onConnect: (socket) => socket.once('data', () => socket.end()) }),
    plain({ onConnect: (socket) => socket.write(OK) }),
    plain({ onConnect: (socket) => socket.once('data', () => socket.write(Buffer.from([21, 3, 3, 0, 2, 2, 40]))) }),
  ]);
  const came = await postToEach(receivers.map(({ port }) => `https://127.0.0.1:${port}/`), 3000, 1000);
  expect(came.map((one) => one.split(' ')[0])).toEqual(['connect_timeout', 'connect_timeout', 'connection_reset', 'connection_reset', 'tls_error', 'tls_error']);
  expect([...UNREACHABLE]).toEqual(expect.arrayContaining(['tls_error', 'connect_timeout', 'connection_reset']));
});

test('what a hostile receiver does comes to the same over TLS, and leaves no socket', async () => {
  const receiver = await keep(startHostile(bad.good));
  // What lasts is cut by the deadline over TLS as without; here it would only take long.
  const names = Object.keys(BEHAVIOURS).filter((name) => !BEHAVIOURS[name]?.lasts);
  const urls = names.map((name) => new URL(`/${name}`, receiver.url).href);
  const { came, socketsLeft, resourcesLeft } = await postMany({ urls, tries: urls.length, atOnce: 4, markEvery: urls.length, timeoutMs: 10_000, connectTimeoutMs: 10_000 }, bad.caFile);
  const wrong = names.filter((name, index) => {
    const behaviour = BEHAVIOURS[name]!;
    const [outcome, status] = Object.keys(came[urls[index]!] ?? {})[0]?.split(' ') ?? [];
    return outcome !== (behaviour.statusCode === null ? behaviour.outcome : 'ok') || status !== String(behaviour.statusCode);
  });
  expect(wrong.map((name) => [name, came[new URL(`/${name}`, receiver.url).href]])).toEqual([]);
  expect({ socketsLeft, resourcesLeft }).toEqual({ socketsLeft: 0, resourcesLeft: [] });
  expect(receiver.written()).toBeLessThan(names.length * 16 * 1024 * 1024);
});

test('500 tries at all of them at once keep no memory and no socket', async () => {
  const { wrong, heapMarks, socketsLeft, resourcesLeft } = await postToAll(500, 125, 25);
  expect(wrong).toEqual([]);
  expect({ socketsLeft, resourcesLeft }).toEqual({ socketsLeft: 0, resourcesLeft: [] });
  // 10,000 of them are in the long tier; this much is code that was compiled meanwhile.
  expect((heapMarks.at(-1) ?? 0) - (heapMarks[0] ?? 0)).toBeLessThan(4 * 1024 * 1024);
});
