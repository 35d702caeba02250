import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './leftover';

/** How long a start waits for an earlier one that is stopping, in ms. */
const PATIENCE_MS = 10_000;

/**
 * Makes this process the one that runs a data dir, until `release`.
 * @throws where another one runs it and does not end within ten seconds.
 */
export async function claimDataDir(dataDir: string, progress: (line: string) => void): Promise<{ release(): Promise<void> }> {
  const path = join(dataDir, 'supervisor.pid');
  const deadline = Date.now() + PATIENCE_MS;
  for (let waits = 0; ; waits++) {
    const [pid = '', mark = ''] = (await readFile(path, 'utf8').catch(() => '')).split('\n');
    if (!pid || Number(pid) === process.pid || !(await isAlive(Number(pid), mark))) break;
    if (Date.now() > deadline) throw new Error(`${dataDir} is in use: process ${pid} runs it. Stop that one, or set POSTHORN_DATA_DIR to another folder.`);
    if (waits === 0) progress(`Process ${pid} runs ${dataDir}: waiting for its end`);
    await delay(100);
  }
  await writeFile(path, `${process.pid}\n${process.argv[1] ?? ''}\n`, { mode: 0o600 });
  return { release: () => rm(path, { force: true }) };
}
