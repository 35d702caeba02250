import { openChild } from '../child.mjs';
import { ms, rate } from '../figures.mjs';
import { cpuSeconds } from '../proc.mjs';

const WORKFLOWS = 500;
const WARM_UP = 50;
const PATIENCE_MS = 120_000;
const KINDS = [
  { name: 'empty: start and completion', type: 'empty', isEager: false },
  { name: 'eager start, one local activity', type: 'oneActivity', isEager: true },
];

/** What Temporal itself does at most, with a worker that does nothing: the limit of every workflow of the service. */
export const benchCase = {
  name: 'temporal',
  order: 59,
  summary: "Temporal's own rate: 500 workflows that do nothing, and 500 with an eager start and one local activity",
  async run(bench) {
    const child = await openChild('temporal-process.mjs');
    bench.onStop(child.close);
    try {
      await child.call('open', bench.stack.temporal);
      const figures = [];
      const faults = [];
      const details = {};
      for (const { name, ...kind } of KINDS) {
        await child.call('measure', { ...kind, count: WARM_UP, withinMs: PATIENCE_MS });
        const count = bench.scaled(WORKFLOWS);
        const before = await cpuSeconds(bench.ownPids);
        const { completed, tookMs, cpuS } = await child.call('measure', { ...kind, count, withinMs: PATIENCE_MS });
        const after = await cpuSeconds(bench.ownPids);
        const perSecond = completed / (tookMs / 1_000);
        const cpu = { worker: (cpuS * 1_000) / count, temporal: before && bench.stack.isWhole ? ((after.temporal - before.temporal) * 1_000) / count : null };
        figures.push(rate(name, perSecond), ms('CPU of a workflow: worker', cpu.worker), ms('CPU of a workflow: Temporal', cpu.temporal));
        if (completed !== count) faults.push(`of ${count} workflows (${kind.type}) ${completed} were completed within ${PATIENCE_MS / 1_000} s`);
        details[kind.type] = { perSecond, cpuMs: cpu };
      }
      await child.call('close');
      return { figures, faults, details };
    } finally {
      await child.close();
    }
  },
};
