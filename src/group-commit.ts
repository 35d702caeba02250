/** Collects what arrives while earlier batches are being written, and writes it together. */
export interface GroupCommit<T, R> {
  /** Resolves or rejects when the batch that holds `item` is written. */
  add(item: T): Promise<R>;
  /** Resolves when nothing is left to be written. */
  drain(): Promise<void>;
}

interface Entry<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * At most `writers` batches of at most `largest` items are under way; what comes meanwhile waits for the next one. A
 * lone item is written at once, so nothing waits for company. `write` answers one result for each item, in order.
 */
export function createGroupCommit<T, R>(
  { writers, largest }: { writers: number; largest: number },
  write: (items: readonly T[]) => Promise<readonly R[]>,
): GroupCommit<T, R> {
  const waiting: Entry<T, R>[] = [];
  const idle: (() => void)[] = [];
  let active = 0;
  let scheduled = false;

  function pump(): void {
    scheduled = false;
    while (active < writers && waiting.length > 0) void run(waiting.splice(0, largest));
    if (active === 0 && waiting.length === 0) idle.splice(0).forEach((done) => done());
  }

  async function run(batch: Entry<T, R>[]): Promise<void> {
    active += 1;
    try {
      const results = await write(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => entry.resolve(results[index] as R));
    } catch (error) {
      batch.forEach((entry) => entry.reject(error));
    } finally {
      active -= 1;
      pump();
    }
  }

  return {
    add: (item) => new Promise<R>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // One turn of the event loop lets what is ready at the same time share the batch.
      if (!scheduled) {
        scheduled = true;
        setImmediate(pump);
      }
    }),
    drain: () => new Promise((resolve) => {
      idle.push(resolve);
      if (!scheduled) {
        scheduled = true;
        setImmediate(pump);
      }
    }),
  };
}
