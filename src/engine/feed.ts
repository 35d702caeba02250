import { feedItem, feedText, FEED_BYTES, WATCH_FORGOTTEN_MS, type FedDelivery } from '../store/live-feed';

/** Least time between two messages of a workspace, and the time in which others may join the first one, in ms. */
const EVERY_MS = 250;
const GATHER_MS = 20;

interface Batch {
  events: number;
  statuses: Record<string, number>;
  items: string[] | null;
  bytes: number;
}

/**
 * Tells those who watch a workspace what becomes of its deliveries: a message at most every quarter of a second, which
 * only counts where there is too much for one. While nobody watches, a look into an empty map.
 */
export class Feed {
  private readonly watchedUntil = new Map<string, number>();
  private batches = new Map<string, Batch>();
  private timer: NodeJS.Timeout | null = null;
  private toldAt = -Infinity;

  /** `tell` sends a message to whoever listens; it must not throw. */
  constructor(private readonly tell: (text: string) => void) {}

  /** Somebody watches these workspaces: ids with commas, as an API says it. */
  watch(workspaceIds: string): void {
    for (const id of workspaceIds.split(',')) if (id !== '') this.watchedUntil.set(id, performance.now() + WATCH_FORGOTTEN_MS);
  }

  /** Whether anybody watches this workspace. */
  isWatched(workspaceId: string): boolean {
    if (this.watchedUntil.size === 0) return false;
    const until = this.watchedUntil.get(workspaceId);
    if (until === undefined) return false;
    if (until >= performance.now()) return true;
    this.watchedUntil.delete(workspaceId);
    return false;
  }

  /** Events of a watched workspace were planned. */
  events(workspaceId: string, count: number): void {
    this.batchOf(workspaceId).events += count;
  }

  /** A delivery of a watched workspace was planned or attempted. */
  delivery(workspaceId: string, delivery: FedDelivery): void {
    const batch = this.batchOf(workspaceId);
    batch.statuses[delivery.status] = (batch.statuses[delivery.status] ?? 0) + 1;
    if (batch.items === null) return;
    const item = feedItem(delivery);
    batch.bytes += Buffer.byteLength(item) + 1;
    if (batch.bytes > FEED_BYTES) batch.items = null;
    else batch.items.push(item);
  }

  /** Tells nothing more. */
  close(): void {
    if (this.timer) clearTimeout(this.timer);
    this.watchedUntil.clear();
  }

  private batchOf(workspaceId: string): Batch {
    const known = this.batches.get(workspaceId);
    if (known) return known;
    const batch: Batch = { events: 0, statuses: {}, items: [], bytes: 300 };
    this.batches.set(workspaceId, batch);
    this.timer ??= setTimeout(() => this.flush(), Math.max(GATHER_MS, this.toldAt + EVERY_MS - performance.now()));
    return batch;
  }

  private flush(): void {
    const { batches } = this;
    this.timer = null;
    this.toldAt = performance.now();
    this.batches = new Map();
    for (const [workspaceId, { events, statuses, items }] of batches) this.tell(feedText({ workspaceId, events, statuses }, items));
  }
}
