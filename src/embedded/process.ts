import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a process of ours says when it is ready: the API also its address, and the root key where it has just made it. */
export interface Ready {
  readonly ready: true;
  readonly url?: string;
  readonly rootKey?: string;
}

/** A process to keep running: `node` with these arguments. */
export interface Kept {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of its end and its next start. */
  readonly progress: (line: string) => void;
}

/** A process that is kept running. */
export interface Keeper {
  /** Of its first start; rejects when it ends before, or is not ready within a minute. */
  readonly ready: Promise<Ready>;
  /** Asks it to end by SIGTERM, and kills it after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

const READY_MS = 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A process that lived for so long was well: the next wait is short again. */
const WELL_AFTER_MS = 60_000;

/**
 * Starts a process in our process group, with a channel over which it says that it is ready, and starts it again whenever it
 * ends: after half a second, doubling to 30 s.
 */
export function keepRunning({ name, args, env, progress }: Kept): Keeper {
  let child: ChildProcess;
  let isStopping = false;
  let waitMs = FIRST_WAIT_MS;
  let timer: NodeJS.Timeout | undefined;

  const start = (): ChildProcess => {
    const since = Date.now();
    const started = spawn(process.execPath, [...args], { env, stdio: ['ignore', 2, 2, 'ipc'] });
    started.once('exit', (code, signal) => again(since, signal ?? `code ${code}`));
    started.on('error', (error) => {
      // It was not started: no exit follows.
      if (started.pid === undefined) again(since, error.message);
    });
    child = started;
    return started;
  };

  const again = (since: number, how: string): void => {
    if (isStopping || !isUp) return;
    if (Date.now() - since > WELL_AFTER_MS) waitMs = FIRST_WAIT_MS;
    progress(`The ${name} ended (${how}): starting it again in ${waitMs / 1000} s`);
    timer = setTimeout(restart, waitMs);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  };

  const restart = (): void => {
    try {
      start();
    } catch (error) {
      // Want of memory, for one, is thrown instead of being told.
      again(Date.now(), error instanceof Error ? error.message : String(error));
    }
  };

  let isUp = false;
  const ready = untilReady(name, start()).then((message) => {
    isUp = true;
    return message;
  });
  return {
    ready,
    async stop(graceMs) {
      isStopping = true;
      clearTimeout(timer);
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const end = once(child, 'exit');
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await end;
      clearTimeout(kill);
    },
    kill() {
      isStopping = true;
      clearTimeout(timer);
      child.kill('SIGKILL');
    },
  };
}

function untilReady(name: string, child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`The ${name} was not ready within ${READY_MS / 1000} s.`)), READY_MS);
    child.on('message', (message) => {
      if (!isReady(message)) return;
      clearTimeout(late);
      resolve(message);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(late);
      reject(new Error(`The ${name} ended (${signal ?? `code ${code}`}) before it was ready.`));
    });
  });
}

const isReady = (message: unknown): message is Ready =>
  typeof message === 'object' && message !== null && 'ready' in message && message.ready === true;
