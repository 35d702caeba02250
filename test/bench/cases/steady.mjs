import { faultsInRecords } from '../check.mjs';
import { ms } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { openWorkspace } from '../workspace.mjs';

const SECONDS = 30;
const BUDGETS = new Map([[100, { p50: 4, p99: 12 }], [300, { p50: 4, p99: 18 }]]);

export const benchCase = {
  name: 'steady',
  order: 30,
  summary: '100 and 300 events a second for 30 s each, whatever the service does: from when each was due to its arrival',
  async run(bench) {
    const figures = [];
    const faults = [];
    const details = {};
    for (const [perSecond, budget] of BUDGETS) {
      const workspace = await openWorkspace(bench);
      const count = bench.scaled(perSecond * SECONDS);
      const measured = await publish(bench, { workspace, count, ratePerSecond: perSecond });
      figures.push(
        ms(`${perSecond}/s: publish to arrival p50`, measured.latencyP50Ms, budget.p50), ms(`${perSecond}/s: publish to arrival p99`, measured.latencyP99Ms, budget.p99),
        ms(`${perSecond}/s: ack p99`, measured.ackP99Ms),
      );
      faults.push(...measured.faults, ...(await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: count })));
      details[`at${perSecond}`] = { latencyMaxMs: measured.latencyMaxMs, generatorLateP99Ms: measured.generatorLateP99Ms };
    }
    return { figures, faults, details };
  },
};
