import { createPace } from '../../src/engine/pace';

const after = (durations: readonly number[]): boolean => {
  const pace = createPace();
  durations.forEach((ms) => pace.add('ep', ms));
  return pace.isSlow('ep');
};
const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe('An endpoint', () => {
  it('is slow when the 95th percentile of its last 20 attempts is above five seconds', () => {
    expect(after([...times(10, 6_000), ...times(10, 6_000)])).toBe(true);
    expect(after([6_000, 6_000, ...times(18, 100)])).toBe(true);
    expect(after([6_000, ...times(19, 100)])).toBe(false);
  });

  it('counts as healthy while it is new', () => {
    expect(after(times(19, 9_000))).toBe(false);
  });

  it('is quick again when its slow attempts are 20 attempts ago', () => {
    expect(after([...times(20, 6_000), ...times(19, 100)])).toBe(false);
  });
});
