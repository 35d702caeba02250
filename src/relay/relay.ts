import type { Deps } from '../deps';
import type { FirstAttempts } from '../engine/first-attempts';
import { failpoint } from '../failpoint';
import type { Gate } from '../engine/gate';
import type { Histogram } from '../metrics/instruments';
import {
  claimEvents, claimWakes, countWorkers, freeDeadClaims, renewClaims, returnClaims, shareOf, type ClaimedEvent,
} from '../store/outbox-claim';
import type { Presence } from './presence';
import type { Starts } from './starts';
import type { Waker } from './waker';
import type { Wakes } from './wakes';

/** Claims what the API committed, gives it its head start, and has its workflows started. */
export interface Relay {
  /** Claims no more, and starts or gives back what it holds; first attempts go on. */
  stop(): Promise<void>;
}

/** What the relay drives. */
export interface RelayParts {
  readonly deps: Deps;
  readonly presence: Presence;
  readonly firstAttempts: FirstAttempts;
  readonly gate: Gate;
  readonly starts: Starts;
  readonly wakes: Wakes;
  readonly eventWaker: Waker;
  readonly wakeWaker: Waker;
}

/** Places: claimed events whose first attempts are under way. One is given back when they end, or {@link PLACE_MS} after the plan. */
const PLACES = 128;
/** Most events of one claim: enough to share a statement, few enough to spread over several at a time. */
const CLAIM = 64;
/** While more wait than were claimed, so many places are waited for: a few at a time would take as many statements as many. */
const WORTH_A_CLAIM = CLAIM / 2;
const PLACE_MS = 50;
/** No more is claimed while so many rows wait for their workflow: Temporal is away, or far behind. */
const MOST_WAITING = 5_000;
const MOST_WAKES = 200;
/** Sleep while work waits that there was no place for, and while nothing is known to wait. */
const BUSY_POLL_MS = 50;
const IDLE_POLL_MS = 1_000;
const AFTER_ERROR_MS = 500;
const RENEW_EVERY_MS = 10_000;
const HOUSEKEEPING_EVERY_MS = 1_000;

