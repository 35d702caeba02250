import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { judge, type Reply } from '../../src/domain/attempt';
import { createAddressPolicy } from '../../src/wire/address';
import { createPoster, type Poster } from '../../src/wire/post';
import { BEHAVIOURS, startHostile } from '../support/hostile-receiver';
import { startReceiver, until, type Receiver } from '../support/raw-receiver';

/** Short for what lasts until then, but time enough to connect and to hear a status; else a busy machine must not be taken for a receiver. */
const [SHORT_MS, LONG_MS] = [600, 5000];

let poster: Poster;
let receiver: Receiver;

beforeEach(async () => {
  poster = createPoster({ policy: createAddressPolicy(['127.0.0.0/8']) });
  receiver = await startHostile();
});
afterEach(async () => {
  await poster.close();
  await receiver.close();
});

const deadlineOf = (name: string): number => (BEHAVIOURS[name]!.lasts ? SHORT_MS : LONG_MS);

const post = (name: string): Promise<Reply> => poster.post({
  endpointId: 'ep_1', url: new URL(`/${name}`, receiver.url).href, headers: {}, body: Buffer.from('{}'),
  timeoutMs: deadlineOf(name), connectTimeoutMs: LONG_MS,
});

const outcomeOf = (reply: Reply): string => judge(reply, '2xx', new Date()).outcome;

describe('a hostile receiver', () => {
  test.each(Object.entries(BEHAVIOURS).map(([name, behaviour]) => [behaviour.row, name, behaviour.outcome] as const))('%s %s: %s', async (_, name, outcome) => {
    const { statusCode, error, truncated = false, isEndless = false, lasts = false, closes = false } = BEHAVIOURS[name]!;
    // Twice: what the first left behind must not change what becomes of the second.
    for (let nth = 1; nth <= 2; nth += 1) {
      const reply = await post(name);
      expect({ outcome: outcomeOf(reply), statusCode: reply.statusCode, truncated: reply.truncated }).toEqual({ outcome, statusCode, truncated });
      if (error) expect(reply.error).toMatch(error);
      else expect(reply.error).toBeNull();
      if (lasts) expect(reply.durationMs).toBeGreaterThanOrEqual(deadlineOf(name) - 5);
      // What lasts is ended by its own deadline and by no other; a busy machine may be late.
      expect(reply.durationMs).toBeLessThan(lasts ? LONG_MS : LONG_MS - 1000);
      expect(reply.body.length).toBeLessThanOrEqual(16 * 1024);
      // A request that crosses the end of its connection on the way is lost: nobody knows whether it was heard.
      if (closes) await until('the connection is closed', () => receiver.open() === 0);
    }
    expect(receiver.requests).toHaveLength(2);
    // The rest lay in the buffers of the two sockets.
    if (isEndless) expect(receiver.written()).toBeLessThan(2 * 16 * 1024 * 1024);
    await poster.close();
    await until('all connections are closed', () => receiver.open() === 0);
  });

  test('E1 that reads no request: timeout', async () => {
    const deaf = await startReceiver(() => undefined, { onConnect: (socket) => socket.pause() });
    try {
      const reply = await poster.post({ endpointId: 'ep_2', url: deaf.url, headers: {}, body: Buffer.alloc(20_000_000), timeoutMs: SHORT_MS, connectTimeoutMs: LONG_MS });
      expect(reply).toMatchObject({ outcome: 'timeout', error: 'TIMEOUT' });
      expect(reply.durationMs).toBeLessThan(LONG_MS);
      // It does not read the end of the connection either.
      expect(deaf.requests).toHaveLength(0);
    } finally {
      await deaf.close();
    }
  });

  test('E1 that takes a connection whose attempt is over: the connection is closed at once, not when connecting may take no longer', async () => {
    const reply = await poster.post({
      endpointId: 'ep_2', url: receiver.url.replace('http', 'https'), headers: {}, body: Buffer.from('{}'), timeoutMs: SHORT_MS, connectTimeoutMs: 30_000,
    });
    expect(reply).toMatchObject({ outcome: 'connect_timeout', error: 'CONNECT_TIMEOUT' });
    await until('the connection is closed', () => receiver.open() === 0);
  });

  test('E2 that lets no connection come about: connect_timeout, after the time that connecting may take', async () => {
    // A listener that accepts nothing: once its queue is full the system answers no more connection.
    const child = spawn(process.execPath, ['-e', `
      const server = require('node:net').createServer();
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => { console.log(server.address().port); process.kill(process.pid, 'SIGSTOP'); });
    `], { stdio: ['ignore', 'pipe', 'inherit'] });
    const fillers: Socket[] = [];
    try {
      const [port] = (await once(child.stdout, 'data')) as [Buffer];
      for (let n = 0; n < 8; n += 1) fillers.push(connect({ port: Number(port), host: '127.0.0.1' }).on('error', () => undefined));
      const ask = (): Promise<Reply> => poster.post({
        endpointId: 'ep_2', url: `http://127.0.0.1:${Number(port)}/`, headers: {}, body: Buffer.from('{}'), timeoutMs: 30_000, connectTimeoutMs: 500,
      });
      await until('its queue is full', () => fillers.filter(({ connecting }) => !connecting).length >= 2);
      const reply = await ask();
      expect(reply).toMatchObject({ outcome: 'connect_timeout', statusCode: null, error: 'CONNECT_TIMEOUT' });
      expect(reply.durationMs).toBeGreaterThanOrEqual(495);
      expect(reply.durationMs).toBeLessThan(30_000 / 2);
    } finally {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
    }
  });
});
