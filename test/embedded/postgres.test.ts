import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startPostgres } from '../../src/embedded/postgres';
import { processesWith } from '../support/processes';
import { until } from '../support/wait';

describe('The embedded PostgreSQL', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'posthorn-postgres-'));
    await chmod(folder, 0o711);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const ask = async (url: string, text: string): Promise<unknown> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return Object.values((await client.query<Record<string, unknown>>(text)).rows[0] ?? {})[0];
    } finally {
      await client.end();
    }
  };

  it('keeps its data over a restart, wants its password, and writes through to the disk', async () => {
    const first = await startPostgres(folder);
    await ask(first.url, 'create table kept as select 42 as answer');
    const wrong = new URL(first.url);
    wrong.password = 'guessed';
    await expect(ask(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    expect([await ask(first.url, 'show fsync'), await ask(first.url, 'show synchronous_commit')]).toEqual(['on', 'on']);
    expect(await ask(first.url, 'show listen_addresses')).toBe('127.0.0.1');
    await first.server.stop();

    const second = await startPostgres(folder);
    expect(await ask(second.url, 'select answer from kept')).toBe(42);
    await second.server.stop();
    expect((await stat(join(folder, 'postgres.password'))).mode & 0o077).toBe(0);
  });

  it('ends the server that an earlier start has left behind, after it has waited for its end', async () => {
    const first = await startPostgres(folder);
    await ask(first.url, 'create table kept as select 42 as answer');
    const pid = Number((await readFile(join(folder, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    // Without its guard nobody ends it.
    const guard = processesWith(folder).find(({ command }) => command.includes('guard.mjs'));
    process.kill(guard?.pid ?? NaN, 'SIGKILL');
    await first.server.end;
    expect(processesWith(folder).map((left) => left.pid)).toContain(pid);

    const lines: string[] = [];
    const second = await startPostgres(folder, { progress: (line) => lines.push(line) });
    expect(lines).toEqual(['The PostgreSQL of an earlier start is still alive: waiting for its end']);
    expect(processesWith(folder).map((left) => left.pid)).not.toContain(pid);
    expect(await ask(second.url, 'select answer from kept')).toBe(42);
    await second.server.stop();
    await until(() => processesWith(folder).length === 0, { what: 'the end of all its processes' });
  });

  it('says what the server said where it can not start', async () => {
    await expect(startPostgres(folder, { settings: { max_connections: 'many' } })).rejects.toThrow(/did not start \(it ended\)[^]*max_connections/);
  });
});
