/** The processes of the service under measurement: the API and the workers, as `npm start` runs them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const CLI = join(root, 'dist', 'src', 'cli.js');

const READY_MS = 60_000;
const STOP_MS = 45_000;
const LAST_LINES = 15;
const LONGEST_LINE = 300;

/**
 * Starts the workers, then the API. A process that ends by itself makes what waits for it fail, and is not started again.
 * @param {{ folder: string, env: Record<string, string>, workers: number, nodeOptions: (command: 'serve' | 'work') => string[], onStop: (stop: () => Promise<unknown>) => void }} options
 */
export async function startService({ folder, env, workers, nodeOptions, onStop }) {
  // As the supervisor and the image start them; built by now.
  const { NODE_FLAGS } = require('../../dist/src/node-flags.js');
  const log = join(folder, 'service.log');
  /** Every process that lives, also one that is still starting, so that none outlives the run. */
  const alive = { serve: new Set(), work: new Set() };
  const metricsPorts = new Map();
  const endAll = (command, signal) => Promise.all([...alive[command]].map((child) => end(child, signal)));
  let isStopping = false;
  onStop(async () => {
    // A case that is under way may want to start a process again.
    isStopping = true;
    await endAll('work', 'SIGTERM');
    await endAll('serve', 'SIGTERM');
  });

  const start = async (command, own = {}) => {
    const metricsPort = await require('../../dist/src/embedded/ports.js').freePort();
    if (isStopping) throw new Error('Stopped');
    const metrics = { [command === 'work' ? 'WORKER_METRICS_PORT' : 'METRICS_PORT']: String(metricsPort), METRICS_HOST: '127.0.0.1' };
    const child = spawn(process.execPath, [...NODE_FLAGS, ...nodeOptions(command), CLI, command], { cwd: folder, env: { ...env, ...metrics, ...own }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    alive[command].add(child);
    metricsPorts.set(child, metricsPort);
    child.once('exit', () => alive[command].delete(child));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => appendFileSync(log, chunk));
    try {
      return await untilReady(child, command);
    } catch (error) {
      await end(child, 'SIGTERM');
      throw new Error(`${error.message}\n${await lastWords()}`);
    }
  };
  const startWorkers = (own) => Promise.all(Array.from({ length: workers }, () => start('work', own)));
  const lastWords = async () =>
    (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-LAST_LINES).map((line) => line.slice(0, LONGEST_LINE)).join('\n').replaceAll(folder, '(data)').replaceAll(root, '.');

  await startWorkers();
  const { url } = await start('serve');
  const startPart = (command) => (command === 'work' ? startWorkers() : start('serve', { PORT: new URL(url).port }));
  return {
    url,
    /** Ends all workers in good order and starts as many with other settings, or as they were. */
    async restartWorkers(own) {
      await endAll('work', 'SIGTERM');
      await startWorkers(own);
    },
    /** SIGKILL: the API, or all workers. */
    crash: (command) => endAll(command, 'SIGKILL'),
    /** Starts what was crashed; fulfilled when it is ready. The API is where it was. */
    startAgain: startPart,
    /** What each process tells Prometheus, by its pid. */
    metrics: async () => new Map(await Promise.all([...alive.serve, ...alive.work].map(async (child) =>
      [child.pid, await (await fetch(`http://127.0.0.1:${metricsPorts.get(child)}/metrics`)).text()]))),
    /** What the service has written last; for the message of a run that failed. */
    lastWords,
  };
}

/** Sends a signal, waits for the end, and kills what does not obey. */
async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(kill);
}

function untilReady(child, command) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`"${command}" was not ready within ${READY_MS / 1_000} s`)), READY_MS);
    child.on('message', (message) => {
      clearTimeout(late);
      resolve(message);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(late);
      reject(new Error(`"${command}" ended (${signal ?? `code ${code}`}) before it was ready`));
    });
  });
}
