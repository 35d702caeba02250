/** Which endpoints are slow, by this worker's own last attempts. */
export interface Pace {
  add(endpointId: string, durationMs: number): void;
  /** Whether the 95th percentile of the last 20 attempts is above 5 s. An endpoint with fewer counts as healthy. */
  isSlow(endpointId: string): boolean;
}

const KEPT_ATTEMPTS = 20;
const SLOW_MS = 5_000;
const KEPT_ENDPOINTS = 20_000;

/** Remembers durations per endpoint. Only slow ones are worth memory: an endpoint enters with its first slow attempt. */
export function createPace(): Pace {
  const recent = new Map<string, number[]>();
  return {
    add(endpointId, durationMs) {
      const durations = recent.get(endpointId);
      if (!durations) {
        if (durationMs > SLOW_MS && recent.size < KEPT_ENDPOINTS) recent.set(endpointId, [durationMs]);
        return;
      }
      durations.push(durationMs);
      if (durations.length > KEPT_ATTEMPTS) durations.shift();
      if (durations.length === KEPT_ATTEMPTS && durations.every((ms) => ms <= SLOW_MS)) recent.delete(endpointId);
    },
    isSlow(endpointId) {
      const durations = recent.get(endpointId);
      if (!durations || durations.length < KEPT_ATTEMPTS) return false;
      // The 95th percentile of 20 values is the second largest: two slow ones make it slow.
      return durations.filter((ms) => ms > SLOW_MS).length >= 2;
    },
  };
}
