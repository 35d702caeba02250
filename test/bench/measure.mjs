/** One measured publishing: what is posted, what arrives, and whether both are the same. */
import { faultsOf } from './check.mjs';
import { pause } from './clock.mjs';
import { percentile } from './figures.mjs';

/** How long after the last expected arrival one looks for more than there should be. */
const DUPLICATES_MS = 500;
const CONNECTIONS = 32;
/** A delivery of the slowest case that still counts as on its way. */
const MIN_PER_SECOND = 40;
const PATIENCE_MS = 30_000;

/**
 * Publishes events and waits for all their deliveries.
 * @param {{ workspace: object, count: number, types?: readonly string[], perBatch?: number, ratePerSecond?: number, owed?: (n: number) => readonly string[], isAside?: (path: string) => boolean }} options
 *   `types` take turns. `ratePerSecond`: open loop at this rate; else as fast as 32 connections take them. `owed`: the paths at
 *   which event number n must arrive; those of all the workspace's endpoints, unless told. `isAside`: see faultsOf
 */
export async function publish(bench, { workspace, count, owed, isAside = () => false, ...how }) {
  await bench.receiver.call('forget');
  const sending = await send(bench, { workspace, count, ...how, ...(owed && { owed }) });
  await untilArrived(bench, expectedOf([sending]));
  await pause(DUPLICATES_MS);
  const { arrivals, garbled } = await take(bench, workspace);
  const here = arrivals.filter(({ path }) => !isAside(path));
  return { ...sending, ...figuresOf(sending, here), arrivals, faults: faultsOf({ sendings: [sending], arrivals, garbled, isAside }) };
}

/** Posts events, and answers when each was due, left, and was acknowledged. For the options see {@link publish}; `isPatient` repeats what is not answered. */
export async function send(bench, { workspace, count, types = ['bench.event'], perBatch, ratePerSecond, isPatient, owed = owedToAll(workspace) }) {
  const results = await bench.generator.call(ratePerSecond === undefined ? 'closedLoop' : 'openLoop', {
    url: `${bench.stack.url}/v1/events${perBatch === undefined ? '' : '/batch'}`,
    headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'application/json' },
    connections: CONNECTIONS, bodies: { types, count, perBatch, hasIds: isPatient }, ratePerSecond, isPatient,
  });
  return { results, published: readResults(results, perBatch), owed };
}

const owedToAll = (workspace) => {
  const paths = workspace.endpoints.map(({ path }) => path);
  return () => paths;
};

/** How many deliveries these sendings are owed. */
export const expectedOf = (sendings) =>
  sendings.reduce((sum, { published, owed }) => sum + published.reduce((paths, _, n) => paths + owed(n).length, 0), 0);

/** Waits until so many have arrived, as long as that may take. @returns how many have */
export const untilArrived = (bench, count, more = 0) =>
  bench.receiver.call('until', { count, withinMs: more + PATIENCE_MS + (count / MIN_PER_SECOND) * 1_000 });

/** What has arrived since the last `take` or `forget`. */
export const take = (bench, workspace) =>
  bench.receiver.call('take', { secrets: Object.fromEntries(workspace.endpoints.map(({ path, secret }) => [path, secret])) });

/** Straight at the receiver, to know what the machine, the generator and the receiver can do at most. */
export async function postStraight(bench, { count }) {
  await bench.receiver.call('forget');
  const results = await bench.generator.call('closedLoop', {
    url: `${bench.receiverUrl}/straight`, headers: { 'content-type': 'application/json' }, connections: CONNECTIONS, bodies: { types: ['bench.event'], count },
  });
  const { arrivals } = await bench.receiver.call('take', {});
  const failed = results.filter(({ status }) => status !== 200).length;
  const seconds = (Math.max(...results.map(({ ackedAt }) => ackedAt)) - results[0].sentAt) / 1_000;
  return {
    perSecond: count / seconds, p99Ms: percentile(results.map((one) => one.ackedAt - one.sentAt), 0.99),
    faults: failed === 0 && arrivals.length === count ? [] : [`of ${count} posts straight at the receiver ${failed} failed and ${arrivals.length} arrived`],
  };
}

/** The event of each number, with its times; undefined where it was not accepted. 200: it was accepted by an earlier try. */
function readResults(results, perBatch = 1) {
  return results.flatMap(({ dueAt, sentAt, ackedAt, status, text }) => {
    const answers = status === 202 || status === 200 ? eventsOf(JSON.parse(text)) : new Array(perBatch).fill(undefined);
    return answers.map((answer) => (answer?.id === undefined ? undefined : { id: answer.id, from: dueAt ?? sentAt, ackedAt }));
  });
}

const eventsOf = (answer) => answer.results ?? [answer];

/** From when each event was due (or was sent) to its arrival, in ms; one for each delivery. */
export function latenciesOf(published, arrivals) {
  const from = new Map(published.filter(Boolean).map((one) => [one.id, one.from]));
  return arrivals.flatMap(({ id, at }) => (from.has(id) ? [at - from.get(id)] : []));
}

function figuresOf({ results, published }, arrivals) {
  const firstSentAt = results.reduce((least, { sentAt }) => Math.min(least, sentAt), Infinity);
  const lastAckAt = results.reduce((most, { ackedAt }) => Math.max(most, ackedAt), 0);
  const lastArrivalAt = arrivals.reduce((most, { at }) => Math.max(most, at), firstSentAt);
  const acks = results.map((one) => one.ackedAt - (one.dueAt ?? one.sentAt));
  const latencies = latenciesOf(published, arrivals);
  const late = results.flatMap((one) => (one.dueAt === undefined ? [] : [one.sentAt - one.dueAt]));
  return {
    ackedPerSecond: (published.length / (lastAckAt - firstSentAt)) * 1_000,
    deliveredPerSecond: arrivals.length === 0 ? 0 : (arrivals.length / (lastArrivalAt - firstSentAt)) * 1_000,
    ackP50Ms: percentile(acks, 0.5), ackP99Ms: percentile(acks, 0.99),
    latencyP50Ms: percentile(latencies, 0.5), latencyP99Ms: percentile(latencies, 0.99), latencyMaxMs: percentile(latencies, 1),
    generatorLateP99Ms: late.length === 0 ? null : percentile(late, 0.99),
  };
}
