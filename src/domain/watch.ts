import type { EndpointStatus } from './endpoint';
import { RAMP_START, type Ramp } from './ramp';

/** What a watcher sees of its endpoint besides its health. */
export interface WatchFacts {
  readonly status: EndpointStatus;
  /** Deactivated by itself, not by a person or the receiver's own word: only then it is probed. */
  readonly isProbed: boolean;
  readonly consecutiveFailures: number;
  readonly hasPending: boolean;
  readonly hasDueRetry: boolean;
  readonly hasHeld: boolean;
  /** Rows that were held before are leaving: with one request in flight at first. */
  readonly isDraining: boolean;
  /** Until the lane's next retry is due, in ms; null where none waits. */
  readonly nextRetryMs: number | null;
  /** First wait before a probe, in ms, and the longest; they double in between. */
  readonly probeEveryMs: number;
  readonly probeMaxMs: number;
}

/** What a watcher remembers. */
export interface WatchMemory {
  readonly ramp: Ramp | null;
  readonly probeEveryMs: number;
  readonly probeAt: number;
}

/** A fresh memory: nothing drains, no probe is planned. */
export const FRESH_MEMORY: WatchMemory = { ramp: null, probeEveryMs: 0, probeAt: 0 };

/** What a watcher does next: serves the lane, or waits to be woken, at most so long (null: until it is). */
export type WatchStep =
  | { readonly do: 'serve'; readonly mode: 'all' | 'retries' | 'held'; readonly ramp: Ramp | null; readonly atMost: number | null; readonly memory: WatchMemory }
  | { readonly do: 'wait'; readonly forMs: number | null; readonly memory: WatchMemory };

/** While it fails, an endpoint's counts are looked at this often, so that time alone can change its status. */
const LOOK_AGAIN_MS = 30_000;

/** Decides the next step from what stands in PostgreSQL; `now` in Unix ms. Replayed. */
export function nextWatchStep(facts: WatchFacts, memory: WatchMemory, now: number): WatchStep {
  if (facts.status === 'ACTIVE') return whileActive(facts, memory);
  if (facts.status === 'FAILING' && facts.hasDueRetry) return { do: 'serve', mode: 'retries', ramp: RAMP_START, atMost: null, memory };
  const mode = facts.status === 'FAILING' ? 'all' : 'held';
  const mayProbe = mode === 'all' ? facts.hasPending : facts.hasHeld && facts.isProbed;
  return probing(facts, memory, now, mode, mayProbe);
}

function whileActive(facts: WatchFacts, memory: WatchMemory): WatchStep {
  const ramp = memory.ramp ?? (facts.isDraining ? RAMP_START : null);
  if (facts.hasPending || facts.hasDueRetry) return { do: 'serve', mode: 'all', ramp, atMost: null, memory };
  const forMs = soonest(facts.nextRetryMs, facts.consecutiveFailures > 0 ? LOOK_AGAIN_MS : null);
  return { do: 'wait', forMs, memory: FRESH_MEMORY };
}

function probing(facts: WatchFacts, memory: WatchMemory, now: number, mode: 'all' | 'held', mayProbe: boolean): WatchStep {
  // A policy that allows less patience since counts at once.
  const planned = memory.probeEveryMs > 0
    ? { ...memory, probeAt: Math.min(memory.probeAt, now + facts.probeMaxMs) }
    : { ...memory, probeEveryMs: facts.probeEveryMs, probeAt: now + facts.probeEveryMs };
  if (mayProbe && now >= planned.probeAt) {
    const probeEveryMs = Math.min(planned.probeEveryMs * 2, facts.probeMaxMs);
    return { do: 'serve', mode, ramp: RAMP_START, atMost: 1, memory: { ...planned, probeEveryMs, probeAt: now + probeEveryMs } };
  }
  const untilProbe = mayProbe ? Math.max(1, planned.probeAt - now) : null;
  const untilLook = facts.status === 'FAILING' ? LOOK_AGAIN_MS : null;
  return { do: 'wait', forMs: soonest(untilProbe, facts.status === 'FAILING' ? facts.nextRetryMs : null, untilLook), memory: planned };
}

function soonest(...waits: readonly (number | null)[]): number | null {
  const known = waits.filter((wait) => wait !== null);
  return known.length > 0 ? Math.max(1, Math.min(...known)) : null;
}
