import type { Tokens } from './tokens';

/** Most that wait for a turn: half of what the relay has claimed at most, so that signals find room beside them. */
const LONGEST_LINE = 100;

/** Says which retries get a workflow of their own. */
export interface RetryTurns {
  /** Calls `then(true)` when one may be started, within `withinMs`; `then(false)`, at once, where none can be so soon. */
  ask(withinMs: number, then: (isGranted: boolean) => void): void;
  /** Forgets who waits. */
  stop(): void;
}

/**
 * Turns in the order in which they were asked for, as fast as the bucket fills. Many deliveries that fail at once must not
 * take the processor from those that don't: whose turn would come too late is made by its endpoint's lane.
 */
export function createRetryTurns(tokens: Tokens): RetryTurns {
  const line: ((isGranted: boolean) => void)[] = [];
  let timer: NodeJS.Timeout | null = null;

  function pump(): void {
    timer = null;
    while (line.length > 0 && tokens.waitMs() === 0) {
      tokens.spend(1);
      line.shift()?.(true);
    }
    if (line.length > 0) timer = setTimeout(pump, tokens.waitMs());
  }

  return {
    ask(withinMs, then) {
      if (line.length === LONGEST_LINE || tokens.waitMs(line.length + 1) > withinMs) return then(false);
      line.push(then);
      if (!timer) pump();
    },
    stop() {
      if (timer) clearTimeout(timer);
      line.length = 0;
    },
  };
}
