import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A server to run under a guard. */
export interface GuardedServer {
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output and error are appended to it. */
  readonly logFile: string;
  /** Asks the server to end. */
  readonly stopSignal: NodeJS.Signals;
  /** Until it is killed, in ms, counted from the stop signal. */
  readonly graceMs: number;
  /** Where its id is written while it runs. */
  readonly pidFile?: string;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
}

/** A server that runs. */
export interface Guarded {
  /** Whether it has ended, asked or unasked. */
  readonly ended: () => boolean;
  /** Fulfilled when it has ended; never rejected. */
  readonly end: Promise<void>;
  /** Ends it in good order; fulfilled when it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts a server in a process group of its own, under a guard (see guard.mjs) that ends it when this process is gone,
 * even if this process is killed.
 */
export async function startGuarded(server: GuardedServer): Promise<Guarded> {
  const { logFile, ...task } = server;
  const log = await open(logFile, 'a', 0o600);
  const guard = spawn(process.execPath, [join(__dirname, 'guard.mjs'), JSON.stringify(task)], {
    detached: true,
    stdio: ['pipe', log.fd, log.fd],
  });
  await once(guard, 'spawn');
  await log.close();
  // A pipe to a guard that has just ended breaks; its end is heard of below.
  guard.stdin?.on('error', () => undefined);
  let ended = false;
  const end = once(guard, 'exit').then(() => {
    ended = true;
  });
  return {
    ended: () => ended,
    end,
    async stop() {
      guard.stdin?.end();
      await end;
    },
  };
}

/** The last lines of a log, for the message of a server that did not start; empty where there is none. */
export async function logTail(logFile: string, lines = 12): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
