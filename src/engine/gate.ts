import type { Policy } from '../domain/policy';

/** Lets attempts at an endpoint through: so many in flight, so many a second, this worker's share of both. */
export interface Gate {
  /**
   * Waits at most `waitMs` for a place in flight and a token of the rate. Answers the function that gives the place
   * back, or null where none came free in time.
   */
  enter(endpointId: string, policy: Policy, waitMs: number): Promise<(() => void) | null>;
  /** Whether so many wait already that a newcomer could not get through within `waitMs`. */
  isCrowded(endpointId: string, policy: Policy, waitMs: number): boolean;
  /** Attempts in flight at an endpoint, by this worker. */
  inFlight(endpointId: string): number;
  /** Tells how many workers share the caps; each takes cap / workers, rounded up. */
  setWorkers(count: number): void;
}

interface Waiter {
  readonly through: (release: (() => void) | null) => void;
  readonly timer: NodeJS.Timeout;
}

interface Lane {
  inFlight: number;
  tokens: number;
  refilledAt: number;
  readonly waiting: Waiter[];
  wakeAt: NodeJS.Timeout | null;
  policy: Policy;
}

/** Lanes without anybody in them are forgotten when there are more than this. */
const KEPT_LANES = 10_000;

/** A gate of this process; `now` in ms. */
export function createGate(now: () => number = () => performance.now()): Gate {
  const lanes = new Map<string, Lane>();
  let workers = 1;

  const cap = (policy: Policy): number => Math.ceil(policy.maxInFlight / workers);
  const rate = (policy: Policy): number => Math.ceil(policy.ratePerSecond / workers);

  function laneOf(endpointId: string, policy: Policy): Lane {
    let lane = lanes.get(endpointId);
    if (!lane) {
      lane = { inFlight: 0, tokens: rate(policy), refilledAt: now(), waiting: [], wakeAt: null, policy };
      lanes.set(endpointId, lane);
      if (lanes.size > KEPT_LANES) forgetIdle();
    }
    lane.policy = policy;
    return lane;
  }

  function forgetIdle(): void {
    for (const [id, lane] of lanes) {
      if (lane.inFlight === 0 && lane.waiting.length === 0 && now() - lane.refilledAt > 1000) lanes.delete(id);
    }
  }

  function refill(lane: Lane): void {
    const at = now();
    const perSecond = rate(lane.policy);
    lane.tokens = Math.min(perSecond, lane.tokens + ((at - lane.refilledAt) / 1000) * perSecond);
    lane.refilledAt = at;
  }

  function take(lane: Lane): (() => void) | null {
    if (lane.inFlight >= cap(lane.policy)) return null;
    if (lane.tokens < 1) refill(lane);
    if (lane.tokens < 1) return null;
    lane.tokens -= 1;
    lane.inFlight += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      lane.inFlight -= 1;
      admit(lane);
    };
  }

  function admit(lane: Lane): void {
    while (lane.waiting.length > 0) {
      const release = take(lane);
      if (!release) break;
      const waiter = lane.waiting.shift();
      if (!waiter) return release();
      clearTimeout(waiter.timer);
      waiter.through(release);
    }
    if (lane.waiting.length > 0 && lane.inFlight < cap(lane.policy) && !lane.wakeAt) {
      const untilToken = Math.max(1, ((1 - lane.tokens) / rate(lane.policy)) * 1000);
      lane.wakeAt = setTimeout(() => {
        lane.wakeAt = null;
        admit(lane);
      }, untilToken);
    }
  }

  return {
    async enter(endpointId, policy, waitMs) {
      const lane = laneOf(endpointId, policy);
      const release = lane.waiting.length === 0 ? take(lane) : null;
      if (release || waitMs <= 0) return release;
      return new Promise((resolve) => {
        const waiter: Waiter = {
          through: resolve,
          timer: setTimeout(() => {
            lane.waiting.splice(lane.waiting.indexOf(waiter), 1);
            resolve(null);
          }, waitMs),
        };
        lane.waiting.push(waiter);
        admit(lane);
      });
    },
    isCrowded(endpointId, policy, waitMs) {
      const lane = lanes.get(endpointId);
      return lane !== undefined && lane.waiting.length > (rate(policy) * waitMs) / 1000;
    },
    inFlight: (endpointId) => lanes.get(endpointId)?.inFlight ?? 0,
    setWorkers(count) {
      workers = Math.max(1, count);
    },
  };
}
