import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { type ChaosProxy, openChaosProxy } from '../support/chaos-proxy';
import { until } from '../support/wait';

let server: Server;
let proxy: ChaosProxy;
let served: Socket[];

beforeEach(async () => {
  served = [];
  // Says everything back.
  server = createServer((socket) => {
    served.push(socket);
    socket.on('error', () => undefined).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await openChaosProxy((server.address() as AddressInfo).port);
});
afterEach(async () => {
  await proxy.close();
  served.forEach((socket) => socket.destroy());
  server.close();
});

interface Caller {
  readonly socket: Socket;
  heard: string;
  /** How it ended: whole, or by which error. */
  end: string | null;
}

async function call(): Promise<Caller> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1' });
  const caller: Caller = { socket, heard: '', end: null };
  socket.setEncoding('utf8').on('data', (text: string) => (caller.heard += text));
  socket.on('error', (error) => (caller.end = 'code' in error ? String(error.code) : 'error')).on('close', () => (caller.end ??= 'whole'));
  await once(socket, 'connect');
  return caller;
}
const untilHeard = (caller: Caller, text: string): Promise<true> => until(() => caller.heard === text, { what: text });

describe('The chaos proxy', () => {
  test('passes everything on both ways, and ends of connections too', async () => {
    const caller = await call();
    caller.socket.write('hello');
    await untilHeard(caller, 'hello');
    const many = 'x'.repeat(3_000_000);
    caller.socket.end(many);
    await until(() => caller.end, { what: 'the end' });
    expect([caller.heard.length, caller.end]).toEqual(['hello'.length + many.length, 'whole']);
    await until(() => proxy.connections() === 0, { what: 'the end at the proxy' });
  });

  test('holds everything in a black hole, also the end of a connection, and lets it out afterwards in its order', async () => {
    const caller = await call();
    caller.socket.write('1');
    await untilHeard(caller, '1');
    proxy.set('blackhole');
    caller.socket.write('2');
    const late = await call();
    late.socket.write('late');
    served[0]?.end();
    const gone = await call();
    gone.socket.destroy();
    // Whatever went through would have been there before this one, which does not pass through the proxy.
    const beside = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    beside.write('x');
    await once(beside, 'data');
    beside.destroy();
    expect([caller.heard, caller.end, late.heard]).toEqual(['1', null, '']);
    proxy.set('pass');
    await untilHeard(late, 'late');
    await until(() => caller.end === 'whole', { what: 'the end that was held' });
    await until(() => proxy.connections() === 1, { what: 'the end of the others' });
  });

  test('can be deaf in one direction alone', async () => {
    const caller = await call();
    proxy.set('blackhole', 'back');
    caller.socket.write('heard there');
    await until(() => (served[0]?.bytesRead ?? 0) === 'heard there'.length, { what: 'the bytes at the server' });
    expect(caller.heard).toBe('');
    proxy.set('pass', 'back');
    await untilHeard(caller, 'heard there');
  });

  test('resets what is open and what comes', async () => {
    const caller = await call();
    caller.socket.write('hello');
    await untilHeard(caller, 'hello');
    proxy.set('reset');
    await until(() => caller.end === 'ECONNRESET', { what: 'the reset' });
    const next = await call().then(({ socket }) => once(socket, 'data'), (error: unknown) => error).catch((error: unknown) => error);
    expect(next).toMatchObject({ code: 'ECONNRESET' });
    proxy.set('pass');
    const last = await call();
    last.socket.write('again');
    await untilHeard(last, 'again');
  });

  test('cuts off after so many bytes of a direction', async () => {
    const caller = await call();
    proxy.set({ cutAfter: 5 }, 'back');
    caller.socket.write('1234567');
    await until(() => caller.end !== null, { what: 'the cut' });
    expect(caller.heard).toBe('12345');
  });

  test('delays each piece, and lets through no more than so much a second', async () => {
    const caller = await call();
    proxy.set({ delayMs: 150 }, 'there');
    let since = performance.now();
    caller.socket.write('slow');
    await untilHeard(caller, 'slow');
    expect(performance.now() - since).toBeGreaterThanOrEqual(150);
    proxy.set({ bytesPerSecond: 10_000 });
    since = performance.now();
    caller.socket.write('x'.repeat(2_000));
    await until(() => caller.heard.length === 2_004, { what: 'all of it' });
    expect(performance.now() - since).toBeGreaterThanOrEqual(200);
  });
});
