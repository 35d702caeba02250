import { faultsInRecords, faultsOf } from '../check.mjs';
import { nowMs, pause } from '../clock.mjs';
import { ms, number, percentile, rate, times } from '../figures.mjs';
import { expectedOf, latenciesOf, publish, send, take, untilArrived } from '../measure.mjs';
import { openWorkspace, WIDE } from '../workspace.mjs';

const HELD = 20_000;
const LIVE_PER_SECOND = 100;
const BASELINE_SECONDS = 10;
/** What the draining endpoint takes at most: 40 s for what is held. */
const DRAIN_PER_SECOND = 500;
/** Of that rate; the drain begins with one request in flight, and live events take their share. */
const DRAIN_SHARE = 0.75;
const MOST = 2;
const PATIENCE_MS = 60_000;

export const benchCase = {
  name: 'backlog',
  order: 80,
  summary: '20,000 events held for an endpoint of 500/s, which is reactivated while 100 live events a second go on to it and to a healthy one',
  async run(bench) {
    const workspace = await openWorkspace(bench, { endpoints: [{ events: ['bench.live'] }, { events: ['bench.live', 'bench.held'], policy: { ...WIDE, ratePerSecond: DRAIN_PER_SECOND } }] });
    const [healthy, draining] = workspace.endpoints;
    const live = { workspace, types: ['bench.live'], ratePerSecond: LIVE_PER_SECOND };
    const before = await publish(bench, { ...live, count: bench.scaled(BASELINE_SECONDS * LIVE_PER_SECOND) });

    await workspace.call('POST', `/v1/endpoints/${draining.id}/deactivate`, {});
    const heldCount = bench.scaled(HELD);
    const held = await send(bench, { workspace, count: heldCount, types: ['bench.held'], perBatch: 100, owed: () => [draining.path] });
    const faults = [...before.faults, ...(await untilHeld(bench, draining, heldCount))];

    await bench.receiver.call('forget');
    const reactivatedAt = nowMs();
    // What is published before the answer may still be held, and then leaves behind what was held before it.
    await workspace.call('POST', `/v1/endpoints/${draining.id}/reactivate`, { drain: true });
    const sent = await send(bench, { ...live, count: bench.scaled((heldCount / DRAIN_PER_SECOND) * LIVE_PER_SECOND) });
    const expected = expectedOf([held, sent]);
    await untilArrived(bench, expected);
    const recorded = await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: expected + before.arrivals.length });
    const { arrivals, garbled } = await take(bench, workspace);

    const drained = orderOf(held, arrivals);
    const p99At = (endpoint, { published }, all) => percentile(latenciesOf(published, all.filter(({ path }) => path === endpoint.path)), 0.99);
    const compare = (name, endpoint) => {
      const [alone, beside] = [p99At(endpoint, before, before.arrivals), p99At(endpoint, sent, arrivals)];
      return [ms(`${name} p99 before`, alone), ms(`${name} p99 in the drain`, beside, MOST * alone), times(`${name} of that before`, beside / alone, { atMost: MOST })];
    };
    return {
      figures: [
        ...compare('to the healthy one:', healthy), ...compare('to the draining one:', draining),
        rate('drained', heldCount / ((drained.lastAt - reactivatedAt) / 1_000), DRAIN_SHARE * DRAIN_PER_SECOND),
        number('places out of event order at most', drained.displaced, WIDE.maxInFlight),
      ],
      faults: [...faults, ...recorded, ...faultsOf({ sendings: [held, sent], arrivals, garbled })],
      details: { firstDrainedAfterMs: drained.firstAt - reactivatedAt, busiestSecond: drained.busiestSecond, stillDrainingWhenLiveEnded: drained.lastAt > sent.published.at(-1)?.from },
    };
  },
};

/** Waits until so many are held. @returns a fault where they are not */
async function untilHeld({ stack }, { id }, count) {
  const deadline = nowMs() + PATIENCE_MS;
  for (;;) {
    const { rows: [{ held }] } = await stack.db.query(`select count(*)::int as held from deliveries where endpoint_id = $1 and waiting and status = 'HELD'`, [id]);
    if (held === count) return [];
    if (nowMs() > deadline) return [`${held} of ${count} events were held ${PATIENCE_MS / 1_000} s after they were accepted`];
    await pause(100);
  }
}

/** When the held events arrived, how far one was from its place in the order of events, and the most that came within a second. */
function orderOf({ published }, arrivals) {
  const ids = published.filter(Boolean).map(({ id }) => id).sort();
  const places = new Map(ids.map((id, place) => [id, place]));
  const came = arrivals.filter(({ id }) => places.has(id)).sort((a, b) => a.at - b.at);
  let busiestSecond = 0;
  for (let first = 0, last = 0; last < came.length; last += 1) {
    while (came[last].at - came[first].at >= 1_000) first += 1;
    busiestSecond = Math.max(busiestSecond, last - first + 1);
  }
  return {
    firstAt: came[0]?.at ?? NaN, lastAt: came.at(-1)?.at ?? NaN, busiestSecond,
    displaced: came.reduce((most, { id }, place) => Math.max(most, Math.abs(place - places.get(id))), 0),
  };
}
