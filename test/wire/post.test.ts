import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Reply } from '../../src/domain/attempt';
import { createAddressPolicy } from '../../src/wire/address';
import { createPoster, type Poster, type PostRequest } from '../../src/wire/post';
import { noNames } from '../support/fake-names';
import { startReceiver, until, type Play, type Receiver } from '../support/raw-receiver';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const BODY = Buffer.from('{"hello":"wörld"}');

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

async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const made = await startReceiver(...args);
  opened.push(made);
  return made;
}

const post = (url: string, more: Partial<PostRequest> = {}): Promise<Reply> =>
  poster.post({
    endpointId: 'ep_1', url, headers: { 'content-type': 'application/json', 'webhook-id': 'evt_1' }, body: BODY,
    timeoutMs: 5000, connectTimeoutMs: 2000, ...more,
  });

const answer = (text: string): Play => (socket) => socket.write(text, 'latin1');
const answerAndEnd = (text: string): Play => (socket) => socket.end(text, 'latin1');

/** Writes `piece` every `everyMs` until the other side is gone. */
function drip(socket: Socket, piece: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.on('close', () => clearInterval(timer));
}

describe('what is sent', () => {
  test('the request carries the headers, the body byte for byte and its length, and asks for no coding by itself', async () => {
    const { url, requests } = await receiver(answer(OK));
    const reply = await post(`${url}?a=1&b=%20`);
    expect(reply).toMatchObject({ outcome: 'ok', statusCode: 200, truncated: false, error: null });
    expect(Buffer.from(reply.body).toString()).toBe('ok');
    const [head = '', body = ''] = (requests[0] ?? '').split('\r\n\r\n');
    expect(head.split('\r\n')[0]).toBe('POST /hook?a=1&b=%20 HTTP/1.1');
    expect(head).toContain('content-type: application/json\r\nwebhook-id: evt_1');
    expect(head).toContain(`content-length: ${BODY.length}`);
    expect(head).not.toMatch(/accept-encoding|transfer-encoding|expect:/i);
    expect(Buffer.from(body, 'latin1')).toEqual(BODY);
  });

  test('a kept connection serves the next request of the same endpoint and never that of another one', async () => {
    const { url, connections } = await receiver(answer(OK));
    for (let i = 0; i < 5; i += 1) await post(url);
    expect(connections()).toBe(1);
    await post(url, { endpointId: 'ep_2' });
    expect(connections()).toBe(2);
  });

  test('an endpoint that moved to another address leaves no connection to the old one', async () => {
    const before = await receiver(answer(OK));
    const after = await receiver(answer(OK));
    await post(before.url);
    await post(after.url);
    expect(after.requests).toHaveLength(1);
    await until('the old connection is closed', () => before.open() === 0);
  });

  test('forgetting an endpoint closes what is idle and lets what is in flight come to its end', async () => {
    let held: Socket | undefined;
    const { url, open, requests } = await receiver((socket, nth) => {
      if (nth === 1) held = socket;
      else socket.write(OK);
    });
    const running = post(url);
    await until('the first request is there', () => requests.length === 1);
    await post(url);
    poster.forget('ep_1');
    await until('the idle connection is closed', () => open() === 1);
    held?.write(OK);
    expect(await running).toMatchObject({ outcome: 'ok' });
    await until('the other one is closed too', () => open() === 0);
  });

  test('200 requests of one endpoint are under way at the same time', async () => {
    const waiting: Socket[] = [];
    const { url, connections } = await receiver((socket) => waiting.push(socket));
    const running = Array.from({ length: 200 }, () => post(url));
    await until('all are there', () => waiting.length === 200);
    expect(connections()).toBe(200);
    for (const socket of waiting) socket.write(OK);
    expect((await Promise.all(running)).every(({ outcome }) => outcome === 'ok')).toBe(true);
  });

  test('connections of many endpoints do not pile up', async () => {
    const { url, open, requests } = await receiver(answer(OK));
    for (let first = 0; first < 2300; first += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => post(url, { endpointId: `ep_${first + i}` })));
    }
    expect(requests).toHaveLength(2300);
    await until('no more than 2048 are open', () => open() <= 2048);
  });

  test('idle connections make room for others where no more may be open, and those in use do not', async () => {
    await poster.close();
    poster = createPoster({ policy: createAddressPolicy(['127.0.0.0/8']), maxConnections: 4 });
    const { url, open, connections } = await receiver(answer(OK));
    for (let n = 0; n < 12; n += 1) expect(await post(url, { endpointId: `ep_${n}` })).toMatchObject({ statusCode: 200 });
    await until('the oldest are closed', () => open() === 4);
    await post(url, { endpointId: 'ep_11' });
    expect(connections()).toBe(12);
    const replies = await Promise.all(Array.from({ length: 6 }, (_, n) => post(url, { endpointId: `ep_${n}` })));
    expect(replies.map(({ statusCode }) => statusCode)).toEqual(Array(6).fill(200));
  });

  test('after close nothing is sent any more', async () => {
    const { url, requests } = await receiver(answer(OK));
    await poster.close();
    await expect(post(url)).rejects.toThrow('closed');
    expect(requests).toHaveLength(0);
  });
});

