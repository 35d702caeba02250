import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether a process lives and its command line contains `mark`: ids are used again, so the id alone says nothing. */
export async function isAlive(pid: number, mark: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await commandLine(pid)).includes(mark);
}

/**
 * Sees to it that a process of an earlier start is gone: waits `patienceMs` for it to end by itself, since its guard may
 * be ending it, then asks it, and at last kills it.
 * @returns whether it had to be asked.
 */
export async function endLeftover(pid: number, mark: string, signal: NodeJS.Signals, patienceMs = 10_000): Promise<boolean> {
  if (await isGone(pid, mark, patienceMs)) return false;
  process.kill(pid, signal);
  if (await isGone(pid, mark, 10_000)) return true;
  process.kill(pid, 'SIGKILL');
  if (!(await isGone(pid, mark, 5_000))) throw new Error(`Process ${pid} (${mark}) of an earlier start can not be ended: end it and start again.`);
  return true;
}

async function isGone(pid: number, mark: string, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (await isAlive(pid, mark)) {
    if (Date.now() > deadline) return false;
    await delay(50);
  }
  return true;
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').then((text) => text.replaceAll('\0', ' '), () => '');
  return run('ps', ['-o', 'command=', '-p', String(pid)]).then(({ stdout }) => stdout, () => '');
}