/** Starts the relay's loops. */
export function startRelay(parts: RelayParts): Relay {
  const { deps, presence, firstAttempts, starts, wakes, eventWaker, wakeWaker } = parts;
  const held = new Map<string, number>();
  let used = 0;
  let hasMore = false;
  let shortSince: number | null = null;
  let isStopping = false;
  const { stages, places, placesUsed, waitingForStart, workers } = deps.metrics.worker;
  let liveWorkers = 1;
  places.ask = () => PLACES;
  placesUsed.ask = () => used;
  waitingForStart.ask = () => starts.waiting();
  workers.ask = () => liveWorkers;

  async function eventTurn(): Promise<number> {
    const free = Math.min(CLAIM, PLACES - used, MOST_WAITING - starts.waiting());
    if (free < (hasMore ? WORTH_A_CLAIM : 1)) {
      shortSince ??= performance.now();
      const restMs = shortSince + BUSY_POLL_MS - performance.now();
      if (free <= 0) return BUSY_POLL_MS;
      if (restMs > 0) return Math.ceil(restMs);
    }
    shortSince = null;
    // As the claim is told: places that are given back meanwhile come too late for it.
    const before = new Map(held);
    const claimed = await claimEvents(deps.db, presence.number, free, PLACES, before);
    const hadMore = hasMore;
    hasMore = claimed.length === free;
    if (claimed.length > 0) take(claimed);
    if (hasMore) return 0;
    // More may wait all the same: others may have had the rows in their hands, and a workspace gets no more than its share beside others.
    if (!hadMore && !isAnyAtItsShare(claimed, before)) return IDLE_POLL_MS;
    shortSince = performance.now();
    return BUSY_POLL_MS;
  }

  function take(claimed: readonly ClaimedEvent[]): void {
    failpoint('after-claim');
    countWait(stages.relay_wait, claimed);
    if (deps.config.HEAD_START) claimed.forEach(takePlace);
    if (deps.config.HEAD_START) giveHeadStart(claimed);
    starts.add(claimed);
  }

  const isAnyAtItsShare = (claimed: readonly ClaimedEvent[], before: ReadonlyMap<string, number>): boolean =>
    [...byWorkspace(claimed)].some(([workspaceId, group]) => group.length + (before.get(workspaceId) ?? 0) >= shareOf(PLACES));

  function giveHeadStart(claimed: readonly ClaimedEvent[]): void {
    for (const group of byWorkspace(claimed).values()) {
      // Planned before: a worker was lost in between. Its workflow looks after the attempts that are open.
      const fresh = group.filter((one) => !one.planned);
      const revision = Math.max(0, ...group.map((one) => one.revision));
      const runs = new Map(firstAttempts.begin(fresh.map((one) => one.event), revision).map((run) => [run.event.id, run]));
      for (const { event } of group) {
        const run = runs.get(event.id);
        givePlaceBack(event.workspaceId, run?.planned, run?.done ?? Promise.resolve());
      }
    }
  }

  function takePlace({ event }: ClaimedEvent): void {
    used += 1;
    held.set(event.workspaceId, (held.get(event.workspaceId) ?? 0) + 1);
  }

  // A slow endpoint stops nobody: its places are free again soon after the plan. A slow machine stops all of us: the time
  // runs from the plan, so that no more is claimed than can be planned.
  function givePlaceBack(workspaceId: string, planned: Promise<unknown> | undefined, done: Promise<void>): void {
    let isHeld = true;
    const giveBack = (): void => {
      if (!isHeld) return;
      isHeld = false;
      clearTimeout(timer);
      used -= 1;
      const left = (held.get(workspaceId) ?? 1) - 1;
      if (left > 0) held.set(workspaceId, left);
      else held.delete(workspaceId);
      if (shortSince !== null && used === PLACES - CLAIM) eventWaker.wake();
    };
    let timer: NodeJS.Timeout | undefined;
    void planned?.then(() => {
      if (isHeld) timer = setTimeout(giveBack, PLACE_MS);
    }, giveBack);
    void done.then(giveBack);
  }

  async function wakeTurn(): Promise<number> {
    const free = MOST_WAKES - wakes.waiting();
    if (free <= 0) return BUSY_POLL_MS;
    const claimed = await claimWakes(deps.db, presence.number, free);
    wakes.pass(claimed);
    return claimed.length < free ? IDLE_POLL_MS : 0;
  }

  async function loop(turn: () => Promise<number>, waker: Waker): Promise<void> {
    while (!isStopping) {
      const sleepMs = await turn().catch((error: unknown) => {
        deps.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'relay.turn_failed');
        return AFTER_ERROR_MS;
      });
      if (sleepMs > 0 && !isStopping) await waker.sleep(sleepMs);
    }
  }

  async function keepHouse(): Promise<void> {
    const freed = await freeDeadClaims(deps.db, presence.number);
    if (freed > 0) {
      deps.log.info({ freed }, 'relay.claims_freed');
      eventWaker.wake();
      wakeWaker.wake();
    }
    liveWorkers = await countWorkers(deps.db);
    parts.gate.setWorkers(liveWorkers);
  }

  const quietly = (work: () => Promise<void>) => (): void => void work().catch(() => undefined);
  const timers = [
    setInterval(quietly(() => renewClaims(deps.db, presence.number, [...starts.held(), ...wakes.held()])), RENEW_EVERY_MS),
    setInterval(quietly(keepHouse), HOUSEKEEPING_EVERY_MS),
  ];
  quietly(keepHouse)();
  const loops = [loop(eventTurn, eventWaker), loop(wakeTurn, wakeWaker)];

  return {
    async stop() {
      isStopping = true;
      timers.forEach((timer) => clearInterval(timer));
      eventWaker.wake();
      wakeWaker.wake();
      await Promise.all(loops);
      const [unstarted] = await Promise.all([starts.stop(), wakes.stop()]);
      if (unstarted.length > 0) await returnClaims(deps.db, unstarted).catch(() => undefined);
    },
  };
}

/** From the commit, by PostgreSQL's clock, to the claim, by ours. What another worker had claimed before tells nothing. */
function countWait(wait: Histogram, claimed: readonly ClaimedEvent[]): void {
  const now = Date.now();
  for (const { event, planned } of claimed) if (!planned) wait.observeMs(now - event.createdAt.getTime());
}

function byWorkspace(claimed: readonly ClaimedEvent[]): Map<string, ClaimedEvent[]> {
  const groups = new Map<string, ClaimedEvent[]>();
  for (const one of claimed) {
    const group = groups.get(one.event.workspaceId);
    if (group) group.push(one);
    else groups.set(one.event.workspaceId, [one]);
  }
  return groups;
}
