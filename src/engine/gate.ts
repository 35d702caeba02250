import type { Policy } from '../domain/policy';
import { countLive, isDrainsTurn, newDrainShare, noteElsewhere, untilDrainsTurn, wasLive, type DrainShare } from './drain-share';
import { hasPlace, newPool, PLACES, type Pool, type WorkerPlaces } from './places';

/**
 * What wants a place: a first attempt, a retry of a delivery's own workflow, what waits in the endpoint's lane, or what was
 * held there and is drained.
 */
export type Entrant = 'first' | 'retry' | 'lane' | 'drain';

/**
 * Lets attempts at an endpoint through: so many in flight, so many a second, this worker's share of both; and so many in
 * flight over all endpoints, first attempts apart from all others, so that neither can take the other's places.
 */
export interface Gate {
  /**
   * Waits at most `waitMs` for a place in flight and a token of the rate. Answers the function that gives the place
   * back, or null where none came free in time. The first three kinds of an endpoint's entrants take turns. A drain gets
   * all that is left; while first attempts come, or what waits in the lane, it gets a fifth of the places, and of the rate
   * a fifth and what those leave of theirs.
   */
  enter(endpointId: string, policy: Policy, waitMs: number, as: Entrant): Promise<(() => void) | null>;
  /** Whether a first attempt could not get through within `waitMs`: too many wait already, or all that are in hang. */
  isCrowded(endpointId: string, policy: Policy, waitMs: number): boolean;
  /** Tells that another worker makes first attempts at an endpoint now. */
  noteLive(endpointId: string): void;
  /** Attempts in flight at an endpoint, by this worker. */
  inFlight(endpointId: string): number;
  /** Tells how many workers share the caps; each takes cap / workers, rounded up. */
  setWorkers(count: number): void;
  /** How many they are. */
  workers(): number;
}

interface Waiter {
  /** Its own: one that must be alone leaves the endpoint's places to the others. */
  readonly policy: Policy;
  readonly through: (release: (() => void) | null) => void;
  readonly timer: NodeJS.Timeout;
}

interface Lane {
  inFlight: number;
  tokens: number;
  refilledAt: number;
  /** When one was last let in or out. */
  movedAt: number;
  readonly waiting: Readonly<Record<Entrant, Waiter[]>>;
  /** Whose turn it is among those who wait. */
  turn: number;
  /** Looks again when a token may have come: at that time. */
  wake: { readonly timer: NodeJS.Timeout; readonly at: number } | null;
  readonly share: DrainShare;
}

/** The kinds that take turns. */
const ENTRANTS = ['first', 'retry', 'lane'] as const;

/** Where all places of an endpoint are taken, and nothing has moved for so many times the wait, waiting is in vain. */
const STALLED_WAITS = 4;
/** Lanes without anybody in them are forgotten when there are more than this. */
const KEPT_LANES = 10_000;

