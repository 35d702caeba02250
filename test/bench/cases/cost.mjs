import { seconds } from '../figures.mjs';
import { benchCase as burst } from './burst.mjs';

const mib = (figure, value, atMost) => ({ figure, value, unit: 'MiB', ...(atMost !== undefined && { budget: { atMost } }) });

/** What a burst takes of the machine: of this run's `burst` where there was one, else of one of its own. */
export const benchCase = {
  name: 'cost',
  order: 11,
  summary: 'CPU seconds of all processes per 1,000 deliveries of a burst, and the peaks of their memory',
  async run(bench) {
    const known = bench.results.get('burst');
    const { details: { cost }, faults } = known ?? (await burst.run(bench));
    const cpu = (part) => cost?.untilDone[part] ?? null;
    const peak = (part) => cost?.peakMiB?.[part] ?? null;
    const isWhole = bench.stack.isWhole;
    return {
      figures: [
        // Servers that are not the run's own can't be told from their other work.
        isWhole ? seconds('CPU per 1,000 deliveries', cpu('all'), 0.7) : seconds('CPU without servers', cost && cpu('api') + cpu('worker')),
        seconds('of it API', cpu('api')), seconds('of it worker', cpu('worker')),
        ...(isWhole ? [seconds('of it PostgreSQL', cpu('postgres')), seconds('of it Temporal', cpu('temporal'))] : []),
        isWhole ? mib('peak of memory', peak('all'), 1_024) : mib('peak of memory without servers', peak('all')),
        mib('API alone', peak('api')), mib('worker alone', peak('worker')),
        ...(isWhole ? [mib('PostgreSQL alone', peak('postgres')), mib('Temporal alone', peak('temporal'))] : []),
      ],
      // Told by `burst` already.
      faults: known ? [] : faults,
      details: cost ?? {},
    };
  },
};
