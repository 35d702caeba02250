/** What a run came to: the table on the terminal, and the file of results. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stageTable } from './breakdown.mjs';
import { rate, verdict } from './figures.mjs';
import { table } from './table.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Of one processor: more than that is taken for other work than the system's own. */
const OTHERS_SHARE = 0.15;

/** Writes both. @returns the exit code: 1 where anything is not as it must be */
export function tell({ limit, stack }, results, { workers, scale, resultsFile }) {
  const limitRow = { name: 'limit', figures: [rate('posts straight at the receiver', limit.perSecond)], faults: limit.faults, details: { p99Ms: limit.p99Ms } };
  const all = results.some(({ name }) => name === 'limit') ? results : [limitRow, ...results];
  const faults = all.flatMap(({ name, faults: some }) => some.map((fault) => `${name}: ${fault}`));
  const machine = { processor: cpus()[0]?.model.trim() ?? 'unknown', processors: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), platform: `${process.platform} ${process.arch}` };
  const versions = { posthorn: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version, commit: commit(), node: process.versions.node, ...stack.versions };
  writeFileSync(resultsFile, `${JSON.stringify({
    measuredAt: new Date().toISOString(), machine, versions, workers, scale, limitPerSecond: limit.perSecond,
    cases: all.map(({ name, figures, faults: some, details, stages = null, othersBusy = null, tookS = null }) =>
      ({ name, figures: figures.map((figure) => kept(figure, limit.perSecond)), faults: some, othersBusyProcessors: othersBusy, tookSeconds: tookS, stages, details })),
  }, null, 2)}\n`);
  process.stdout.write([
    '', table(all, limit.perSecond), '', ...withGap(stageTable(results)),
    `${machine.processor}, ${machine.processors} processors, ${machine.memoryGiB} GiB; Node.js ${versions.node}, PostgreSQL ${versions.postgres}, Temporal ${versions.temporal}; ${workers} worker${workers === 1 ? '' : 's'}`,
    scale === 1 ? null : `SCALED: every case was ${scale} of its size, so the figures say nothing.`,
    othersText(results),
    faults.length === 0 ? 'Every event arrived once at each endpoint, signed and unchanged.' : `FAILED:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    '', '',
  ].filter((line) => line !== null).join('\n'));
  return faults.length === 0 ? 0 : 1;
}

const withGap = (text) => (text === null ? [] : [text, '']);

/** A figure as it is kept. */
const kept = (figure, limitPerSecond) => ({
  figure: figure.figure, value: figure.value, unit: figure.unit, budget: figure.budget ?? null, keepsBudget: verdict(figure),
  ...(figure.isRate && figure.value !== null && { ofLimit: figure.value / limitPerSecond }),
});

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
