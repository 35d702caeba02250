import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/ports';
import { killAll, processesWith, type Spawned, spawnNode, untilGone } from '../support/processes';
import { tell } from '../support/tell';
import { until } from '../support/wait';

const SUPERVISE = join(__dirname, '..', '..', 'dist', 'src', 'supervise.js');

describe('npm start', () => {
  let folder: string;
  let dataDir: string;
  let url: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'posthorn-start-'));
    // The user that PostgreSQL runs as passes through.
    await chmod(folder, 0o711);
    dataDir = join(folder, 'data');
    url = `http://127.0.0.1:${await freePort()}`;
  });
  afterEach(async () => {
    await killAll();
    await untilGone(dataDir);
    await rm(folder, { recursive: true, force: true });
  });

  const start = (): Spawned => spawnNode([SUPERVISE], { POSTHORN_DATA_DIR: dataDir, PORT: new URL(url).port }, true);
  const untilUp = (spawned: Spawned): Promise<boolean> =>
    until(
      () => {
        if (spawned.child.exitCode !== null) throw new Error(spawned.output());
        return spawned.output().includes('Try it:');
      },
      { deadlineMs: 50_000, what: 'the welcome' },
    );
  const pressCtrlC = (spawned: Spawned): void => void process.kill(-spawned.pid, 'SIGINT');
  const isReady = async (): Promise<boolean> => (await fetch(`${url}/readyz`)).status === 200;

  it('runs everything, ends at Ctrl-C with nothing left behind, and goes on with the same data', async () => {
    const first = start();
    await untilUp(first);
    const key = /Root key\s+(\S+)/.exec(first.output())?.[1] ?? '';
    const answer = await fetch(`${url}/v1/records`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'customer', primaryKey: 'ada', attributes: { name: 'Ada' } }),
    });
    expect(answer.status).toBe(201);
    expect(first.output()).toMatch(/Temporal UI\s+http:\/\/127\.0\.0\.1:\d+/);

    pressCtrlC(first);
    // npm sends the same signal once more.
    await until(() => first.output().includes('Stopping'), { what: 'the first signal to arrive' });
    pressCtrlC(first);
    expect(await first.end).toBe(0);
    await untilGone(dataDir, 10_000);
    expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).not.toMatch(/not properly shut down/);

    const since = performance.now();
    const second = start();
    await untilUp(second);
    const tookMs = performance.now() - since;
    tell('second start in ms', Math.round(tookMs));
    expect(tookMs).toBeLessThan(40_000);
    expect(second.output()).not.toContain('Root key');
    const found = await fetch(`${url}/v1/records?type=customer&primaryKey=ada`, { headers: { authorization: `Bearer ${key}` } });
    expect((await found.json()) as { data: unknown[] }).toMatchObject({ data: [{ primaryKey: 'ada' }] });

    second.signal('SIGTERM');
    expect(await second.end).toBe(0);
  }, 120_000);

  it('leaves nothing running when it is killed, and starts again', async () => {
    const killed = start();
    await untilUp(killed);
    await killed.kill();
    await untilGone(dataDir, 50_000);

    const next = start();
    await untilUp(next);
    expect(await isReady()).toBe(true);
  }, 180_000);

  it('starts again what ends unasked, and lets nobody else run its folder', async () => {
    const first = start();
    await untilUp(first);
    const other = spawnNode([SUPERVISE], { POSTHORN_DATA_DIR: dataDir, PORT: '0' });

    const isServer = (command: string): boolean => /(postgres -D|temporal server|cli\.js (serve|work))/.test(command) && !command.includes('guard.mjs');
    // One more for a moment: a new session of PostgreSQL has the command line of its server until it is known whose it is.
    const four = (what: string, but: readonly number[] = []): Promise<number[]> => until(() => {
      const pids = processesWith(dataDir).flatMap(({ pid, command }) => (isServer(command) ? [pid] : []));
      return pids.length === 4 && !pids.some((pid) => but.includes(pid)) && pids;
    }, { deadlineMs: 30_000, what });
    const servers = await four('four servers');
    for (const pid of servers) process.kill(pid, 'SIGKILL');
    await four('four new ones', servers);
    await until(isReady, { deadlineMs: 30_000, what: 'an API that is ready' });

    expect(await other.end).toBe(1);
    expect(other.output()).toContain(`is in use: process ${first.pid} runs it`);
    pressCtrlC(first);
    expect(await first.end).toBe(0);
  }, 180_000);

  it('says at once that its port is taken', async () => {
    const taken = createServer().listen(Number(new URL(url).port), '127.0.0.1');
    await once(taken, 'listening');
    const refused = start();
    expect(await refused.end).toBe(1);
    taken.close();
    expect(refused.output()).toMatch(/PORT: \d+ is taken/);
    expect(processesWith(dataDir)).toEqual([]);
  });

  it('names every setting that is wrong before it starts anything', async () => {
    const refused = spawnNode([SUPERVISE], { POSTHORN_DATA_DIR: dataDir, PORT: '99999', HEAD_START: 'maybe' });
    expect(await refused.end).toBe(1);
    expect(refused.output()).toMatch(/PORT: .*99999[^]*HEAD_START: .*maybe/);
  });
});
