/** Runs the cases one after another on one stack, and tells what came of them. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { breakdownFigures, readBreakdown } from './breakdown.mjs';
import { openChild } from './child.mjs';
import { rate } from './figures.mjs';
import { openWorkspace, postStraight, publish } from './measure.mjs';
import { watchOthers } from './proc.mjs';
import { kept, table } from './report.mjs';
import { startStack } from './stack.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const say = (line) => process.stderr.write(`${line}\n`);

/** Until the code is compiled for good and the pools are open. */
const WARM_UP_EVENTS = 3_000;
const LIMIT_POSTS = 20_000;
/** Of one processor: more than that is taken for other work than the system's own. */
const OTHERS_SHARE = 0.15;
const ONE_SIGNAL_MS = 2_000;

/** @returns the exit code: 0 all that was published arrived once and rightly signed, 1 not so, 2 not understood, 130 stopped */
export async function main(argv) {
  const known = await readCases();
  if (argv.includes('--help')) {
    say(`npm run bench [-- case...]\n\n${known.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}\n\nWithout a name: all. BENCH_WORKERS=2 measures with two workers.`);
    return 0;
  }
  const unknown = argv.filter((name) => !known.some((one) => one.name === name));
  const workers = Number(process.env.BENCH_WORKERS || 1);
  if (unknown.length > 0 || !Number.isInteger(workers) || workers < 1 || workers > 16) {
    say(unknown.length > 0 ? `There is no case ${unknown.join(', ')}; there are ${known.map(({ name }) => name).join(', ')}`
      : `BENCH_WORKERS must be a whole number from 1 to 16 (seen: ${JSON.stringify(process.env.BENCH_WORKERS)})`);
    return 2;
  }
  return runAll(known.filter(({ name }) => argv.length === 0 || argv.includes(name)), workers);
}

/** Each file of `cases/` is one: it is added by adding it. */
async function readCases() {
  const files = readdirSync(join(here, 'cases')).filter((name) => name.endsWith('.mjs'));
  const cases = await Promise.all(files.map(async (name) => (await import(`./cases/${name}`)).benchCase));
  return cases.sort((a, b) => a.order - b.order);
}

async function runAll(cases, workers) {
  const stops = [];
  const signals = listen();
  const opening = open(workers, (stop) => stops.push(stop), signals.check);
  let bench;
  try {
    bench = await opening;
    return tell(bench, await Promise.race([measureAll(bench, cases), signals.asked]), workers);
  } catch (error) {
    if (signals.isAsked()) return 130;
    say(error.stack);
    if (bench) say(`The last words of the service:\n${await bench.stack.lastWords()}`);
    return 1;
  } finally {
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop().catch((error) => say(error.message));
  }
}

/** The wish to stop: `asked` rejects at the first signal, and so does `check` from then on. A later signal ends the bench at once. */
function listen() {
  let since = null;
  let reject;
  const asked = new Promise((_, no) => {
    reject = no;
  });
  asked.catch(() => undefined);
  const stopped = () => new Error('Stopped');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // npm repeats the terminal's SIGINT: those within this time are one.
      if (since !== null && performance.now() - since > ONE_SIGNAL_MS) process.exit(130);
      if (since === null) say('Stopping');
      since ??= performance.now();
      reject(stopped());
    });
  }
  return {
    asked,
    isAsked: () => since !== null,
    check() {
      if (since !== null) throw stopped();
    },
  };
}

/** @param {() => void} check throws when the bench is to stop: asked between steps, so that each step's undoing is known */
async function open(workers, onStop, check) {
  const generator = await openChild('generator-process.mjs');
  onStop(generator.close);
  const receiver = await openChild('receiver-process.mjs');
  onStop(receiver.close);
  const receiverUrl = `http://127.0.0.1:${await receiver.call('listen')}`;
  const ownPids = [generator.pid, receiver.pid];
  const stack = await startStack({ workers, ownPids, progress: say, onStop, check });
  let number = 0;
  // Cases that need another's figures find them in `results`, by name.
  return { generator, receiver, receiverUrl, ownPids, stack, workers, results: new Map(), nextNumber: () => (number += 1) };
}

async function measureAll(bench, cases) {
  say('Warming up');
  await postStraight(bench, { count: LIMIT_POSTS / 2 });
  await publish(bench, { workspace: await openWorkspace(bench), count: WARM_UP_EVENTS });
  await bench.stack.settle();
  bench.limit = await postStraight(bench, { count: LIMIT_POSTS });
  const done = [];
  for (const { name, run } of cases) {
    say(`Measuring ${name}`);
    const before = await readBreakdown(bench.stack);
    const others = await watchOthers();
    const { figures, faults, deliveries = 0, details = {} } = await run(bench);
    const result = {
      name, figures: [...figures, ...breakdownFigures(before, await readBreakdown(bench.stack), deliveries)], faults, details,
      othersBusy: await others.stop(),
    };
    faults.forEach((fault) => say(`  ${name}: ${fault}`));
    bench.results.set(name, result);
    done.push(result);
    await bench.stack.settle();
  }
  return done;
}

function tell(bench, results, workers) {
  const { limit, stack } = bench;
  const limitRow = { name: 'limit', figures: [rate('posts straight at the receiver', limit.perSecond)], faults: limit.faults, details: { p99Ms: limit.p99Ms } };
  const all = results.some(({ name }) => name === 'limit') ? results : [limitRow, ...results];
  const faults = all.flatMap(({ name, faults: some }) => some.map((fault) => `${name}: ${fault}`));
  const machine = { processor: cpus()[0]?.model.trim() ?? 'unknown', processors: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), platform: `${process.platform} ${process.arch}` };
  const versions = { posthorn: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version, commit: commit(), node: process.versions.node, ...stack.versions };
  writeFileSync(join(root, 'bench-results.json'), `${JSON.stringify({
    measuredAt: new Date().toISOString(), machine, versions, workers, limitPerSecond: limit.perSecond,
    cases: all.map(({ name, figures, faults: some, details, othersBusy = null }) =>
      ({ name, figures: figures.map((figure) => kept(figure, limit.perSecond)), faults: some, othersBusyProcessors: othersBusy, details })),
  }, null, 2)}\n`);
  process.stdout.write([
    '', table(all, limit.perSecond), '',
    `${machine.processor}, ${machine.processors} processors, ${machine.memoryGiB} GiB; Node.js ${versions.node}, PostgreSQL ${versions.postgres}, Temporal ${versions.temporal}; ${workers} worker${workers === 1 ? '' : 's'}`,
    othersText(results),
    faults.length === 0 ? 'Every event arrived once at each endpoint, signed and unchanged.' : `FAILED:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    '', '',
  ].filter((line) => line !== null).join('\n'));
  return faults.length === 0 ? 0 : 1;
}

/** A warning where something else was at work; null where not, or where that is not known. */
function othersText(results) {
  const most = Math.max(...results.map(({ othersBusy }) => othersBusy ?? 0));
  return most < OTHERS_SHARE ? null : `NOT QUIET: others kept up to ${most.toFixed(1)} processors busy meanwhile, so the figures say little.`;
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
  } catch {
    return null;
  }
}