describe('what the status says', () => {
  test.each([200, 201, 202, 204, 205, 299, 300, 304, 307, 400, 401, 404, 410, 413, 429, 500, 503, 599])('%i is an answer', async (status) => {
    const { url } = await receiver(answerAndEnd(`HTTP/1.1 ${status} X\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n`));
    expect(await post(url)).toMatchObject({ outcome: 'ok', statusCode: status, headers: { 'retry-after': '5' }, truncated: false, error: null });
  });

  test.each(['099', '600', '999', '000'])('%s is none', async (status) => {
    const { url, open } = await receiver(answer(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`));
    expect(await post(url)).toMatchObject({ outcome: 'protocol_error', statusCode: null });
    await until('the connection is closed', () => open() === 0);
  });

  test('a redirect is not followed: one connection, one request', async () => {
    const elsewhere = await receiver(answer(OK));
    const { url, connections, requests } = await receiver(answer(`HTTP/1.1 302 Found\r\nlocation: ${elsewhere.url}\r\ncontent-length: 0\r\n\r\n`));
    expect(await post(url)).toMatchObject({ outcome: 'ok', statusCode: 302, headers: { location: elsewhere.url } });
    expect([connections(), requests.length, elsewhere.connections()]).toEqual([1, 1, 0]);
  });

  test('204 with a body counts as 204, and its bytes are never taken for the next answer', async () => {
    const { url, connections } = await receiver((socket, nth) =>
      socket.write(nth === 1 ? 'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Poison\r\ncontent-length: 0\r\n\r\n' : OK));
    expect(await post(url)).toMatchObject({ outcome: 'ok', statusCode: 204 });
    expect(await post(url)).toMatchObject({ outcome: 'ok', statusCode: 200 });
    expect(connections()).toBe(2);
  });

  test('HTTP/1.0 without a length is understood, and its connection not kept', async () => {
    const { url, connections } = await receiver(answerAndEnd('HTTP/1.0 200 OK\r\n\r\nfine'));
    const reply = await post(url);
    expect(reply).toMatchObject({ outcome: 'ok', statusCode: 200, truncated: false });
    expect(Buffer.from(reply.body).toString()).toBe('fine');
    expect(await post(url)).toMatchObject({ outcome: 'ok' });
    expect(connections()).toBe(2);
  });

  test('header names come in lower case, repeated ones joined, and none can reach the prototype', async () => {
    const { url } = await receiver(answerAndEnd('HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\n__proto__: x\r\nconstructor: y\r\ncontent-length: 0\r\n\r\n'));
    const { headers } = await post(url);
    expect(headers['x-a']).toBe('1, 2');
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
    expect(Object.hasOwn(headers, 'constructor')).toBe(true);
  });

  test('an interim answer before the real one is passed over', async () => {
    const { url } = await receiver(answer(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${OK}`));
    const reply = await post(url);
    expect(reply).toMatchObject({ outcome: 'ok', statusCode: 200 });
    expect(reply.headers).not.toHaveProperty('link');
  });
});

