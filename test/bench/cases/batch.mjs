import { faultsInRecords } from '../check.mjs';
import { ms, rate } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { openWorkspace } from '../workspace.mjs';

const EVENTS = 10_000;
const PER_BATCH = 100;

export const benchCase = {
  name: 'batch',
  order: 20,
  summary: '10,000 events by batches of 100, by 32 connections, to 1 endpoint',
  async run(bench) {
    const workspace = await openWorkspace(bench);
    const count = bench.scaled(EVENTS);
    const measured = await publish(bench, { workspace, count, perBatch: PER_BATCH });
    return {
      figures: [
        rate('acknowledged', measured.ackedPerSecond, 10_000), ms('ack p99 of a batch', measured.ackP99Ms),
        rate('delivered', measured.deliveredPerSecond, 2_800), ms('publish to arrival p99', measured.latencyP99Ms),
      ],
      faults: [...measured.faults, ...(await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: count }))],
    };
  },
};
