/** One measured publishing: what is posted, what arrives, and whether both are the same. */
import { percentile } from './figures.mjs';
import { pause } from './clock.mjs';

/** How long after the last expected arrival one looks for more than there should be. */
const DUPLICATES_MS = 500;
const CONNECTIONS = 32;
/** A delivery of the slowest case that still counts as on its way. */
const MIN_PER_SECOND = 40;
const PATIENCE_MS = 30_000;

/** The policy of the bench's endpoints: wide enough that it never limits. */
export const WIDE = { maxInFlight: 50, ratePerSecond: 5_000 };

/**
 * A workspace with endpoints at the receiver.
 * @param {{ endpoints?: number, events?: readonly string[], policy?: object }} options `events`: what they subscribe to
 */
export async function openWorkspace(bench, { endpoints = 1, events = ['bench.*'], policy = WIDE } = {}) {
  const { stack } = bench;
  const name = `bench-${bench.nextNumber()}`;
  const workspace = await stack.call('POST', '/v1/workspaces', { name });
  const { key } = await stack.call('POST', '/v1/api-keys', { name, role: 'admin' }, undefined, { 'posthorn-workspace': workspace.id });
  const call = (method, path, body) => stack.call(method, path, body, key);
  const made = await Promise.all(Array.from({ length: endpoints }, async (_, n) => {
    const path = `/${name}/${n}`;
    const { id, secret } = await call('POST', '/v1/endpoints', { url: `${bench.receiverUrl}${path}`, events, policy });
    return { id, path, secret };
  }));
  return { id: workspace.id, key, call, endpoints: made };
}

/**
 * Publishes events and waits for all their deliveries.
 * @param {{ workspace: object, count: number, perBatch?: number, ratePerSecond?: number, endpointsEach?: number, type?: string }} options
 *   `ratePerSecond`: open loop at this rate; else as fast as 32 connections take them. `endpointsEach`: deliveries an event is owed
 */
export async function publish(bench, { workspace, count, perBatch, ratePerSecond, endpointsEach = 1, type = 'bench.event' }) {
  const { generator, receiver, stack } = bench;
  const expected = count * endpointsEach;
  await receiver.call('forget');
  const results = await generator.call(ratePerSecond === undefined ? 'closedLoop' : 'openLoop', {
    url: `${stack.url}/v1/events${perBatch === undefined ? '' : '/batch'}`,
    headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'application/json' },
    connections: CONNECTIONS, bodies: { type, count, perBatch }, ratePerSecond,
  });
  await receiver.call('until', { count: expected, withinMs: PATIENCE_MS + (expected / MIN_PER_SECOND) * 1_000 });
  await pause(DUPLICATES_MS);
  const secrets = Object.fromEntries(workspace.endpoints.map(({ path, secret }) => [path, secret]));
  const { arrivals, garbled } = await receiver.call('take', { secrets });
  const published = readResults(results, perBatch);
  return { ...figuresOf({ results, published, arrivals, count }), faults: faultsOf({ results, published, arrivals, garbled, workspace, endpointsEach, count }) };
}

/** Straight at the receiver, to know what the machine, the generator and the receiver can do at most. */
export async function postStraight(bench, { count }) {
  await bench.receiver.call('forget');
  const results = await bench.generator.call('closedLoop', {
    url: `${bench.receiverUrl}/straight`, headers: { 'content-type': 'application/json' }, connections: CONNECTIONS, bodies: { type: 'bench.event', count },
  });
  const { arrivals } = await bench.receiver.call('take', {});
  const failed = results.filter(({ status }) => status !== 200).length;
  const seconds = (Math.max(...results.map(({ ackedAt }) => ackedAt)) - results[0].sentAt) / 1_000;
  return {
    perSecond: count / seconds, p99Ms: percentile(results.map((one) => one.ackedAt - one.sentAt), 0.99),
    faults: failed === 0 && arrivals.length === count ? [] : [`of ${count} posts straight at the receiver ${failed} failed and ${arrivals.length} arrived`],
  };
}

/** The event of each number, with its times; undefined where it was not accepted. */
function readResults(results, perBatch = 1) {
  return results.flatMap(({ dueAt, sentAt, ackedAt, status, text }) => {
    const answers = status === 202 ? eventsOf(JSON.parse(text)) : new Array(perBatch).fill(undefined);
    return answers.map((answer) => (answer?.id === undefined ? undefined : { id: answer.id, from: dueAt ?? sentAt, ackedAt }));
  });
}

