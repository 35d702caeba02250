import { faultsInRecords } from '../check.mjs';
import { ms, times } from '../figures.mjs';
import { publish } from '../measure.mjs';
import { addEndpoints, openWorkspace } from '../workspace.mjs';

const SECONDS = 15;
const HEALTHY = 4;
const HEALTHY_PER_SECOND = 100;
const SICK_PER_SECOND = 50;
const KINDS = ['hang', 'refuse', 'fail'];
const PER_SECOND = HEALTHY_PER_SECOND + KINDS.length * SICK_PER_SECOND;
const DEAD_OF_EACH = 20;
/** The healthy ones' p99, against theirs without the sick ones. */
const MOST = 2;

export const benchCase = {
  name: 'isolation',
  order: 70,
  summary: '100 events a second to 4 healthy endpoints, alone, beside one that hangs, one that refuses and one that fails (50/s each), and beside 60 of them',
  async run(bench) {
    const workspace = await openWorkspace(bench, { endpoints: Array.from({ length: HEALTHY }, (_, n) => ({ events: [wellType(n)] })) });
    const healthy = [...workspace.endpoints];
    const alone = await measure(bench, { workspace, healthy, types: healthy.map((_, n) => wellType(n)), ratePerSecond: HEALTHY_PER_SECOND });
    const figures = [ms('alone: p50', alone.latencyP50Ms), ms('alone: p99', alone.latencyP99Ms)];
    const faults = [...alone.faults];
    const details = { alone: detailsOf(alone) };
    let deliveries = alone.well;
    for (const each of [1, bench.scaled(DEAD_OF_EACH)]) {
      const name = `beside ${each * KINDS.length}`;
      const sick = await addEndpoints(bench, workspace, KINDS.flatMap((behaviour) => Array.from({ length: each }, (_, n) => ({ behaviour, events: [sickType(behaviour, n)] }))));
      const beside = await measure(bench, { workspace, healthy, types: mixedTypes(each), ratePerSecond: PER_SECOND });
      figures.push(
        ms(`${name}: p50`, beside.latencyP50Ms), ms(`${name}: p99`, beside.latencyP99Ms, MOST * alone.latencyP99Ms),
        times(`${name}: p99 of that alone`, beside.latencyP99Ms / alone.latencyP99Ms, { atMost: MOST }),
      );
      faults.push(...beside.faults, ...(await endOf(bench, workspace, sick, beside.sick)));
      deliveries += beside.well;
      details[name] = detailsOf(beside);
    }
    faults.push(...(await faultsInRecords(bench, { endpoints: healthy, deliveries })));
    return { figures, faults, details };
  },
};

const wellType = (n) => `bench.well-${n}`;
const sickType = (behaviour, n) => `bench.${behaviour}-${n}`;

/** Types in such an order that of each five events two are for a healthy endpoint and one for a sick one of each kind. */
const mixedTypes = (each) => Array.from({ length: HEALTHY * each }, (_, n) => [
  wellType((2 * n) % HEALTHY), sickType('hang', n % each), wellType((2 * n + 1) % HEALTHY), sickType('refuse', n % each), sickType('fail', n % each),
]).flat();

/** Publishes at this rate, and looks at what the healthy endpoints see of it. */
async function measure(bench, { workspace, healthy, types, ratePerSecond }) {
  const count = Math.max(types.length, bench.scaled(SECONDS * ratePerSecond));
  const paths = new Map(healthy.map(({ path }, n) => [wellType(n), [path]]));
  const owed = (n) => paths.get(types[n % types.length]) ?? [];
  const sickPaths = new Set(workspace.endpoints.filter(({ isWell }) => !isWell).map(({ path }) => path));
  const measured = await publish(bench, { workspace, count, types, ratePerSecond, owed, isAside: (path) => sickPaths.has(path) });
  const well = Array.from({ length: count }, (_, n) => owed(n).length).reduce((sum, one) => sum + one, 0);
  return { ...measured, well, sick: count - well };
}

/** Deletes the sick endpoints, which cancels what they are owed. @returns faults: what they are owed that has no delivery, or one that was made */
async function endOf(bench, workspace, sick, owed) {
  await Promise.all(sick.map(({ id }) => workspace.call('DELETE', `/v1/endpoints/${id}`)));
  await bench.receiver.call('cutHanging');
  await bench.stack.settle();
  const { rows } = await bench.stack.db.query('select status, count(*)::int as number from deliveries where endpoint_id = any($1) group by 1', [sick.map(({ id }) => id)]);
  const recorded = rows.reduce((sum, { number }) => sum + number, 0);
  return [
    ...(recorded === owed ? [] : [`the sick endpoints are owed ${owed} deliveries, and ${recorded} are recorded`]),
    ...rows.filter(({ status }) => status !== 'CANCELLED' && status !== 'EXHAUSTED').map(({ status, number }) => `${number} deliveries to sick endpoints are ${status}`),
  ];
}

const detailsOf = ({ latencyMaxMs, ackP99Ms, generatorLateP99Ms }) => ({ latencyMaxMs, ackP99Ms, generatorLateP99Ms });
