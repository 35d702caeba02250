/** Counts up. */
export class Counter {
  total = 0;

  add(times = 1): void {
    this.total += times;
  }
}

/** Is asked when it is looked at; null: not known now, and left out. */
export class Gauge {
  ask: () => number | null = () => null;
}

/** Sorts values into buckets. The hot path writes here, so this is an array and no more: the rest is done when somebody looks. */
export class Histogram {
  /** How many values were at most the bound of the same place and above the one before; the last are above all. */
  readonly counts: Float64Array;
  sum = 0;

  /** @param bounds ascending */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Takes `times` equal values. */
  observe(value: number, times = 1): void {
    const { bounds, counts } = this;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] as number)) place += 1;
    counts[place] = (counts[place] as number) + times;
    this.sum += value * times;
  }

  /** Takes a time in ms into a histogram of seconds; clocks that differ may make it negative, which counts as none. */
  observeMs(ms: number, times = 1): void {
    this.observe(ms > 0 ? ms / 1_000 : 0, times);
  }
}

/** One of the three. */
export type Instrument = Counter | Gauge | Histogram;

/** Values of labels, by name. */
export type Labels = Readonly<Record<string, string>>;

/** All series of one name. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly series: {
    readonly labels: Labels;
    readonly of: Instrument;
    /** Left out while nothing was observed: one of many, which are mostly not used. */
    readonly omitsUnused: boolean;
  }[];
}

/** What a metric is called, and what it tells. Names end with their unit, `_total` for counters. */
export interface Told {
  readonly name: string;
  readonly help: string;
  readonly omitsUnused?: boolean;
}

/** The metrics of a process. Each series is made once, at its start, from closed lists: what is observed makes none. */
export interface Meter {
  readonly families: readonly Family[];
  counter(told: Told, labels?: Labels): Counter;
  gauge(told: Told, labels?: Labels): Gauge;
  histogram(told: Told, bounds: readonly number[], labels?: Labels): Histogram;
}

/** A meter without anything. */
export function createMeter(): Meter {
  const families = new Map<string, Family>();

  function add<I extends Instrument>(type: Family['type'], { name, help, omitsUnused = false }: Told, labels: Labels, of: I): I {
    const family = families.get(name) ?? { name, help, type, series: [] };
    families.set(name, family);
    family.series.push({ labels, of, omitsUnused });
    return of;
  }

  return {
    get families() {
      return [...families.values()];
    },
    counter: (told, labels = {}) => add('counter', told, labels, new Counter()),
    gauge: (told, labels = {}) => add('gauge', told, labels, new Gauge()),
    histogram: (told, bounds, labels = {}) => add('histogram', told, labels, new Histogram(bounds)),
  };
}

/** One of each, by the value of a label. */
export const each = <V extends string, I>(values: readonly V[], make: (value: V) => I): Readonly<Record<V, I>> =>
  Object.fromEntries(values.map((value) => [value, make(value)])) as Record<V, I>;
