import { bucketOf, TIME_BOUNDS_MS } from '../domain/stats';
import type { StatsRow } from '../store/stats';
import { WHOLE } from '../store/stats';

const HOUR_MS = 3_600_000;
const BUCKETS = TIME_BOUNDS_MS.length + 1;

/** The start of the hour of a time, both Unix ms. */
export const hourOf = (atMs: number): number => Math.floor(atMs / HOUR_MS) * HOUR_MS;

/** What is counted of one attempt that is over. */
export interface CountedAttempt {
  readonly workspaceId: string;
  readonly endpointId: string;
  readonly isOk: boolean;
  readonly durationMs: number;
  /** What its record made of the delivery. */
  readonly status: string;
  /** From the event to the answer; null where that says nothing of our speed. */
  readonly latencyMs: number | null;
}

class Counts {
  events = 0;
  owed = 0;
  delivered = 0;
  failedAttempts = 0;
  exhausted = 0;
  readonly latencies = new Int32Array(BUCKETS);
  readonly durations = new Int32Array(BUCKETS);
}

interface Cell {
  readonly own: Counts;
  readonly whole: Counts;
}

/** Counts in memory what a worker does, by hour, for `store/stats`: an attempt costs a look-up and some additions. */
export class Tally {
  private rows = new Map<string, { workspaceId: string; endpointId: string; hourMs: number; counts: Counts }>();
  /** Where the attempts of an endpoint are counted in the hour that is now. */
  private cells = new Map<string, Cell>();
  private cellsHourMs = 0;

  /** Counts events of one workspace that were accepted at these times (Unix ms). */
  events(workspaceId: string, acceptedAtMs: readonly number[]): void {
    let hourMs = NaN;
    let counts: Counts | null = null;
    for (const at of acceptedAtMs) {
      if (!counts || at < hourMs || at >= hourMs + HOUR_MS) {
        hourMs = hourOf(at);
        counts = this.countsOf(workspaceId, WHOLE, hourMs);
      }
      counts.events += 1;
    }
  }

  /** Counts a delivery that was decided on. */
  owed(workspaceId: string, endpointId: string, nowMs: number): void {
    const { own, whole } = this.cell(workspaceId, endpointId, nowMs);
    own.owed += 1;
    whole.owed += 1;
  }

  /** Counts an attempt that is over. */
  attempt({ workspaceId, endpointId, isOk, durationMs, status, latencyMs }: CountedAttempt, nowMs: number): void {
    const { own, whole } = this.cell(workspaceId, endpointId, nowMs);
    const duration = bucketOf(durationMs);
    const latency = latencyMs === null ? -1 : bucketOf(latencyMs);
    for (const counts of [own, whole]) {
      counts.durations[duration] = (counts.durations[duration] ?? 0) + 1;
      if (latency >= 0) counts.latencies[latency] = (counts.latencies[latency] ?? 0) + 1;
      if (!isOk) counts.failedAttempts += 1;
      if (status === 'DELIVERED') counts.delivered += 1;
      else if (status === 'EXHAUSTED') counts.exhausted += 1;
    }
  }

  /** Counts a delivery that was given up without an attempt: it was held for as long as it may be. */
  expired(workspaceId: string, endpointId: string, nowMs: number): void {
    const { own, whole } = this.cell(workspaceId, endpointId, nowMs);
    own.exhausted += 1;
    whole.exhausted += 1;
  }

  /** Hands out all that was counted since the last time. */
  take(): StatsRow[] {
    const { rows } = this;
    this.rows = new Map();
    this.cells = new Map();
    return [...rows.values()].map(({ workspaceId, endpointId, hourMs, counts }) => ({
      workspaceId, endpointId, hourMs, events: counts.events, owed: counts.owed, delivered: counts.delivered,
      failedAttempts: counts.failedAttempts, exhausted: counts.exhausted, latencies: trimmed(counts.latencies), durations: trimmed(counts.durations),
    }));
  }

  /** Takes back what could not be written. */
  giveBack(rows: readonly StatsRow[]): void {
    for (const row of rows) {
      const counts = this.countsOf(row.workspaceId, row.endpointId, row.hourMs);
      counts.events += row.events;
      counts.owed += row.owed;
      counts.delivered += row.delivered;
      counts.failedAttempts += row.failedAttempts;
      counts.exhausted += row.exhausted;
      row.latencies.forEach((count, n) => (counts.latencies[n] = (counts.latencies[n] ?? 0) + count));
      row.durations.forEach((count, n) => (counts.durations[n] = (counts.durations[n] ?? 0) + count));
    }
  }

  private cell(workspaceId: string, endpointId: string, nowMs: number): Cell {
    if (nowMs < this.cellsHourMs || nowMs >= this.cellsHourMs + HOUR_MS) {
      this.cells.clear();
      this.cellsHourMs = hourOf(nowMs);
    }
    const known = this.cells.get(endpointId);
    if (known) return known;
    const cell = { own: this.countsOf(workspaceId, endpointId, this.cellsHourMs), whole: this.countsOf(workspaceId, WHOLE, this.cellsHourMs) };
    this.cells.set(endpointId, cell);
    return cell;
  }

  private countsOf(workspaceId: string, endpointId: string, hourMs: number): Counts {
    const name = `${workspaceId}|${endpointId}|${hourMs}`;
    const row = this.rows.get(name) ?? { workspaceId, endpointId, hourMs, counts: new Counts() };
    this.rows.set(name, row);
    return row.counts;
  }
}

/** The counts without the zeros at their end. */
function trimmed(counts: Int32Array): number[] {
  const last = counts.findLastIndex((count) => count > 0);
  return [...counts.subarray(0, last + 1)];
}
