/**
 * A Temporal server on PostgreSQL, as docker-compose.yml runs it, without Docker: for the bench and the e2e suite, whose usual
 * Temporal is the dev server on SQLite.
 *
 *   node test/bench/temporal-server.mjs --shards 512 -- npm run bench -- burst
 *   node test/bench/temporal-server.mjs --shards 4 -- npx jest test/e2e --runInBand
 *   node test/bench/temporal-server.mjs                  prints what to set in another terminal, and runs until Ctrl-C
 *
 * The command finds TEMPORAL_ADDRESS and DATABASE_URL set. Ports are free ones; all data is gone at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare } from '../../src/prepare.mjs';
import { findTemporalServer } from './temporal-server-build.mjs';
import { startTemporalServer } from './temporal-server-start.mjs';

const say = (line) => process.stderr.write(`${line}\n`);
const MOST_SHARDS = 16_384;

/** @returns {{ shards: number, command: string[] }} @throws what was not understood */
function readArguments(argv) {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const { values } = parseArgs({ args: argv.slice(0, end), options: { shards: { type: 'string', default: '128' } } });
  const shards = Number(values.shards);
  if (!Number.isInteger(shards) || shards < 1 || shards > MOST_SHARDS) {
    throw new Error(`--shards must be a whole number from 1 to ${MOST_SHARDS} (seen: ${JSON.stringify(values.shards)})`);
  }
  return { shards, command: argv.slice(end + 1) };
}

async function main() {
  const { shards, command } = readArguments(process.argv.slice(2));
  prepare(say);
  const asked = new Promise((resolve) => ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => process.on(signal, () => resolve(signal))));
  const server = await findTemporalServer(say);
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-temporal-server-'));
  // PostgreSQL may run as another user, who must reach its folder.
  await chmod(folder, 0o711);
  const stops = [() => rm(folder, { recursive: true, force: true })];
  try {
    const { address, databaseUrl } = await startTemporalServer({ folder, shards, server, say, onStop: (stop) => stops.push(stop) });
    say(`Temporal on PostgreSQL with ${shards} shards: ${address}`);
    // Of this process too: what is below it belongs to the service under measurement.
    const settings = { TEMPORAL_ADDRESS: address, DATABASE_URL: databaseUrl, BENCH_SERVERS_PID: String(process.pid) };
    if (command.length > 0) return await run(command, settings, asked);
    process.stdout.write(Object.entries(settings).map(([name, value]) => `export ${name}='${value}'\n`).join(''));
    await asked;
    return 0;
  } finally {
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop().catch((error) => say(error.message));
  }
}

/** Runs the command to its end, and passes on the wish to stop. @returns its exit code */
async function run([file, ...args], settings, asked) {
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...settings } });
  // The terminal's Ctrl-C has reached it too, and npm repeats it: it ends by itself.
  void asked.then((signal) => signal !== 'SIGINT' && child.kill(signal));
  const [code, signal] = await once(child, 'exit');
  return code ?? 128 + constants.signals[signal];
}

process.exitCode = await main().catch((error) => {
  say(error.message);
  return 1;
});
