/**
 * Runs something once for each id. @returns true where it ran; false where it had been done before, or is being done now.
 * @throws what `run` throws; then the id may come again. Where another call with the id is under way, its error.
 */
export type Once = (id: string, run: () => unknown) => Promise<boolean>;

/**
 * Remembers the newest `most` ids (10,000 unless told) of one process, for as long as it lives. Where what is done lasts longer, or
 * more processes than one receive, keep the ids where it is kept, in the same transaction.
 */
export function createOnce(most = 10_000): Once {
  const done = new Set<string>();
  const running = new Map<string, Promise<void>>();
  return async (id, run) => {
    const other = running.get(id);
    if (other) await other;
    if (other || done.has(id)) return false;
    const mine = (async () => void (await run()))();
    running.set(id, mine);
    try {
      await mine;
      done.add(id);
      const [oldest] = done;
      if (done.size > most && oldest !== undefined) done.delete(oldest);
      return true;
    } finally {
      running.delete(id);
    }
  };
}
