import { ms, rate } from '../figures.mjs';
import { faultsInRecords, openWorkspace, publish } from '../measure.mjs';

const EVENTS = 1_000;
const ENDPOINTS = 10;

export const benchCase = {
  name: 'fanout',
  order: 40,
  summary: '1,000 events to 10 endpoints each',
  async run(bench) {
    const workspace = await openWorkspace(bench, { endpoints: ENDPOINTS });
    const measured = await publish(bench, { workspace, count: EVENTS, endpointsEach: ENDPOINTS });
    return {
      figures: [rate('delivered', measured.deliveredPerSecond, 6_500), ms('publish to arrival p99', measured.latencyP99Ms)],
      faults: [...measured.faults, ...(await faultsInRecords(bench, { workspace, deliveries: EVENTS * ENDPOINTS }))],
      deliveries: EVENTS * ENDPOINTS,
    };
  },
};
