import { type Backlog, readBacklog } from '../store/backlog';
import type { Sql } from '../store/db';
import type { Metrics } from './metrics';

/** What was read is told for so long; where reading takes long, for so many times as long, so that it never is most of the work. */
const KEPT_MS = 5_000;
const KEPT_TIMES = 20;
/** A look at the metrics waits so long for it at most, and tells what was read before. */
const PATIENCE_MS = 2_000;

/** Binds the gauges of what waits. @returns what brings them up to date; it never fails, and is to be called before each look */
export function bindBacklog(metrics: Metrics['api'], sql: Sql): () => Promise<void> {
  let known: Backlog | null = null;
  let goodUntil = -Infinity;
  let reading: Promise<void> | null = null;

  const count = (of: keyof Pick<Backlog, 'outbox' | 'deliveries' | 'endpoints'>, key: string) => (): number | null => known && (known[of].get(key) ?? 0);
  for (const [kind, gauge] of Object.entries(metrics.outboxRows)) gauge.ask = count('outbox', kind);
  for (const [status, gauge] of Object.entries(metrics.deliveriesWaiting)) gauge.ask = count('deliveries', status.toUpperCase());
  for (const [status, gauge] of Object.entries(metrics.endpoints)) gauge.ask = count('endpoints', status.toUpperCase());
  metrics.outboxOldest.ask = () => known && known.outboxOldestSeconds;
  metrics.oldestDue.ask = () => known && known.oldestDueSeconds;
  metrics.databaseUp.ask = () => (known ? 1 : 0);

  async function read(): Promise<void> {
    const startedAt = performance.now();
    known = await readBacklog(sql).catch(() => null);
    const endedAt = performance.now();
    goodUntil = endedAt + Math.max(KEPT_MS, KEPT_TIMES * (endedAt - startedAt));
    reading = null;
  }

  return async () => {
    if (performance.now() < goodUntil) return;
    reading ??= read();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([reading, new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))]);
    clearTimeout(timer);
  };
}
