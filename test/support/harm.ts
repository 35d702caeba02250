import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosProxy, Direction, Fault } from './chaos-proxy';
import type { Luck } from './luck';
import type { OwnServers } from './own-servers';
import type { Service } from './service';
import { until } from './wait';

/** Where harm can be done. */
export interface Victims {
  readonly service: Service;
  readonly servers: OwnServers;
  /** By who uses them. */
  readonly proxies: Readonly<Record<string, ChaosProxy>>;
  readonly workers: number;
  /** Of the next worker that is started. */
  workerEnv(): Readonly<Record<string, string>>;
}

/** What was done, counted. */
export type HarmDone = Record<string, number>;

/**
 * Brings the number of workers up to what it was; one that ends at its start, since PostgreSQL is away, is started again, and so is
 * a Temporal that was ended since it answered nothing.
 */
export const refill = ({ service, servers, workers, workerEnv }: Victims): Promise<true> => until(async () => {
  if (servers.temporal.server.ended()) await servers.restartTemporal();
  while (service.workers().length < workers) await service.startWorker(workerEnv());
  return true;
}, { what: 'the workers', deadlineMs: 180_000 });

/** Starts an API in place of one that is gone; one that ends at its start, since PostgreSQL is away, is started again. */
const restartApi = (service: Service): Promise<unknown> => until(() => service.startApi(), { what: 'the API', deadlineMs: 120_000 });

const OUTAGES: readonly Fault[] = ['blackhole', 'reset', { delayMs: 200 }, { bytesPerSecond: 50_000 }, { cutAfter: 20_000 }];
const DIRECTIONS: readonly (Direction | undefined)[] = [undefined, undefined, 'there', 'back'];

/** What can be done, each for at most so long. The name is what is counted. */
const KINDS: Readonly<Record<string, (victims: Victims, luck: Luck) => Promise<void>>> = {
  async workerKilled(victims, luck) {
    await luck.pick(victims.service.workers()).kill();
    await delay(luck.below(1_500));
    await refill(victims);
  },
  async workerStopped({ service }, luck) {
    const victim = luck.pick(service.workers());
    process.kill(victim.pid, 'SIGSTOP');
    await delay(luck.below(8_000));
    if (victim.isAlive()) process.kill(victim.pid, 'SIGCONT');
  },
  async apiKilled({ service }, luck) {
    await service.api().kill();
    await delay(luck.below(500));
    await restartApi(service);
  },
  async temporalKilled({ servers }, luck) {
    await servers.killTemporal();
    await delay(luck.below(4_000));
    await servers.restartTemporal();
  },
  async postgresKilled({ servers }, luck) {
    await servers.killPostgres();
    await delay(luck.below(3_000));
    await servers.restartPostgres();
  },
  async networkFaulty({ proxies }, luck) {
    const proxy = proxies[luck.pick(Object.keys(proxies))] as ChaosProxy;
    proxy.set(luck.pick(OUTAGES), luck.pick(DIRECTIONS));
    await delay(luck.below(9_000));
    proxy.set('pass');
  },
};

/** Kinds in the proportion in which they come. */
const KILLS = ['workerKilled', 'workerKilled', 'workerKilled', 'workerStopped', 'apiKilled', 'temporalKilled', 'postgresKilled'];
/** After these what needs PostgreSQL or Temporal could not go on. */
const OUTAGE: ReadonlySet<string> = new Set(['temporalKilled', 'postgresKilled', 'networkFaulty']);

/** Harm that is being done. */
export interface Harm {
  readonly done: HarmDone;
  /** How many outages of PostgreSQL, Temporal or the network have begun and ended so far: a look between which and the last this has not moved saw none. */
  outages(): number;
  /** Fulfilled when the time is over and everything is as it was. */
  readonly end: Promise<void>;
}

/** Does harm after harm for so long, as luck has it: kills one after the other, and faults of the network beside them. */
export function doHarm(victims: Victims, luck: Luck, forMs: number, pauseMs: number): Harm {
  const done: HarmDone = {};
  const endsAt = performance.now() + forMs;
  let outages = 0;
  const count = (kind: string, times = 1): void => void (done[kind] = (done[kind] ?? 0) + times);
  const act = async (kind: string): Promise<void> => {
    if (OUTAGE.has(kind)) outages += 1;
    await KINDS[kind]?.(victims, luck);
    if (OUTAGE.has(kind)) outages += 1;
    count(kind);
  };
  const kill = async (): Promise<void> => {
    await delay(luck.below(2 * pauseMs));
    await act(luck.pick(KILLS));
    // What fell over by itself meanwhile is started again by whoever runs it.
    if (!victims.service.api().isAlive()) {
      count('apiFellOver');
      await restartApi(victims.service);
    }
    if (victims.servers.temporal.server.ended()) {
      count('temporalFellSilent');
      await victims.servers.restartTemporal();
    }
    const missing = victims.workers - victims.service.workers().length;
    if (missing > 0) {
      count('workerFellOver', missing);
      await refill(victims);
    }
  };
  const disturb = async (): Promise<void> => {
    await delay(luck.below(2 * pauseMs));
    await act('networkFaulty');
  };
  let hasFailed = false;
  const untilOver = async (turn: () => Promise<void>): Promise<void> => {
    while (performance.now() < endsAt && !hasFailed) await turn();
  };
  const end = Promise.all([untilOver(kill), untilOver(disturb)]).then(() => undefined);
  end.catch(() => (hasFailed = true));
  return { done, outages: () => outages, end };
}