describe('what is not HTTP', () => {
  test.each([
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['100 Continue, which was not asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['HTTP/0.9', 'hello\r\n'],
    ['another protocol', '220 mail.example.com ESMTP\r\n'],
    ['two lengths that differ', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok'],
    ['headers of more than 16 KiB', `HTTP/1.1 200 OK\r\nx-big: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['10,000 headers', `HTTP/1.1 200 OK\r\n${Array.from({ length: 10_000 }, (_, i) => `x${i}: 1\r\n`).join('')}\r\n`],
    ['a header with NUL', 'HTTP/1.1 200 OK\r\nx-a: a\0b\r\ncontent-length: 0\r\n\r\n'],
    ['a header name with a space', 'HTTP/1.1 200 OK\r\nx a: b\r\ncontent-length: 0\r\n\r\n'],
  ])('%s is a protocol error, and the connection is closed', async (_, text) => {
    const { url, open, connections } = await receiver(answer(text));
    const reply = await post(url);
    expect(reply).toMatchObject({ outcome: 'protocol_error', statusCode: null });
    expect(reply.error).toMatch(/^[A-Z][A-Z0-9_]+$/);
    await until('the connection is closed', () => open() === 0);
    expect(connections()).toBe(1);
  });

  test.each([
    ['a URL that is none', 'not a url', {}],
    ['another scheme', 'ftp://127.0.0.1/', {}],
    ['a header that can not be sent', 'http://127.0.0.1:1/', { 'x-a': 'a\r\nb: c' }],
  ])('%s is answered, not thrown', async (_, url, headers) => {
    expect(await post(url, { headers })).toMatchObject({ outcome: 'protocol_error', statusCode: null });
  });
});

describe('the one deadline', () => {
  const timeoutMs = 300;
  /** What no other deadline of these tests ends before: a busy machine may be late, and is not taken for another deadline. */
  const otherMs = 20_000;

  async function expectTimeout(play: Play): Promise<void> {
    // The deadline counts the connecting too: over a kept connection none is left for it.
    const { url, open, connections } = await receiver((socket, nth, request) => (nth === 1 ? socket.write(OK) : play(socket, nth, request)));
    await post(url);
    const reply = await post(url, { timeoutMs, connectTimeoutMs: otherMs });
    expect(reply).toMatchObject({ outcome: 'timeout', statusCode: null, error: 'TIMEOUT' });
    expect(reply.durationMs).toBeGreaterThanOrEqual(timeoutMs - 5);
    expect(reply.durationMs).toBeLessThan(otherMs / 2);
    await until('the connection is closed', () => open() === 0);
    expect(connections()).toBe(1);
  }

  test('ends a request that is never answered', () => expectTimeout(() => undefined));
  test('ends headers that drip', () => expectTimeout((socket) => { socket.write('HTTP/1.1 200 OK\r\n'); drip(socket, 'x', 20); }));
  test('ends interim answers without end', () => expectTimeout((socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', 20)));
  test('ends 102 without end', () => expectTimeout((socket) => drip(socket, 'HTTP/1.1 102 Processing\r\n\r\n', 20)));

  test('a flood of interim answers ends before it', async () => {
    const { url, open } = await receiver((socket) => { socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(2000)); });
    expect(await post(url)).toMatchObject({ outcome: 'protocol_error', error: 'TOO_MANY_INTERIM' });
    await until('the connection is closed', () => open() === 0);
  });

  test.each([200, 410, 500])('a body that drips after %i is cut and the status stands', async (status) => {
    const { url, open } = await receiver((socket) => {
      socket.write(`HTTP/1.1 ${status} X\r\nretry-after: 7\r\ncontent-length: 100000\r\n\r\n`);
      drip(socket, 'x', 20);
    });
    // Time enough for the status to be heard, however busy the machine.
    const reply = await post(url, { timeoutMs: 4 * timeoutMs });
    expect(reply).toMatchObject({ outcome: 'ok', statusCode: status, truncated: true, error: null, headers: { 'retry-after': '7' } });
    expect(reply.body.length).toBeGreaterThan(0);
    expect(reply.durationMs).toBeLessThan(otherMs / 2);
    await until('the connection is closed', () => open() === 0);
  });

  test.each([[timeoutMs, otherMs], [otherMs, timeoutMs]])('of %i ms counts the handshake, of which connecting may take %i ms', async (wholeMs, connectTimeoutMs) => {
    const { port, open } = await receiver(() => undefined);
    const reply = await post(`https://127.0.0.1:${port}/`, { timeoutMs: wholeMs, connectTimeoutMs });
    expect(reply).toMatchObject({ outcome: 'connect_timeout', error: 'CONNECT_TIMEOUT' });
    expect(reply.durationMs).toBeLessThan(otherMs / 2);
    await until('the connection is closed', () => open() === 0);
  });
});

describe('how much is read', () => {
  const KEPT = 16 * 1024;

  test.each([[KEPT, false], [KEPT + 1, true], [64 * 1024, true]])('of %i bytes at most 16 KiB are kept, and the connection is kept', async (length, truncated) => {
    const { url, connections } = await receiver(answer(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${'a'.repeat(length)}`));
    const reply = await post(url);
    expect(reply).toMatchObject({ outcome: 'ok', truncated });
    expect(reply.body).toHaveLength(Math.min(length, KEPT));
    await post(url);
    expect(connections()).toBe(1);
  });

  test.each(['content-length: 1000000000', 'transfer-encoding: chunked', 'x-until: closed'])('an endless body (%s) is read to 64 KiB', async (header) => {
    let written = 0;
    const zeros = '0'.repeat(8192);
    const { url, open } = await receiver((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n`);
      const more = (): void => {
        while (!socket.destroyed && socket.write(header.startsWith('transfer') ? `2000\r\n${zeros}\r\n` : zeros)) written += zeros.length;
      };
      socket.on('drain', more);
      more();
    });
    const reply = await post(url);
    expect(reply).toMatchObject({ outcome: 'ok', statusCode: 200, truncated: true });
    expect(reply.body).toHaveLength(KEPT);
    await until('the connection is closed', () => open() === 0);
    // What is more than 64 KiB lay in the buffers of the two sockets.
    expect(written).toBeLessThan(16 * 1024 * 1024);
  });

  test('compressed bytes stay as they are', async () => {
    const bomb = gzipSync(Buffer.alloc(10 * 1024 * 1024));
    const { url } = await receiver((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
      socket.write(bomb);
    });
    const reply = await post(url);
    expect(reply).toMatchObject({ outcome: 'ok', headers: { 'content-encoding': 'gzip' } });
    expect(Buffer.from(reply.body)).toEqual(bomb.subarray(0, KEPT));
  });

  test.each([
    ['ended', (socket: Socket) => socket.end()],
    ['reset', (socket: Socket) => { setTimeout(() => socket.resetAndDestroy(), 50); }],
  ])('where the body is %s early the status stands', async (_, cut) => {
    const { url } = await receiver((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789');
      cut(socket);
    });
    const reply = await post(url);
    expect(reply).toMatchObject({ outcome: 'ok', statusCode: 200, truncated: true, error: null });
    expect(Buffer.from(reply.body).toString()).toBe('0123456789');
  });

  test('broken chunks after the headers leave the status as it is', async () => {
    const { url } = await receiver(answer('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n'));
    expect(await post(url)).toMatchObject({ outcome: 'ok', statusCode: 200, truncated: true });
  });
});

describe('connections that fail', () => {
  test('nobody listens: refused', async () => {
    const gone = await startReceiver(answer(OK));
    await gone.close();
    expect(await post(gone.url)).toMatchObject({ outcome: 'connection_refused', statusCode: null, error: 'ECONNREFUSED' });
  });

  test.each([
    ['reset before a byte was read', { onConnect: (socket: Socket) => socket.resetAndDestroy() }, () => undefined],
    ['reset after the request', {}, (socket: Socket) => socket.resetAndDestroy()],
    ['closed after the request', {}, (socket: Socket) => socket.end()],
    ['reset amid the headers', {}, (socket: Socket) => { socket.write('HTTP/1.1 200 O'); setTimeout(() => socket.resetAndDestroy(), 50); }],
  ])('%s: connection_reset, and it is not sent again', async (_, options, play) => {
    const { url, connections } = await receiver(play, options);
    expect(await post(url)).toMatchObject({ outcome: 'connection_reset', statusCode: null });
    expect(connections()).toBe(1);
  });

  test('a name that does not exist is a dns error', async () => {
    noNames();
    expect(await post('http://does-not-exist.invalid/')).toMatchObject({ outcome: 'dns_error', statusCode: null });
  });

  describe.each(['FIN', 'RST'])('a kept connection that the receiver closed with %s', (how) => {
    /** Posts once, has the receiver close the connection, lets `turns` of the event loop pass, and posts again. */
    async function postAfterClose(turns: number): Promise<{ reply: Reply; receiver: Receiver }> {
      const kept: Socket[] = [];
      const made = await receiver((socket) => {
        kept.push(socket);
        socket.write(OK);
      });
      const endpointId = `ep_${turns}`;
      await post(made.url, { endpointId });
      if (how === 'FIN') kept[0]?.end();
      else kept[0]?.resetAndDestroy();
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
      return { reply: await post(made.url, { endpointId }), receiver: made };
    }

    test('costs no attempt', async () => {
      const { reply, receiver: { requests, connections } } = await postAfterClose(50);
      expect(reply).toMatchObject({ outcome: 'ok', statusCode: 200 });
      expect([requests.length, connections()]).toEqual([2, 2]);
    });

    test('never has a request sent twice, also where the two cross on their way', async () => {
      for (let turns = 0; turns < 20; turns += 1) {
        const { reply, receiver: { requests } } = await postAfterClose(turns);
        expect(['ok', 'connection_reset']).toContain(reply.outcome);
        expect(requests.length).toBeLessThanOrEqual(2);
      }
    });
  });
});
