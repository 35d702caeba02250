import { faultsInRecords } from '../check.mjs';
import { ms, rate } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { openWorkspace } from '../workspace.mjs';

const EVENTS = 1_000;
const ENDPOINTS = 10;

export const benchCase = {
  name: 'fanout',
  order: 40,
  summary: '1,000 events to 10 endpoints each',
  async run(bench) {
    const workspace = await openWorkspace(bench, { endpoints: new Array(ENDPOINTS).fill({}) });
    const count = bench.scaled(EVENTS);
    const measured = await publish(bench, { workspace, count });
    return {
      figures: [rate('delivered', measured.deliveredPerSecond, 6_500), ms('publish to arrival p99', measured.latencyP99Ms)],
      faults: [...measured.faults, ...(await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: count * ENDPOINTS }))],
    };
  },
};
