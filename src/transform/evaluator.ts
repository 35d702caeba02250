import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** What a child is asked: without input it only reads the expression. */
export interface Question {
  readonly expression: string;
  readonly input?: string;
}

/** What came of it. `killed`: it took longer than it may, or more memory, and the process is gone. */
export type Evaluation =
  | { readonly output: string }
  | { readonly fault: { readonly message: string; readonly position: number | null } }
  | { readonly killed: 'time' | 'memory' };

/** A process that evaluates one expression at a time. Made again after it had to be killed. */
export interface Evaluator {
  evaluate(question: Question): Promise<Evaluation>;
  close(): void;
}

/** Longest evaluation, from when the process has it. */
export const DEADLINE_MS = 250;
/** After it what has arrived is read: where this process stood still, the answer has waited, and a timer comes before it. */
const READ_MS = 20;
/** Longest start of a process. With what is waited for it, and the evaluation, it must fit into what a lease has beyond its timeout. */
const START_MS = 2_500;

/**
 * Bounds of memory in MiB, of the stack in KiB. A thread with such bounds would not do: one allocation beyond them, such as
 * `[1..10000000]`, ends the whole process and not the thread (Node 20 to 24). Files can be read, for its own modules; nothing
 * can be written or started.
 */
const FLAGS: readonly string[] = [
  '--max-old-space-size=64', '--max-semi-space-size=2', '--stack-size=900', '--disallow-code-generation-from-strings', '--disable-proto=delete',
  process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission', '--allow-fs-read=*', '--no-warnings',
];

type Message = 'ready' | { readonly id: number; readonly output: string } | { readonly id: number; readonly fault: { readonly message: string; readonly position: number | null } };

/** An evaluator; its process is started at the first question and does not keep this one alive. */
export function createEvaluator(): Evaluator {
  let child: Promise<ChildProcess> | null = null;
  let lastId = 0;

  function start(): Promise<ChildProcess> {
    const started = fork(join(__dirname, 'child.mjs'), [], { env: {}, execArgv: [...FLAGS], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    started.unref();
    started.channel?.unref();
    // A message to one that has just ended is lost; its end is heard of.
    started.on('error', () => undefined);
    const forget = (): void => {
      child = null;
    };
    started.once('exit', forget);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        started.kill('SIGKILL');
        reject(new Error('The process that evaluates expressions does not start'));
      }, START_MS);
      started.once('exit', () => {
        clearTimeout(timer);
        reject(new Error('The process that evaluates expressions ended before it had begun'));
      });
      started.once('message', () => {
        clearTimeout(timer);
        resolve(started);
      });
    });
  }

  return {
    async evaluate(question) {
      child ??= start();
      const running = await child.catch((error: unknown) => {
        child = null;
        throw error;
      });
      return ask(running, ++lastId, question);
    },
    close() {
      void child?.then((running) => running.kill('SIGKILL'), () => undefined);
      child = null;
    },
  };
}

function ask(child: ChildProcess, id: number, question: Question): Promise<Evaluation> {
  return new Promise((resolve) => {
    let isLate = false;
    const kill = (): void => {
      isLate = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(() => {
      timer = setTimeout(kill, READ_MS);
    }, DEADLINE_MS);
    const onMessage = (message: Message): void => {
      if (message === 'ready' || message.id !== id) return;
      settle('output' in message ? { output: message.output } : { fault: message.fault });
    };
    const onExit = (): void => settle({ killed: isLate ? 'time' : 'memory' });
    function settle(evaluation: Evaluation): void {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(evaluation);
    }
    child.on('message', onMessage);
    child.once('exit', onExit);
    if (child.exitCode !== null || child.signalCode !== null) onExit();
    else child.send({ id, ...question });
  });
}
