import { AppError } from '../errors';

/** Counts requests by key. */
export interface RateLimit {
  /** @throws AppError 429, with the seconds to wait, where the key has used up its rate. */
  take(keyId: string, nowMs: number): void;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Keys counted at most; beyond that all start anew with a full bucket. */
const MAX_KEYS = 10_000;

/** A token bucket for each key: `perSecond` requests a second, as many at once after a pause. Each process counts by itself. */
export function createRateLimit(perSecond: number): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take(keyId, nowMs) {
      if (buckets.size >= MAX_KEYS) buckets.clear();
      const bucket = buckets.get(keyId) ?? { tokens: perSecond, at: nowMs };
      buckets.set(keyId, bucket);
      bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, nowMs - bucket.at) / 1_000) * perSecond);
      bucket.at = nowMs;
      if (bucket.tokens < 1) {
        const waitSeconds = Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
        throw new AppError('too_many_requests', `This key may make ${perSecond} requests a second.`, [], waitSeconds);
      }
      bucket.tokens -= 1;
    },
  };
}
