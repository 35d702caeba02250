import { benchCase as burst } from './burst.mjs';

const seconds = (figure, value, atMost) => ({ figure, value, unit: 's', ...(atMost !== undefined && { budget: { atMost } }) });

/** What a burst takes of the machine: of this run's `burst` where there was one, else of one of its own. */
export const benchCase = {
  name: 'cost',
  order: 11,
  summary: 'CPU seconds of all processes per 1,000 deliveries of a burst, and the peak of memory',
  async run(bench) {
    const known = bench.results.get('burst');
    const { details: { cost }, faults } = known ?? (await burst.run(bench));
    const part = (name) => cost?.untilDone[name] ?? null;
    const isWhole = bench.stack.isWhole;
    return {
      figures: [
        // Servers that are not the run's own can't be told from their other work.
        isWhole ? seconds('CPU per 1,000 deliveries', part('all'), 0.7) : seconds('CPU without servers', cost && part('api') + part('worker')),
        seconds('of it API', part('api')), seconds('of it worker', part('worker')),
        ...(isWhole ? [seconds('of it PostgreSQL', part('postgres')), seconds('of it Temporal', part('temporal'))] : []),
        { figure: 'peak of memory', value: cost?.peakMiB ?? null, unit: 'MiB', ...(isWhole && { budget: { atMost: 1_024 } }) },
      ],
      // Told by `burst` already.
      faults: known ? [] : faults,
      details: cost ?? {},
    };
  },
};
