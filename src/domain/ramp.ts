/** How many requests a recovering endpoint may have in flight, and the successes since that last grew. */
export interface Ramp {
  readonly inFlight: number;
  readonly successes: number;
}

/** Where a drain begins. */
export const RAMP_START: Ramp = { inFlight: 1, successes: 0 };

const SUCCESSES_A_STEP = 10;

/** One more in flight per ten successes up to the cap; halved at a failure, never below one. */
export function nextRamp(ramp: Ramp, isSuccess: boolean, cap: number): Ramp {
  if (!isSuccess) return { inFlight: Math.max(1, Math.floor(ramp.inFlight / 2)), successes: 0 };
  const successes = ramp.successes + 1;
  return successes >= SUCCESSES_A_STEP ? { inFlight: Math.min(cap, ramp.inFlight + 1), successes: 0 } : { ...ramp, successes };
}
