import { faultsInRecords, faultsOf } from '../check.mjs';
import { nowMs } from '../clock.mjs';
import { ms, number } from '../figures.mjs';
import { expectedOf, send, take, untilArrived } from '../measure.mjs';
import { openWorkspace, WIDE } from '../workspace.mjs';

const EVENTS = 5_000;
/** Of the events: so many have arrived when the process is killed. */
const KILLED_AT = 0.3;
/** After the new process is ready, or after the lease of what was under way. */
const MOST_MS = 5_000;
const POLICY = { ...WIDE, timeout: '1s' };

export const benchCase = {
  name: 'crash',
  order: 90,
  summary: 'SIGKILL of the worker, then of the API, in a burst of 5,000, and a new start at once',
  async run(bench) {
    const runs = [];
    for (const [name, command] of [['worker', 'work'], ['API', 'serve']]) runs.push(await crash(bench, name, command));
    return {
      figures: runs.flatMap(({ figures }) => figures),
      faults: runs.flatMap(({ faults }) => faults),
      details: Object.assign({}, ...runs.map(({ details }) => details)),
    };
  },
};

async function crash(bench, name, command) {
  const { stack, receiver } = bench;
  const workspace = await openWorkspace(bench, { endpoints: [{ policy: POLICY }] });
  const count = bench.scaled(EVENTS);
  await receiver.call('forget');
  // A caller whose API dies tries again, with the event's id: so that nothing is lost, and nothing is published twice.
  const sending = send(bench, { workspace, count, isPatient: true });
  await untilArrived(bench, Math.ceil(count * KILLED_AT));
  await stack.crash(command);
  const killedAt = nowMs();
  await stack.startAgain(command);
  const readyAt = nowMs();
  const sent = await sending;
  const expected = expectedOf([sent]);
  await untilArrived(bench, expected);
  const recorded = await faultsInRecords(bench, { endpoints: workspace.endpoints, deliveries: expected, mostAttempts: 2 });
  const underWay = await underWayAtKill(stack.db, workspace.id);
  const { arrivals, garbled } = await take(bench, workspace);

  const distinct = new Set(arrivals.map(({ id }) => id)).size;
  const latest = (some, since) => (some.length === 0 ? null : Math.max(...some.map((arrival) => arrival.at - since(arrival))));
  const others = arrivals.filter(({ id }) => !underWay.has(id));
  // Only what came after the kill: the first request of an attempt that was under way may have come before.
  const again = arrivals.filter(({ id, at }) => underWay.has(id) && at > killedAt);
  return {
    figures: [
      number(`${name}: lost`, expected - distinct, 0), number(`${name}: arrived twice`, arrivals.length - distinct, underWay.size),
      ms(`${name}: from the kill to ready`, readyAt - killedAt), ms(`${name}: last arrival after ready`, latest(others, () => readyAt), MOST_MS),
      ...(command === 'work' ? [ms(`${name}: of those under way, after their lease`, latest(again, ({ id }) => underWay.get(id)), MOST_MS)] : []),
    ],
    faults: [...recorded, ...faultsOf({ sendings: [sent], arrivals, garbled, mayComeTwice: new Set(underWay.keys()) })].map((fault) => `${name}: ${fault}`),
    details: {
      [name]: { underWay: underWay.size, arrivedAgain: arrivals.length - distinct, repeatedRequests: sent.results.filter(({ tries }) => tries > 1).length, lastAckAfterReadyMs: latest(sent.results.map(({ ackedAt }) => ({ at: ackedAt })), () => readyAt) },
    },
  };
}

/** The events whose attempt was under way when the worker died, and when its lease was over, by the bench's clock. */
async function underWayAtKill(db, workspaceId) {
  const { rows } = await db.query(`select event_id, extract(epoch from lease_until)::float8 * 1000 as over_at from attempts where workspace_id = $1 and outcome = 'unknown'`, [workspaceId]);
  const offsetMs = nowMs() - Date.now();
  return new Map(rows.map(({ event_id: id, over_at: overAt }) => [id, overAt + offsetMs]));
}
