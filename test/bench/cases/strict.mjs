import { faultsInRecords } from '../check.mjs';
import { nowMs, pause } from '../clock.mjs';
import { rate, times } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { openWorkspace } from '../workspace.mjs';
import { benchCase as temporal } from './temporal.mjs';

const EVENTS = 1_000;
const PATIENCE_MS = 120_000;

export const benchCase = {
  name: 'strict',
  order: 60,
  summary: '1,000 events with EVENTS_PER_WORKFLOW=1: a workflow for each, started as fast as Temporal takes them',
  async run(bench) {
    // The same run's, where it was measured: they are told as one.
    const { details: own } = bench.results.get('temporal') ?? (await temporal.run(bench));
    await bench.stack.restartWorkers({ EVENTS_PER_WORKFLOW: '1' });
    const workspace = await openWorkspace(bench);
    const count = bench.scaled(EVENTS);
    const begunAt = nowMs();
    const measured = await publish(bench, { workspace, count });
    const workflows = await untilAllRan(bench.stack.db, workspace.id, count, begunAt + PATIENCE_MS);
    const seconds = (nowMs() - begunAt) / 1_000;
    const faults = await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: count });
    if (workflows !== count) faults.push(`${count} events have ${workflows} workflows`);
    await bench.stack.restartWorkers();
    return {
      figures: [
        rate('acknowledged', measured.ackedPerSecond), rate('delivered', measured.deliveredPerSecond), rate('workflows', workflows / seconds),
        rate('Temporal itself, eager, one local activity', own.oneActivity.perSecond), times('workflows: of that', workflows / seconds / own.oneActivity.perSecond),
      ],
      faults: [...measured.faults, ...faults],
    };
  },
};

/** Waits until each event's workflow has said that it is its, at most until then. @returns how many workflows that are */
async function untilAllRan(db, workspaceId, count, deadline) {
  for (;;) {
    const { rows: [{ workflows }] } = await db.query('select count(distinct run_id)::int as workflows from plans where workspace_id = $1', [workspaceId]);
    if (workflows === count || nowMs() > deadline) return workflows;
    await pause(50);
  }
}
