import { AppError } from '../errors';

/** Counts what is done under a name: requests by key, wrong keys by address. */
export interface RateLimit {
  /** Counts one. @throws AppError 429, with the seconds to wait, where the name has used up its rate. */
  take(name: string, nowMs: number): void;
  /** Counts one less: what was taken turned out to be nothing that is limited. */
  giveBack(name: string): void;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Names counted at most; beyond that all start anew with a full bucket. */
const MAX_NAMES = 10_000;

/** A token bucket for each name: `perSecond` a second, as many at once after a pause. Each process counts by itself. `rule` says so to a caller. */
export function createRateLimit(perSecond: number, rule: string): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take(name, nowMs) {
      if (buckets.size >= MAX_NAMES) buckets.clear();
      const bucket = buckets.get(name) ?? { tokens: perSecond, at: nowMs };
      buckets.set(name, bucket);
      bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, nowMs - bucket.at) / 1_000) * perSecond);
      bucket.at = Math.max(bucket.at, nowMs);
      if (bucket.tokens < 1) throw new AppError('too_many_requests', rule, [], Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond)));
      bucket.tokens -= 1;
    },
    giveBack(name) {
      const bucket = buckets.get(name);
      if (bucket) bucket.tokens = Math.min(perSecond, bucket.tokens + 1);
    },
  };
}