/** A gate of this process; `now` in ms. */
export function createGate(now: () => number = () => performance.now(), places: WorkerPlaces = PLACES): Gate {
  const lanes = new Map<string, Lane>();
  const first = newPool<Lane>(places.first);
  const later = newPool<Lane>(places.later);
  let workers = 1;

  const cap = (policy: Policy): number => Math.ceil(policy.maxInFlight / workers);
  const rate = (policy: Policy): number => Math.ceil(policy.ratePerSecond / workers);
  const othersIn = ({ waiting }: Lane): number => waiting.first.length + waiting.retry.length + waiting.lane.length;
  const waitingIn = (lane: Lane): number => othersIn(lane) + lane.waiting.drain.length;

  function laneOf(endpointId: string, policy: Policy): Lane {
    let lane = lanes.get(endpointId);
    if (!lane) {
      const at = now();
      lane = {
        inFlight: 0, tokens: rate(policy), refilledAt: at, movedAt: at, waiting: { first: [], retry: [], lane: [], drain: [] },
        turn: 0, wake: null, share: newDrainShare(at),
      };
      lanes.set(endpointId, lane);
      if (lanes.size > KEPT_LANES) forgetIdle();
    }
    return lane;
  }

  function forgetIdle(): void {
    for (const [id, lane] of lanes) {
      if (lane.inFlight === 0 && waitingIn(lane) === 0 && now() - lane.refilledAt > 1000) lanes.delete(id);
    }
  }

  function refill(lane: Lane, policy: Policy): void {
    const at = now();
    const perSecond = rate(policy);
    lane.tokens = Math.min(perSecond, lane.tokens + ((at - lane.refilledAt) / 1000) * perSecond);
    lane.refilledAt = at;
  }

  const isLive = (lane: Lane): boolean => othersIn(lane) > 0 || wasLive(lane.share, now());

  function takeDrain(lane: Lane, policy: Policy): (() => void) | null {
    const { share } = lane;
    const live = isLive(lane);
    if (live && !isDrainsTurn(share, policy, othersIn(lane), now())) return null;
    const release = takeOne(lane, policy, later, () => {
      share.inFlight -= 1;
    });
    if (!release) return null;
    if (live) share.tokens -= 1;
    share.others = 0;
    share.inFlight += 1;
    return release;
  }

  const take = (lane: Lane, policy: Policy, as: Entrant): (() => void) | null =>
    as === 'drain' ? takeDrain(lane, policy) : takeOne(lane, policy, as === 'first' ? first : later);

  function takeOne(lane: Lane, policy: Policy, pool: Pool<Lane>, onLeave?: () => void): (() => void) | null {
    if (lane.inFlight >= cap(policy)) return null;
    if (!hasPlace(pool, lane.inFlight === 0)) {
      pool.short.add(lane);
      return null;
    }
    if (lane.tokens < 1) refill(lane, policy);
    if (lane.tokens < 1) return null;
    lane.tokens -= 1;
    lane.inFlight += 1;
    lane.movedAt = now();
    pool.used += 1;
    lane.share.others += 1;
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      onLeave?.();
      lane.inFlight -= 1;
      lane.movedAt = now();
      pool.used -= 1;
      admit(lane);
      admitShort(pool);
    };
  }

  /** Those who wait are let in: of the drain who may, of the other kinds by turns, each in the order in which it came. */
  function admit(lane: Lane): void {
    for (let passed = 0; passed < ENTRANTS.length && waitingIn(lane) > 0;) {
      if (admitOne(lane, 'drain')) continue;
      const as = ENTRANTS[lane.turn] ?? 'first';
      lane.turn = (lane.turn + 1) % ENTRANTS.length;
      passed = admitOne(lane, as) ? 0 : passed + 1;
    }
    if (waitingIn(lane) === 0) return;
    const next = Object.values(lane.waiting).map(([first]) => first).find((first) => first && lane.inFlight < cap(first.policy));
    if (!next) return;
    const untilToken = lane.tokens < 1 ? ((1 - lane.tokens) / rate(next.policy)) * 1000 : 0;
    const untilTurn = othersIn(lane) === 0 && isLive(lane) ? untilDrainsTurn(lane.share, next.policy, now()) : 0;
    if (untilToken > 0 || untilTurn > 0) wakeIn(lane, Math.max(1, untilToken, untilTurn));
  }

  function admitOne(lane: Lane, as: Entrant): boolean {
    const [waiter] = lane.waiting[as];
    const release = waiter ? take(lane, waiter.policy, as) : null;
    if (!waiter || !release) return false;
    lane.waiting[as].shift();
    clearTimeout(waiter.timer);
    waiter.through(release);
    return true;
  }

  function wakeIn(lane: Lane, afterMs: number): void {
    const at = now() + afterMs;
    if (lane.wake && lane.wake.at <= at) return;
    if (lane.wake) clearTimeout(lane.wake.timer);
    const timer = setTimeout(() => {
      lane.wake = null;
      admit(lane);
    }, afterMs);
    lane.wake = { timer, at };
  }

  /** A place of the worker is free: the lane that has waited longest for one may look. */
  function admitShort(pool: Pool<Lane>): void {
    for (let left = pool.short.size; left > 0 && pool.used < pool.places; left -= 1) {
      const [lane] = pool.short;
      if (!lane) return;
      pool.short.delete(lane);
      const usedBefore = pool.used;
      admit(lane);
      if (pool.used > usedBefore) return;
    }
  }

  return {
    async enter(endpointId, policy, waitMs, as) {
      const lane = laneOf(endpointId, policy);
      if (as === 'first' || as === 'lane') countLive(lane.share, now());
      const isNext = waitingIn(lane) === 0;
      const release = isNext ? take(lane, policy, as) : null;
      if (release || waitMs <= 0) return release;
      return new Promise((resolve) => {
        const line = lane.waiting[as];
        const waiter: Waiter = {
          policy,
          through: resolve,
          timer: setTimeout(() => {
            line.splice(line.indexOf(waiter), 1);
            resolve(null);
          }, waitMs),
        };
        line.push(waiter);
        admit(lane);
      });
    },
    isCrowded(endpointId, policy, waitMs) {
      const lane = lanes.get(endpointId);
      if (!lane) return false;
      const kinds = ENTRANTS.filter((as) => as === 'first' || lane.waiting[as].length > 0).length;
      if (lane.waiting.first.length * kinds > (rate(policy) * waitMs) / 1000) return true;
      return lane.inFlight >= cap(policy) && now() - lane.movedAt > waitMs * STALLED_WAITS;
    },
    noteLive(endpointId) {
      const lane = lanes.get(endpointId);
      if (lane) noteElsewhere(lane.share, now());
    },
    inFlight: (endpointId) => lanes.get(endpointId)?.inFlight ?? 0,
    setWorkers(count) {
      workers = Math.max(1, count);
    },
    workers: () => workers,
  };
}
