/** Runs the cases one after another on one stack, and tells what came of them. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lookAtStages, stagesBetween } from './breakdown.mjs';
import { openChild } from './child.mjs';
import { postStraight, publish } from './measure.mjs';
import { watchOthers } from './proc.mjs';
import { openProfiling } from './profiling.mjs';
import { tell } from './report.mjs';
import { helpText, readSettings, UsageError } from './settings.mjs';
import { listen } from './signals.mjs';
import { startStack } from './stack.mjs';
import { openWorkspace } from './workspace.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const say = (line) => process.stderr.write(`${line}\n`);

/** Until the code is compiled for good and the pools are open. */
const WARM_UP_EVENTS = 20_000;
const LIMIT_POSTS = 20_000;

/** @returns the exit code: 0 all that was published arrived once and rightly signed, 1 not so, 2 not understood, 130 stopped */
export async function main(argv) {
  const known = await readCases();
  if (argv.includes('--help')) {
    say(helpText(known));
    return 0;
  }
  try {
    return await runAll(readSettings(argv, known));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(error.message);
    return 2;
  }
}

/** Each file of `cases/` is one: it is added by adding it. */
async function readCases() {
  const files = readdirSync(join(here, 'cases')).filter((name) => name.endsWith('.mjs'));
  const cases = await Promise.all(files.map(async (name) => (await import(`./cases/${name}`)).benchCase));
  return cases.sort((a, b) => a.order - b.order);
}

async function runAll(settings) {
  const stops = [];
  const signals = listen(say);
  const profiling = settings.isProfiled ? openProfiling(settings) : null;
  let bench;
  try {
    bench = await open({ ...settings, ...profiling?.stackOptions }, (stop) => stops.push(stop), signals.check);
    const results = await Promise.race([measureAll(bench, settings, profiling), signals.asked]);
    const code = tell(bench, results, settings);
    // The processes write their profiles when they end.
    if (profiling) stops.unshift(await profiling.summary(bench));
    return code;
  } catch (error) {
    if (signals.isAsked()) return 130;
    say(error.stack);
    if (bench) say(`The last words of the service:\n${await bench.stack.lastWords()}`);
    return 1;
  } finally {
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop().catch((error) => say(error.message));
  }
}

/** @param {() => void} check throws when the bench is to stop: asked between steps, so that each step's undoing is known */
async function open({ workers, scale, nodeOptions, postgresSettings }, onStop, check) {
  const generator = await openChild('generator-process.mjs');
  onStop(generator.close);
  const receiver = await openChild('receiver-process.mjs');
  onStop(receiver.close);
  const receiverUrl = `http://127.0.0.1:${await receiver.call('listen')}`;
  const ownPids = [generator.pid, receiver.pid];
  const stack = await startStack({ workers, ownPids, waitsForIdle: scale === 1, nodeOptions, postgresSettings, progress: say, onStop, check });
  let number = 0;
  return {
    generator, receiver, receiverUrl, ownPids, stack, onStop, check, progress: say,
    /** Cases that need another's figures find them here, by name. */
    results: new Map(),
    nextNumber: () => (number += 1),
    /** A case's size as it is to be in this run. */
    scaled: (size) => Math.max(1, Math.round(size * scale)),
  };
}

async function measureAll(bench, { cases }, profiling) {
  say('Warming up');
  await postStraight(bench, { count: bench.scaled(LIMIT_POSTS / 2) });
  await publish(bench, { workspace: await openWorkspace(bench), count: bench.scaled(WARM_UP_EVENTS) });
  await bench.stack.settle();
  bench.limit = await postStraight(bench, { count: bench.scaled(LIMIT_POSTS) });
  await profiling?.begin(bench);
  const done = [];
  for (const { name, run } of cases) {
    say(`Measuring ${name}`);
    const before = await lookAtStages(bench.stack);
    const others = await watchOthers();
    const startedAt = performance.now();
    const { figures, faults, details = {} } = await run(bench);
    const result = {
      name, figures, faults, details, othersBusy: await others.stop(), tookS: (performance.now() - startedAt) / 1_000,
      stages: stagesBetween(before, await lookAtStages(bench.stack)),
    };
    faults.forEach((fault) => say(`  ${name}: ${fault}`));
    bench.results.set(name, result);
    done.push(result);
    await bench.stack.settle();
  }
  return done;
}
