import type { Stats } from './answers';
import { count, duration } from './format';
import { Plot } from './plot';

/** The plots of some hours: deliveries, and how long they took. */
export function Hours({ stats, times }: { readonly stats: Stats; readonly times: 'latency' | 'duration' }) {
  const { hours, total } = stats;
  const at = hours.map(({ hour }) => Date.parse(hour) / 1_000);
  const what = times === 'latency' ? 'From event to delivery' : 'Time of an attempt';
  return (
    <div class="plots">
      <div>
        <h3>Deliveries an hour</h3>
        <Plot
          label={`Deliveries an hour: ${count(total.delivered)} delivered, ${count(total.failedAttempts)} attempts failed, ${count(total.exhausted)} given up in all`}
          times={at} format={compact}
          series={[
            { label: 'failed attempts', colour: '--bad', values: hours.map((hour) => hour.delivered + hour.failedAttempts), isBars: true },
            { label: 'delivered', colour: '--good', values: hours.map((hour) => hour.delivered), isBars: true },
          ]}
        />
      </div>
      <div>
        <h3>{what}</h3>
        <Plot
          label={`${what}: half within ${duration(total[times].p50Ms)}, 95 of 100 within ${duration(total[times].p95Ms)}`}
          times={at} format={duration}
          series={[
            { label: 'p95', colour: '--other', values: hours.map((hour) => hour[times].p95Ms) },
            { label: 'p50', colour: '--accent', values: hours.map((hour) => hour[times].p50Ms) },
          ]}
        />
      </div>
    </div>
  );
}

const compact = (n: number): string => Intl.NumberFormat('en', { notation: 'compact' }).format(n);
