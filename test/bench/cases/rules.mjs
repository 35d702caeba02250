import { faultsInRecords } from '../check.mjs';
import { rate } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { openWorkspace } from '../workspace.mjs';

const EVENTS = 10_000;
const RULES = 100;
const MATCHING = 5;
/** Of the rate of `burst`, in the same run where it was measured, else of its budget. */
const SHARE = 0.7;
const BURST_BUDGET = 2_400;

/** What the generator's events have, and four ways to have something else. */
const MATCH = { 'data.customer.tier': 'gold', 'data.amount': { $gte: 1_000, $lt: 5_000 }, 'data.tags': { $in: ['new', 'returning'] } };
const MISSES = [
  (n) => ({ 'data.customer.tier': { $in: ['silver', `bronze-${n}`] } }),
  (n) => ({ 'data.amount': { $gt: 10_000 + n } }),
  (n) => ({ $and: [{ 'data.currency': 'EUR' }, { 'data.customer.country': { $nin: ['FI', `X${n}`] } }] }),
  (n) => ({ $or: [{ 'data.customer.tier': 'silver' }, { 'data.text': `none-${n}` }] }),
];

export const benchCase = {
  name: 'rules',
  order: 50,
  summary: '10,000 events past 100 enabled rules with conditions, of which 5 match',
  async run(bench) {
    const workspace = await openWorkspace(bench, { endpoints: [{ events: [] }] });
    const count = bench.scaled(EVENTS);
    const endpointIds = workspace.endpoints.map(({ id }) => id);
    for (let n = 0; n < RULES; n += 1) {
      const condition = n % (RULES / MATCHING) === 0 ? MATCH : MISSES[n % MISSES.length](n);
      await workspace.call('POST', '/v1/rules', { name: `rule ${n}`, events: ['bench.event'], condition, endpointIds });
    }
    const measured = await publish(bench, { workspace, count });
    const burst = bench.results.get('burst')?.details.deliveredPerSecond ?? BURST_BUDGET;
    return {
      figures: [rate('acknowledged', measured.ackedPerSecond), rate('delivered', measured.deliveredPerSecond, SHARE * burst)],
      faults: [...measured.faults, ...(await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: count }))],
    };
  },
};
