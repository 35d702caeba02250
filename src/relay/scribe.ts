import type { Deps } from '../deps';
import type { Tally } from '../engine/tally';
import { addStats } from '../store/stats';

/** Writes down what a worker has counted. */
export interface Scribe {
  /** Writes what is left, and writes no more. */
  stop(): Promise<void>;
}

/** How often what was counted is written, in ms: what a worker that is killed has counted since is missing. */
export const WRITE_EVERY_MS = 5_000;
/** Writing takes at most one part in so many of the time. */
const SHARE = 20;

/** Starts to write a tally, in one statement every few seconds; nothing where nothing was counted. */
export function startScribe({ db, log }: Pick<Deps, 'db' | 'log'>, tally: Tally, everyMs = WRITE_EVERY_MS): Scribe {
  let isStopped = false;
  let writing: Promise<void> = Promise.resolve();
  let timer = setTimeout(turn, everyMs);

  function turn(): void {
    const startedAt = performance.now();
    writing = write().then(() => {
      if (!isStopped) timer = setTimeout(turn, Math.max(everyMs, (performance.now() - startedAt) * SHARE));
    });
  }

  async function write(): Promise<void> {
    const rows = tally.take();
    try {
      await addStats(db, rows);
    } catch (error) {
      tally.giveBack(rows);
      log.warn({ error: error instanceof Error ? error.message : String(error) }, 'scribe.failed');
    }
  }

  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await writing;
      await write();
    },
  };
}
