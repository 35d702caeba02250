import { main } from '../../src/cli';

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** What a command is given besides its arguments. */
export interface Given {
  readonly stdin?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

/** A command line that runs until it is stopped. */
export interface Started {
  readonly ended: Promise<Ran>;
  readonly out: readonly string[];
  readonly err: readonly string[];
  /** What it told whoever started it, once it was ready; rejects where it ended before that. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  stop(): void;
}

/** Runs a command line in this process; one that would go on is stopped once it is ready. */
export async function run(argv: readonly string[], given: Given = {}): Promise<Ran> {
  const started = start(argv, given);
  started.stop();
  return started.ended;
}

/** Starts a command line in this process. */
export function start(argv: readonly string[], { stdin = '', env = {} }: Given = {}): Started {
  const [out, err]: [string[], string[]] = [[], []];
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => { stop = resolve; });
  let ended: Promise<Ran> = Promise.reject(new Error('not started'));
  ended.catch(() => undefined);
  const ready = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    ended = main(argv, {
      env,
      stdin: (async function* () { yield Buffer.from(stdin); })(),
      out: (line) => void out.push(line),
      err: (line) => void err.push(line),
      untilStopped: () => stopped,
      isSupervised: false,
      ready: resolve,
    }).then((code) => {
      reject(new Error(`it ended with ${code}: ${err.join('\n')}`));
      return { code, out, err };
    });
  });
  ready.catch(() => undefined);
  return { ended, out, err, ready, stop };
}