const eventsOf = (answer) => answer.results ?? [answer];

function figuresOf({ results, published, arrivals, count }) {
  const firstSentAt = results.reduce((least, { sentAt }) => Math.min(least, sentAt), Infinity);
  const lastAckAt = results.reduce((most, { ackedAt }) => Math.max(most, ackedAt), 0);
  const lastArrivalAt = arrivals.reduce((most, { at }) => Math.max(most, at), firstSentAt);
  const byId = new Map(published.filter(Boolean).map((one) => [one.id, one]));
  const acks = results.map((one) => one.ackedAt - (one.dueAt ?? one.sentAt));
  const latencies = arrivals.flatMap(({ id, at }) => (byId.has(id) ? [at - byId.get(id).from] : []));
  const late = results.flatMap((one) => (one.dueAt === undefined ? [] : [one.sentAt - one.dueAt]));
  return {
    ackedPerSecond: (count / (lastAckAt - firstSentAt)) * 1_000,
    deliveredPerSecond: arrivals.length === 0 ? 0 : (arrivals.length / (lastArrivalAt - firstSentAt)) * 1_000,
    ackP50Ms: percentile(acks, 0.5), ackP99Ms: percentile(acks, 0.99),
    latencyP50Ms: percentile(latencies, 0.5), latencyP99Ms: percentile(latencies, 0.99), latencyMaxMs: percentile(latencies, 1),
    generatorLateP99Ms: late.length === 0 ? null : percentile(late, 0.99),
    arrived: arrivals.length, lastArrivalAt,
  };
}

/** Everything that is not as it must be, as sentences; none: every event arrived once at each endpoint, signed and unchanged. */
function faultsOf({ results, published, arrivals, garbled, workspace, endpointsEach, count }) {
  const faults = [];
  const note = (number, what, example = '') => {
    if (number > 0) faults.push(`${number} ${what}${example && ` (such as: ${example})`}`);
  };
  const refused = results.filter(({ status }) => status !== 202);
  note(refused.length, 'requests were not answered 202', refused[0]?.error ?? `${refused[0]?.status} ${refused[0]?.text?.slice(0, 200)}`);
  note(count - published.filter(Boolean).length, 'events were not accepted');
  note(garbled, 'connections brought something that is no request with a length');
  note(arrivals.filter(({ isSigned }) => !isSigned).length, 'deliveries have a wrong signature');

  const numbers = new Map(published.flatMap((one, n) => (one === undefined ? [] : [[one.id, n]])));
  note(arrivals.filter(({ id }) => !numbers.has(id)).length, 'deliveries are of no event that was published');
  note(arrivals.filter(({ id, n }) => numbers.has(id) && numbers.get(id) !== n).length, 'deliveries carry the body of another event');

  const paths = new Set(workspace.endpoints.map(({ path }) => path));
  note(arrivals.filter(({ path }) => !paths.has(path)).length, 'deliveries came to the wrong endpoint');
  const seen = new Set(arrivals.map(({ path, id }) => `${path} ${id}`));
  note(arrivals.length - seen.size, 'deliveries came twice');
  note(Math.max(0, numbers.size * endpointsEach - [...seen].filter((key) => numbers.has(key.split(' ')[1])).length), 'deliveries are missing');
  return faults;
}

/**
 * What PostgreSQL says when all is over: every delivery of the workspace is DELIVERED after one attempt.
 * @returns {Promise<string[]>} faults
 */
export async function faultsInRecords(bench, { workspace, deliveries }) {
  if (!(await bench.stack.settle())) return ['the service was not done 90 s after the last arrival'];
  const { rows } = await bench.stack.db.query(
    'select status, attempt_count, count(*)::int as number from deliveries where workspace_id = $1 group by 1, 2', [workspace.id],
  );
  const right = rows.find(({ status, attempt_count }) => status === 'DELIVERED' && attempt_count === 1)?.number ?? 0;
  if (rows.length === 1 && right === deliveries) return [];
  return [`recorded are ${rows.map((row) => `${row.number} ${row.status} after ${row.attempt_count} attempts`).join(', ') || 'no deliveries'}, not ${deliveries} DELIVERED after 1`];
}
