import type { Policy } from '../domain/policy';

/** What wants a place: a first attempt, a retry of a delivery's own workflow, or what waits in the endpoint's lane. */
export type Entrant = 'first' | 'retry' | 'lane';

/**
 * Lets attempts at an endpoint through: so many in flight, so many a second, this worker's share of both; and so many in
 * flight over all endpoints, first attempts apart from all others, so that neither can take the other's places.
 */
export interface Gate {
  /**
   * Waits at most `waitMs` for a place in flight and a token of the rate. Answers the function that gives the place
   * back, or null where none came free in time. The three kinds of an endpoint's entrants take turns.
   */
  enter(endpointId: string, policy: Policy, waitMs: number, as: Entrant): Promise<(() => void) | null>;
  /** Whether a first attempt could not get through within `waitMs`: too many wait already, or all that are in hang. */
  isCrowded(endpointId: string, policy: Policy, waitMs: number): boolean;
  /** Attempts in flight at an endpoint, by this worker. */
  inFlight(endpointId: string): number;
  /** Tells how many workers share the caps; each takes cap / workers, rounded up. */
  setWorkers(count: number): void;
}

/** Attempts in flight of a worker over all endpoints. */
export interface GatePlaces {
  readonly first: number;
  /** Of retries and lanes. */
  readonly later: number;
}

interface Waiter {
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
  wakeAt: NodeJS.Timeout | null;
  policy: Policy;
}

interface Pool {
  readonly places: number;
  used: number;
  /** Lanes in which somebody waits for one of these places, longest first. */
  readonly short: Set<Lane>;
}

const ENTRANTS = ['first', 'retry', 'lane'] as const;

/** Enough for a thousand attempts a second at receivers that take half of one, in some 50 MB. */
const PLACES: GatePlaces = { first: 600, later: 400 };
/** When so much of the places is taken, an endpoint that has one gets no more: many that hang leave the rest to the others. */
const FULL_SHARE = 0.75;
/** Where all places of an endpoint are taken, and nothing has moved for so many times the wait, waiting is in vain. */
const STALLED_WAITS = 4;
/** Lanes without anybody in them are forgotten when there are more than this. */
const KEPT_LANES = 10_000;

/** A gate of this process; `now` in ms. */
export function createGate(now: () => number = () => performance.now(), places: GatePlaces = PLACES): Gate {
  const lanes = new Map<string, Lane>();
  const first: Pool = { places: places.first, used: 0, short: new Set() };
  const later: Pool = { places: places.later, used: 0, short: new Set() };
  const poolOf = (as: Entrant): Pool => (as === 'first' ? first : later);
  let workers = 1;

  const cap = (policy: Policy): number => Math.ceil(policy.maxInFlight / workers);
  const rate = (policy: Policy): number => Math.ceil(policy.ratePerSecond / workers);
  const waitingIn = ({ waiting }: Lane): number => waiting.first.length + waiting.retry.length + waiting.lane.length;

  function laneOf(endpointId: string, policy: Policy): Lane {
    let lane = lanes.get(endpointId);
    if (!lane) {
      const at = now();
      lane = {
        inFlight: 0, tokens: rate(policy), refilledAt: at, movedAt: at, waiting: { first: [], retry: [], lane: [] }, turn: 0, wakeAt: null, policy,
      };
      lanes.set(endpointId, lane);
      if (lanes.size > KEPT_LANES) forgetIdle();
    }
    lane.policy = policy;
    return lane;
  }

  function forgetIdle(): void {
    for (const [id, lane] of lanes) {
      if (lane.inFlight === 0 && waitingIn(lane) === 0 && now() - lane.refilledAt > 1000) lanes.delete(id);
    }
  }

  function refill(lane: Lane): void {
    const at = now();
    const perSecond = rate(lane.policy);
    lane.tokens = Math.min(perSecond, lane.tokens + ((at - lane.refilledAt) / 1000) * perSecond);
    lane.refilledAt = at;
  }

  const hasPlace = (lane: Lane, pool: Pool): boolean =>
    pool.used < (lane.inFlight === 0 ? pool.places : Math.ceil(pool.places * FULL_SHARE));

  function take(lane: Lane, policy: Policy, as: Entrant): (() => void) | null {
    const pool = poolOf(as);
    if (lane.inFlight >= cap(policy)) return null;
    if (!hasPlace(lane, pool)) {
      pool.short.add(lane);
      return null;
    }
    if (lane.tokens < 1) refill(lane);
    if (lane.tokens < 1) return null;
    lane.tokens -= 1;
    lane.inFlight += 1;
    lane.movedAt = now();
    pool.used += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      lane.inFlight -= 1;
      lane.movedAt = now();
      pool.used -= 1;
      admit(lane);
      admitShort(pool);
    };
  }

  /** Those who wait are let in by turns of their kinds, each kind in the order in which it came. */
  function admit(lane: Lane): void {
    for (let passed = 0; passed < ENTRANTS.length && waitingIn(lane) > 0;) {
      const as = ENTRANTS[lane.turn] ?? 'first';
      lane.turn = (lane.turn + 1) % ENTRANTS.length;
      const [waiter] = lane.waiting[as];
      const release = waiter ? take(lane, waiter.policy, as) : null;
      if (!waiter || !release) {
        passed += 1;
        continue;
      }
      passed = 0;
      lane.waiting[as].shift();
      clearTimeout(waiter.timer);
      waiter.through(release);
    }
    if (waitingIn(lane) > 0 && lane.inFlight < cap(lane.policy) && lane.tokens < 1 && !lane.wakeAt) {
      const untilToken = Math.max(1, ((1 - lane.tokens) / rate(lane.policy)) * 1000);
      lane.wakeAt = setTimeout(() => {
        lane.wakeAt = null;
        admit(lane);
      }, untilToken);
    }
  }

  /** A place of the worker is free: the lane that has waited longest for one may look. */
  function admitShort(pool: Pool): void {
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
      const release = waitingIn(lane) === 0 ? take(lane, policy, as) : null;
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
    inFlight: (endpointId) => lanes.get(endpointId)?.inFlight ?? 0,
    setWorkers(count) {
      workers = Math.max(1, count);
    },
  };
}
