import { addCounts, percentileMs } from '../domain/stats';
import type { HourCounts, WorkspaceHealth } from '../store/stats';
import { COUNTED_HELD } from '../store/stats';

const HOUR_MS = 3_600_000;
const NONE: HourCounts = { events: 0, owed: 0, delivered: 0, failedAttempts: 0, exhausted: 0, latencies: [], durations: [] };

/** What statistics are told of. */
export interface StatsSpan {
  /** The start of the first hour. */
  readonly since: Date;
  readonly until: Date;
  readonly endpointId: string | null;
}

/** Statistics as the API shows them: every hour of the span, with what it counts. */
export function presentStats({ since, until, endpointId }: StatsSpan, rows: readonly (HourCounts & { readonly hour: Date })[], health: WorkspaceHealth) {
  const byHour = new Map(rows.map((row) => [row.hour.getTime(), row]));
  const starts = Array.from({ length: Math.ceil((until.getTime() - since.getTime()) / HOUR_MS) }, (_, n) => since.getTime() + n * HOUR_MS);
  const present = (counts: HourCounts, spanMs: number) => presentCounts(counts, spanMs, endpointId !== null);
  return {
    since: since.toISOString(),
    until: until.toISOString(),
    endpointId,
    hours: starts.map((start) => ({
      hour: new Date(start).toISOString(),
      ...present(byHour.get(start) ?? NONE, Math.min(HOUR_MS, until.getTime() - start)),
    })),
    total: present(rows.reduce(added, NONE), until.getTime() - since.getTime()),
    held: { count: health.held, complete: health.held < COUNTED_HELD },
    endpoints: {
      active: health.endpoints.get('ACTIVE') ?? 0, failing: health.endpoints.get('FAILING') ?? 0, deactivated: health.endpoints.get('DEACTIVATED') ?? 0,
    },
    unwell: health.unwell.map(({ statusReason: reason, statusSince, ...rest }) => ({ ...rest, reason, since: statusSince.toISOString() })),
  };
}

function presentCounts({ latencies, durations, ...counts }: HourCounts, spanMs: number, isOfEndpoint: boolean) {
  const { events, owed, delivered, failedAttempts, exhausted } = counts;
  const attempts = delivered + failedAttempts;
  return {
    events: isOfEndpoint ? null : events,
    owed, delivered, failedAttempts, exhausted,
    successRate: attempts === 0 ? null : delivered / attempts,
    deliveredPerSecond: spanMs > 0 ? delivered / (spanMs / 1_000) : 0,
    latency: timesOf(latencies),
    duration: timesOf(durations),
  };
}

const timesOf = (counts: readonly number[]) => ({ p50Ms: percentileMs(counts, 0.5), p95Ms: percentileMs(counts, 0.95) });

const added = (a: HourCounts, b: HourCounts): HourCounts => ({
  events: a.events + b.events, owed: a.owed + b.owed, delivered: a.delivered + b.delivered, failedAttempts: a.failedAttempts + b.failedAttempts,
  exhausted: a.exhausted + b.exhausted, latencies: addCounts(a.latencies, b.latencies), durations: addCounts(a.durations, b.durations),
});
