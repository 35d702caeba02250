import { setTimeout as delay } from 'node:timers/promises';
import { readDeliveries, type Violation, violationsAt } from './checks';
import type { Luck } from './luck';
import type { Receiver } from './receiver';
import { type Part, type Service, type TestEndpoint, untilSettled } from './service';
import { until } from './wait';

/** How hard it blows. */
export interface StormPlan {
  readonly luck: Luck;
  readonly events: number;
  /** Workers that run at any time, but for the moments between a death and its successor. */
  readonly workers: number;
  readonly kills: number;
  /** How often an API process dies too; its successor is up before the next call. */
  readonly apiKills?: number;
  /** How often a worker is stopped (SIGSTOP) and goes on later, at most after so long. */
  readonly stops?: number;
  readonly stopMs?: number;
  /** Until everything is settled, in ms. */
  readonly patienceMs: number;
}

/** What came of it. */
export interface StormReport {
  readonly violations: readonly Violation[];
  /** Deliveries that are not DELIVERED at the end. */
  readonly undelivered: number;
  /** Requests beyond one for each delivery that needed no retry. */
  readonly twice: number;
  /** Pairs of event and endpoint with more than one delivery row. */
  readonly doublePlans: number;
  /** Events in the order in which the ordered endpoint first saw them, against the order of the events. */
  readonly isInOrder: boolean;
}

/** Short, so that the lease of an attempt whose worker died (timeout and 5 s) is soon over. */
const POLICY = { timeout: '1s', connectTimeout: '1s', deactivate: 'never', maxInFlight: 40, ratePerSecond: 5_000 };
const PATIENT = { delays: Array(40).fill('100ms'), jitter: 0 };
const BATCH = 40;

/**
 * Publishes while workers die at random moments and others take their place: three endpoints that are owed every event,
 * one that answers at once, one that fails now and then, one that must see them in order.
 */
export async function storm(service: Service, receiver: Receiver, plan: StormPlan): Promise<StormReport> {
  const { luck } = plan;
  const name = `storm-${luck.seed}`;
  const open = async (kind: string, policy: object): Promise<TestEndpoint & { path: string }> => {
    const path = `/${name}/${kind}`;
    return { path, ...await service.endpoint(`${receiver.url}${path}`, { events: [name], policy: { ...POLICY, retry: PATIENT, ...policy } }) };
  };
  const flaky = Array.from({ length: plan.events }, () => (luck.below(6) === 0 ? 500 : { status: 200, afterMs: luck.below(40) }));
  const endpoints = [await open('plain', {}), await open('flaky', {}), await open('ordered', { ordering: 'fifo' })];
  receiver.willAnswer(`/${name}/plain`, [], { status: 200, afterMs: 20 });
  receiver.willAnswer(`/${name}/flaky`, flaky);

  while (service.workers().length < plan.workers) await service.startWorker();
  const eventIds: string[] = [];
  const turns = turnsOf(plan);
  const stopped: Promise<void>[] = [];
  for (const [index, turn] of turns.entries()) {
    const share = Math.round((plan.events * (index + 1)) / turns.length) - eventIds.length;
    const seen = receiver.received().length;
    for (let left = share; left > 0; left -= BATCH) eventIds.push(...await service.publish(Math.min(left, BATCH), name));
    await until(() => receiver.received().length > seen + luck.below(30), { what: `requests before turn ${index} (seed ${luck.seed})`, deadlineMs: 60_000 });
    await delay(luck.below(150));
    await take(service, turn, plan, stopped);
  }
  await Promise.all(stopped);
  await untilSettled(service, eventIds, plan.patienceMs).catch((error: unknown) => {
    throw new Error(`seed ${luck.seed}: ${String(error)}\n${service.output().slice(-3_000)}`, { cause: error });
  });
  return report(service, receiver, { endpoints, eventIds, crashes: plan.kills + (plan.stops ?? 0) });
}

type Turn = 'kill' | 'api' | 'stop';

/** All turns in an order that luck decides. */
function turnsOf({ luck, kills, apiKills = 0, stops = 0 }: StormPlan): Turn[] {
  const left: Turn[] = [...Array<Turn>(kills).fill('kill'), ...Array<Turn>(apiKills).fill('api'), ...Array<Turn>(stops).fill('stop')];
  return Array.from({ length: left.length }, () => left.splice(luck.below(left.length), 1)[0] as Turn);
}

async function take(service: Service, turn: Turn, { luck, stopMs = 1_000 }: StormPlan, stopped: Promise<void>[]): Promise<void> {
  if (turn === 'api') {
    await service.api().kill();
    await service.startApi();
    return;
  }
  const victim = luck.pick(service.workers());
  if (turn === 'kill') {
    await victim.kill();
    await service.startWorker();
    return;
  }
  stopped.push(pausedFor(victim, luck.below(stopMs)));
}

/** It may be killed meanwhile, which a stopped process cannot refuse. */
async function pausedFor(worker: Part, ms: number): Promise<void> {
  process.kill(worker.pid, 'SIGSTOP');
  await delay(ms);
  if (worker.isAlive()) process.kill(worker.pid, 'SIGCONT');
}

async function report(
  { db }: Service, receiver: Receiver,
  { endpoints, eventIds, crashes }: { endpoints: readonly (TestEndpoint & { path: string })[]; eventIds: readonly string[]; crashes: number },
): Promise<StormReport> {
  const all = await Promise.all(endpoints.map(({ id }) => readDeliveries(db, id)));
  const violations = await Promise.all(endpoints.map((endpoint) => violationsAt({ db, receiver, endpoint, path: endpoint.path, eventIds, crashes })));
  const deliveries = all.flat();
  const pairs = new Set(deliveries.map(({ eventId, endpointId }) => `${eventId} ${endpointId}`));
  const needed = deliveries.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome !== 'unknown').length;
  const requests = endpoints.reduce((sum, { path }) => sum + receiver.received(path).length, 0);
  const order = receiver.received(endpoints[2]?.path).map(({ headers }) => headers['webhook-id']);
  return {
    violations: violations.flat(),
    undelivered: deliveries.filter(({ status }) => status !== 'DELIVERED').length,
    twice: requests - needed,
    doublePlans: deliveries.length - pairs.size,
    isInOrder: order.filter((id, index) => order.indexOf(id) === index).join() === [...eventIds].sort().join(),
  };
}
