/** Chance that can be had again: the same seed gives the same turns. */
export interface Luck {
  readonly seed: number;
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  pick<T>(items: readonly T[]): T;
}

/** Luck by `POSTHORN_SEED`, else by a seed of its own, which a failing test must tell. */
export function createLuck(seed = Number(process.env['POSTHORN_SEED'] || Math.floor(Math.random() * 2 ** 31))): Luck {
  let state = seed >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    seed,
    below,
    pick(items) {
      if (items.length === 0) throw new Error('nothing to pick from');
      return items[below(items.length)] as (typeof items)[number];
    },
  };
}
