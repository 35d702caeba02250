import { faultsInRecords } from '../check.mjs';
import { ms, rate } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { cpuSeconds, watchMemory } from '../proc.mjs';
import { openWorkspace } from '../workspace.mjs';

const EVENTS = 10_000;

export const benchCase = {
  name: 'burst',
  order: 10,
  summary: '10,000 events, one a request, by 32 connections, to 1 endpoint',
  async run(bench) {
    const workspace = await openWorkspace(bench);
    const count = bench.scaled(EVENTS);
    const cpuBefore = await cpuSeconds(bench.ownPids);
    const memory = watchMemory(bench.ownPids);
    const measured = await publish(bench, { workspace, count });
    const cpuAtArrival = await cpuSeconds(bench.ownPids);
    const faults = [...measured.faults, ...(await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: count }))];
    // Until all is recorded and every workflow has ended: nothing of the burst is left out.
    const cpuAfter = await cpuSeconds(bench.ownPids);
    const peakMiB = await memory.stop();
    const { rows: [{ workflows }] } = await bench.stack.db.query('select count(distinct run_id)::int as workflows from plans where workspace_id = $1', [workspace.id]);
    return {
      figures: [
        rate('acknowledged', measured.ackedPerSecond, 2_500), ms('ack p50', measured.ackP50Ms), ms('ack p99', measured.ackP99Ms, 40),
        rate('delivered', measured.deliveredPerSecond, 2_400), ms('publish to arrival p50', measured.latencyP50Ms), ms('publish to arrival p99', measured.latencyP99Ms),
      ],
      faults,
      details: { deliveredPerSecond: measured.deliveredPerSecond, workflows, cost: costOf({ cpuBefore, cpuAtArrival, cpuAfter, peakMiB, count }) },
    };
  },
};

/** CPU seconds per 1,000 deliveries by part, and the peaks of memory; null where there is no /proc. */
function costOf({ cpuBefore, cpuAtArrival, cpuAfter, peakMiB, count }) {
  if (cpuBefore === null) return null;
  const spent = (after) => Object.fromEntries(Object.keys(after).map((part) => [part, (after[part] - cpuBefore[part]) / (count / 1_000)]));
  return { untilDone: spent(cpuAfter), untilLastArrival: spent(cpuAtArrival), peakMiB };
}
