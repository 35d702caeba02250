/**
 * Upper bounds of the buckets that times are counted in, in ms; one more bucket is above all. Up to half a minute they lie
 * so close that a percentile read from them is at most a quarter off; beyond they tell minutes, hours and days apart.
 */
export const TIME_BOUNDS_MS: readonly number[] = [
  1, 2, 3, 4, 5, 7, 10, 14, 20, 28, 40, 56, 80, 110, 150, 200, 280, 400, 560, 800, 1_100, 1_500, 2_000, 2_800, 4_000, 5_600, 8_000, 11_000, 15_000,
  20_000, 30_000, 60_000, 120_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 18_000_000, 43_200_000, 86_400_000, 172_800_000, 345_600_000,
];

/** The bucket of a time: 0 to the number of bounds. */
export function bucketOf(ms: number): number {
  let low = 0;
  let high = TIME_BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ms > (TIME_BOUNDS_MS[middle] ?? Infinity)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The time that `share` (0 to 1) of what was counted did not exceed, in ms, taken evenly within its bucket; null where
 * nothing was counted.
 */
export function percentileMs(counts: readonly number[], share: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let rest = all * share;
  for (const [bucket, count] of counts.entries()) {
    if (count >= rest && count > 0) {
      const from = TIME_BOUNDS_MS[bucket - 1] ?? 0;
      const to = TIME_BOUNDS_MS[bucket] ?? from;
      return from + (to - from) * (rest / count);
    }
    rest -= count;
  }
  return TIME_BOUNDS_MS.at(-1) ?? null;
}

/** Adds counts to others, bucket by bucket; the shorter list counts as 0 beyond its end. */
export const addCounts = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, n) => (a[n] ?? 0) + (b[n] ?? 0));
