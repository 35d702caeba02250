import { AppError } from '../errors';

/** What a process takes at once, at most; what comes beyond is refused with 429 before it costs anything. */
export interface AdmissionLimits {
  /** Calls under way, but for published events: those wait in a queue of their own. */
  readonly calls: number;
  /** Bytes of the bodies of all calls under way. */
  readonly bodyBytes: number;
}

/** One call that was let in. */
export interface Admitted {
  /** Makes room for bytes of its body; false where there is none, or the call is over. */
  hold(count: number): boolean;
  /** The call is over, or goes on as one of another admission. To leave twice does nothing. */
  leave(): void;
}

/** Counts what is under way in a process. */
export interface Admission {
  /** Lets a call in; one that `waitsElsewhere` is not counted, only its body. @throws AppError 429. */
  enter(waitsElsewhere: boolean): Admitted;
}

/** What callers without a key may take, and those whose key is being looked up: apart, so that they can not take it from those who have one. */
export const OF_STRANGERS: AdmissionLimits = { calls: 500, bodyBytes: 64 * 1024 * 1024 };

/**
 * Callers whose key is being looked up for another one already: they cost no query, and their bodies are not read meanwhile. So
 * many as published events may wait, which all come at once where a process begins anew.
 */
export const OF_THE_SAME_KEY: AdmissionLimits = { calls: 10_000, bodyBytes: 0 };

/**
 * A thousand calls wait for a connection to PostgreSQL for a second or two; more would wait until they are given up. The bodies of
 * 128 MiB, parsed, fit into the heap.
 */
const LIMITS: AdmissionLimits = { calls: 1_000, bodyBytes: 128 * 1024 * 1024 };

/** An admission with nothing under way. */
export function createAdmission(limits: AdmissionLimits = LIMITS): Admission {
  let calls = 0;
  let bytes = 0;
  return {
    enter(waitsElsewhere) {
      if (!waitsElsewhere && calls >= limits.calls) throw busy(`More than ${limits.calls} requests are under way`);
      const counted = waitsElsewhere ? 0 : 1;
      calls += counted;
      let held = 0;
      let isOver = false;
      return {
        hold(count) {
          if (isOver || bytes + count > limits.bodyBytes) return false;
          bytes += count;
          held += count;
          return true;
        },
        leave() {
          if (isOver) return;
          isOver = true;
          calls -= counted;
          bytes -= held;
        },
      };
    },
  };
}

/** The 429 of what is refused since too much is under way. */
export const busy = (what: string): AppError => new AppError('too_many_requests', `${what}. Try again shortly.`, [], 1);
