import type { Config } from '../config';

/** A bucket of tokens that paces the starts of workflows. */
export interface Tokens {
  /** Until there are so many tokens, in ms; 0: now. */
  waitMs(tokens?: number): number;
  /** Takes tokens, also more than there are: the next start waits the longer. */
  spend(tokens: number): void;
  /** Whole tokens that are there. */
  saved(): number;
}

/** Tokens that can be saved up, as a share of a second's: a lone event among few finds one at once. */
const SAVED_SHARE = 0.25;

/** A bucket that fills by `WORKFLOW_STARTS_PER_SECOND`; never empty where each event has a workflow of its own, whatever that costs. */
export function createTokens({ WORKFLOW_STARTS_PER_SECOND: perSecond, EVENTS_PER_WORKFLOW }: Config): Tokens {
  if (EVENTS_PER_WORKFLOW === 1) return { waitMs: () => 0, spend: () => undefined, saved: () => Infinity };
  const most = Math.max(1, perSecond * SAVED_SHARE);
  let tokens = most;
  let at = performance.now();
  const refill = (): void => {
    const now = performance.now();
    tokens = Math.min(most, tokens + ((now - at) / 1000) * perSecond);
    at = now;
  };
  return {
    waitMs(wanted = 1) {
      refill();
      return tokens >= wanted ? 0 : Math.max(1, Math.ceil(((wanted - tokens) / perSecond) * 1000));
    },
    spend(spent) {
      tokens -= spent;
    },
    saved: () => Math.floor(tokens),
  };
}
