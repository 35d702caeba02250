/**
 * Processes of the bench that answer calls: the generator and the receiver. Each has a core's worth of work of its own, which
 * must not be done on the event loop that times the other's.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Starts a process that answers calls.
 * @param {string} file beside this one
 * @returns {Promise<{ call(name: string, input?: unknown): Promise<any>, close(): Promise<void>, pid: number }>}
 */
export async function openChild(file) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { serialization: 'advanced', execArgv: [], stdio: ['ignore', 2, 2, 'ipc'] });
  const open = new Map();
  let last = 0;
  child.on('message', ({ call, value, error }) => {
    const { resolve, reject } = open.get(call);
    open.delete(call);
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of open.values()) reject(new Error(`${file} ended (${signal ?? `code ${code}`})`));
    open.clear();
  });
  await once(child, 'spawn');
  return {
    pid: child.pid,
    call: (name, input) => new Promise((resolve, reject) => {
      last += 1;
      open.set(last, { resolve, reject });
      child.send({ call: last, name, input });
    }),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const end = once(child, 'exit');
      child.disconnect();
      await end;
    },
  };
}

/**
 * In such a process: answers calls until its parent is gone.
 * @param {Record<string, (input: any) => unknown>} handlers
 */
export function answerCalls(handlers) {
  process.on('message', ({ call, name, input }) => {
    Promise.resolve().then(() => handlers[name](input)).then(
      (value) => process.send({ call, value }),
      (error) => process.send({ call, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  // The terminal's Ctrl-C is for the bench, which ends its processes in order.
  process.on('SIGINT', () => undefined);
}
