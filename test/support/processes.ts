import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './wait';

const ROOT = join(__dirname, '..', '..');
/** The built command line; `npm test` builds before it runs the tests. */
export const CLI = join(ROOT, 'dist', 'src', 'cli.js');

/** A process of a test. */
export interface Spawned {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it has written so far, to both streams. */
  output(): string;
  /** Its first message that says that it is ready. */
  readonly ready: Promise<{ readonly ready: true; readonly url?: string; readonly rootKey?: string }>;
  /** Fulfilled at its end: its exit code, or the signal that ended it. */
  readonly end: Promise<number | NodeJS.Signals>;
  /** Sends a signal, by its id, to it alone. */
  signal(signal: NodeJS.Signals): void;
  /** Kills it, if it lives, and waits for its end. */
  kill(): Promise<void>;
}

const started = new Set<Spawned>();

/** Runs `node dist/src/cli.js …` with these settings and nothing else of ours in its environment. */
export const spawnCli = (args: readonly string[], settings: Readonly<Record<string, string>> = {}, openFiles?: number): Spawned =>
  spawnNode([CLI, ...args], settings, false, openFiles);

/**
 * Runs `node …`; with `ownGroup` as the leader of a process group, to which a terminal's Ctrl-C can be imitated; with `openFiles`
 * it may have no more files and sockets open than that.
 */
export function spawnNode(args: readonly string[], settings: Readonly<Record<string, string>> = {}, ownGroup = false, openFiles?: number): Spawned {
  if (!existsSync(CLI)) throw new Error('dist/ is missing: run npm run build, or npm test -- <file>');
  const limit = openFiles === undefined ? [] : ['-c', `ulimit -n ${openFiles} && exec "$@"`, 'sh', process.execPath];
  const child = spawn(limit.length > 0 ? 'sh' : process.execPath, [...limit, ...args], {
    cwd: ROOT,
    detached: ownGroup,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'], NODE_ENV: 'test', ...settings },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const end = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const ready = new Promise<Awaited<Spawned['ready']>>((resolve, reject) => {
    child.on('message', (message) => {
      if (typeof message === 'object' && message !== null && 'ready' in message) resolve(message as Awaited<Spawned['ready']>);
    });
    void end.then((how) => reject(new Error(`${args.join(' ')} ended (${how}) before it was ready:\n${output}`)));
  });
  // Whoever does not wait for it learns of its end otherwise.
  ready.catch(() => undefined);
  const spawned: Spawned = {
    pid: child.pid ?? -1,
    child,
    output: () => output,
    ready,
    end,
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await end;
    },
  };
  started.add(spawned);
  void end.then(() => started.delete(spawned));
  return spawned;
}

/** Kills what this test file has spawned and not ended; for `afterEach`. */
export async function killAll(): Promise<void> {
  await Promise.all([...started].map((spawned) => spawned.kill()));
}

/** The processes whose command line or environment names `mark` (a folder of this test, say); Linux only, else none. */
export function processesWith(mark: string): { readonly pid: number; readonly command: string }[] {
  const ids = existsSync('/proc') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid) : [];
  return ids.flatMap((id) => {
    const command = read(`/proc/${id}/cmdline`);
    // A process that ended and was not waited for yet has no command line.
    return command !== '' && (command.includes(mark) || read(`/proc/${id}/environ`).includes(mark)) ? [{ pid: Number(id), command }] : [];
  });
}

/** Waits until no process names `mark` any more. */
export async function untilGone(mark: string, deadlineMs = 20_000): Promise<void> {
  await until(() => processesWith(mark).length === 0, { deadlineMs, what: `the end of all processes of ${mark}` }).catch((error: unknown) => {
    throw new Error(`still alive: ${processesWith(mark).map(({ pid, command }) => `${pid} ${command}`).join('; ')}`, { cause: error });
  });
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
};
