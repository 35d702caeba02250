import { setTimeout as delay } from 'node:timers/promises';
import { insist } from './insist';
import type { Luck } from './luck';
import type { Service } from './service';

/** What clients do, until they are stopped, and what they were acknowledged. */
export interface MixedLoad {
  /** Events that were acknowledged, by themselves or in batches. */
  readonly eventIds: string[];
  /** Objects that were acknowledged, and how many changes of each were, its making included. */
  readonly changes: Map<string, number>;
  /** Statuses of refusals that were met on the way. */
  readonly refused: Map<number, number>;
  resends(): number;
  /** Rejects when a call was refused that should not have been. */
  readonly failed: Promise<never>;
  /** Lets each client come to the end of what it is at. */
  stop(): Promise<void>;
}

/** Who bears the load. */
export interface LoadPlan {
  readonly service: Service;
  readonly luck: Luck;
  readonly headers: Readonly<Record<string, string>>;
  /** Type of the events; ids of one plan are its own. */
  readonly type: string;
  /** Ids of an endpoint that is deactivated and reactivated, and of a rule that is switched off and on. */
  readonly switched: string;
  readonly ruleId: string;
  /** Whether the receivers are too far behind. */
  isBehind(acknowledged: number): boolean;
}

const CLIENTS = 2;
const PAUSE_MS = 120;

/** Starts clients that insist on each call until it is acknowledged, as careful ones do: under the same id or key. */
export function startLoad(plan: LoadPlan): MixedLoad {
  const { service, luck, headers, type, switched, ruleId } = plan;
  const eventIds: string[] = [];
  const changes = new Map<string, number>();
  const refused = new Map<number, number>();
  let count = 0;
  let resends = 0;
  let isOver = false;

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of every shape
  const insistOn = (method: string, path: string, body: unknown, more: Readonly<Record<string, string>> = {}): Promise<any> =>
    insist(service, method, path, body, { headers: { ...headers, ...more }, refused });
  const once = (): Record<string, string> => ({ 'idempotency-key': `${type}-${(count += 1)}` });
  const event = (): object => ({ type, data: { n: (count += 1) }, id: `${type}-${count}` });

  const turns: (() => Promise<void>)[] = [
    async () => void eventIds.push((await insistOn('POST', '/v1/events', event())).id),
    async () => void eventIds.push((await insistOn('POST', '/v1/events', event())).id),
    async () => {
      const { results } = await insistOn('POST', '/v1/events/batch', { events: Array.from({ length: 5 + luck.below(15) }, event) });
      eventIds.push(...results.map(({ id }: { id: string }) => id));
    },
    async () => {
      const { id } = await insistOn('POST', '/v1/records', { type: 'mixed', attributes: { n: 0 } }, once());
      changes.set(id, 1);
    },
    async () => {
      if (changes.size === 0) return;
      const id = luck.pick([...changes.keys()]);
      // Whichever try is the one that counts: the others change nothing, and are told so.
      await insistOn('PATCH', `/v1/records/${id}`, { attributes: { [`n${(count += 1)}`]: count } });
      changes.set(id, (changes.get(id) ?? 0) + 1);
    },
    async () => {
      if (eventIds.length < 50) return;
      // What is not planned yet has nobody to go to, which is a refusal like others.
      const reply = await service.call('POST', `/v1/events/${luck.pick(eventIds)}/resend`, {}, { ...headers, ...once() }).catch(() => null);
      if (reply?.status === 202) resends += 1;
    },
  ];
  const switches: (() => Promise<void>)[] = [
    async () => {
      await insistOn('POST', `/v1/endpoints/${switched}/deactivate`, {});
      await delay(luck.below(3_000));
      await insistOn('POST', `/v1/endpoints/${switched}/reactivate`, { drain: true });
    },
    async () => {
      await insistOn('PATCH', `/v1/rules/${ruleId}`, { enabled: false });
      await delay(luck.below(1_000));
      await insistOn('PATCH', `/v1/rules/${ruleId}`, { enabled: true });
    },
  ];
  const loop = async (some: readonly (() => Promise<void>)[], pauseMs: number): Promise<void> => {
    while (!isOver) {
      if (!plan.isBehind(eventIds.length)) await luck.pick(some)();
      await delay(luck.below(2 * pauseMs));
    }
  };
  const clients = Promise.all([...Array.from({ length: CLIENTS }, () => loop(turns, PAUSE_MS)), loop(switches, 5_000)]);
  // Heard of at the stop; unheard until then, it would end the process.
  clients.catch(() => undefined);
  return {
    eventIds, changes, refused,
    resends: () => resends,
    failed: clients.then(() => new Promise<never>(() => undefined)),
    async stop() {
      isOver = true;
      await clients;
    },
  };
}
