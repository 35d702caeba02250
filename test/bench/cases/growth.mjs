import { faultsInRecords } from '../check.mjs';
import { percentile, rate, times } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { storeCopies } from '../stored.mjs';
import { openWorkspace } from '../workspace.mjs';

const EVENTS = 10_000;
const ROUNDS = 3;
const STORED = 1_000_000;
/** With the day that is left out, as old as the usual retention lets a whole deployment be: nothing of it is dropped. */
const DAYS = 28;
const SHARE = 0.85;

export const benchCase = {
  name: 'growth',
  order: 100,
  isLong: true,
  summary: 'burst before and after 1,000,000 delivered events of the last four weeks are stored, for the same endpoint',
  async run(bench) {
    const workspace = await openWorkspace(bench);
    const empty = await bursts(bench, workspace);
    const stored = bench.scaled(STORED);
    await storeCopies(bench.stack.db, { eventId: empty.eventId, count: stored, days: DAYS, progress: bench.progress, check: bench.check });
    await bench.stack.settle();
    const { rows: [{ bytes }] } = await bench.stack.db.query('select pg_database_size(current_database())::float8 as bytes');
    const full = await bursts(bench, workspace);
    const share = (name) => full[name] / empty[name];
    const deliveries = 2 * ROUNDS * bench.scaled(EVENTS);
    return {
      figures: [
        rate('acknowledged before', empty.acked), rate('acknowledged after', full.acked, SHARE * empty.acked), times('of that before', share('acked'), { atLeast: SHARE }),
        rate('delivered before', empty.delivered), rate('delivered after', full.delivered, SHARE * empty.delivered), times('of that before', share('delivered'), { atLeast: SHARE }),
        { figure: 'size of the database', value: bytes / 2 ** 20, unit: 'MiB' },
      ],
      faults: [...empty.faults, ...full.faults, ...(await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: stored + deliveries }))],
      details: { stored, before: empty.rounds, after: full.rounds },
    };
  },
};

/** The medians of some bursts, one after another: of a single one they differ by more than what is looked for. */
async function bursts(bench, workspace) {
  const rounds = [];
  const faults = [];
  let eventId;
  for (let n = 0; n < ROUNDS; n += 1) {
    const measured = await publish(bench, { workspace, count: bench.scaled(EVENTS) });
    rounds.push({ ackedPerSecond: measured.ackedPerSecond, deliveredPerSecond: measured.deliveredPerSecond });
    faults.push(...measured.faults);
    eventId ??= measured.published.find(Boolean)?.id;
    await bench.stack.settle();
  }
  const median = (name) => percentile(rounds.map((one) => one[name]), 0.5);
  return { acked: median('ackedPerSecond'), delivered: median('deliveredPerSecond'), rounds, faults, eventId };
}
