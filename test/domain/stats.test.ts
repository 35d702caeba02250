import { addCounts, bucketOf, percentileMs, TIME_BOUNDS_MS } from '../../src/domain/stats';

const counted = (times: readonly number[]): number[] => times.reduce<number[]>((counts, ms) => {
  counts[bucketOf(ms)] = (counts[bucketOf(ms)] ?? 0) + 1;
  return counts;
}, Array.from({ length: TIME_BOUNDS_MS.length + 1 }, () => 0));

it('counts a time in the bucket whose bound it does not exceed', () => {
  expect([0, 1, 1.5, 2, 3, 86_400_000].map(bucketOf)).toEqual([0, 0, 1, 1, 2, TIME_BOUNDS_MS.indexOf(86_400_000)]);
  expect(bucketOf(1e12)).toBe(TIME_BOUNDS_MS.length);
});

it.each([[0.5], [0.95], [0.99]])('reads the percentile %p at most a quarter off, up to half a minute', (share) => {
  for (const scale of [1, 30, 900, 2_500]) {
    const times = Array.from({ length: 1_000 }, (_, n) => scale * (1 + (n * 7_919) % 1_000 / 100));
    const exact = [...times].sort((a, b) => a - b)[Math.ceil(share * times.length) - 1] ?? 0;
    const read = percentileMs(counted(times), share) ?? 0;
    expect([scale, Math.abs(read - exact) / exact < 0.25]).toEqual([scale, true]);
  }
});

it('says nothing of nothing, and the last bound of what is above all', () => {
  expect(percentileMs([], 0.5)).toBeNull();
  expect(percentileMs(counted([1e12]), 0.5)).toBe(TIME_BOUNDS_MS.at(-1));
});

it('adds counts of unequal length', () => {
  expect(addCounts([1, 2], [3])).toEqual([4, 2]);
  expect(addCounts([], [0, 5])).toEqual([0, 5]);
});
