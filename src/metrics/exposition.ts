import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { Family, Histogram, Instrument, Labels, Meter } from './instruments';
import { Counter, Gauge } from './instruments';

/** The media type of what {@link Exposition.text} answers. */
export const METRICS_TYPE = 'text/plain; version=0.0.4';

/** The metrics of a process as Prometheus reads them. */
export interface Exposition {
  text(): Promise<string>;
}

/** A value as `prom-client` prints it. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Metrics of the process itself: memory, event loop, collections. They watch from the first look on, since watching costs a little. */
let ofProcess: Registry | null = null;

/**
 * What a meter holds, and what the process is like. `before` brings up to date what is read from elsewhere, and never fails;
 * `more` is text of others that is told with it.
 */
export function createExposition(meter: Meter, { before, more }: { before?: () => Promise<void>; more?: () => Promise<string> } = {}): Exposition {
  return {
    async text() {
      ofProcess ??= watchProcess();
      await before?.();
      return (await Promise.all([registryOf(meter).metrics(), ofProcess.metrics(), more?.() ?? ''])).join('\n');
    },
  };
}

function registryOf({ families }: Meter): Registry {
  const registry = new Registry();
  for (const family of families) {
    const metric = { ...family, get: () => Promise.resolve({ ...family, values: samplesOf(family) }) };
    // All that a registry asks of a metric; its own classes would look up each observation by the text of its labels.
    registry.registerMetric(metric as unknown as Metric);
  }
  return registry;
}

function watchProcess(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

function samplesOf({ name, series }: Family): Sample[] {
  return series.flatMap(({ labels, of, omitsUnused }) => (omitsUnused && isUnused(of) ? [] : samplesOfOne(name, labels, of)));
}

function samplesOfOne(name: string, labels: Labels, of: Instrument): Sample[] {
  if (of instanceof Counter) return [{ labels, value: of.total }];
  if (!(of instanceof Gauge)) return bucketsOf(name, labels, of);
  const value = of.ask();
  return value === null ? [] : [{ labels, value }];
}

function bucketsOf(name: string, labels: Labels, { bounds, counts, sum }: Histogram): Sample[] {
  let count = 0;
  const buckets = [...bounds, '+Inf'].map((le, place): Sample => {
    count += counts[place] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count }];
}

const isUnused = (of: Instrument): boolean => (of instanceof Counter ? of.total === 0 : of instanceof Gauge ? of.ask() === null : of.counts.every((count) => count === 0));
