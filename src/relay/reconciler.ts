import type { Deps } from '../deps';
import { reconcile } from '../store/reconcile';

/** Looks for rows without an owner, every so often. */
export interface Reconciler {
  stop(): Promise<void>;
}

/** How often all workers together look; each tries, one succeeds. */
export const RECONCILE_EVERY_MS = 30_000;
/** How far back events without a plan are looked for: at the start, when everything may have been away, and then. */
const FIRST_LOOK_MINUTES = 24 * 60;
const LOOK_MINUTES = 60;

/** Starts to reconcile: once at once, since what was lost was lost with a process, then every `everyMs`. */
export function startReconciler(deps: Deps, onRepair: () => void, everyMs = RECONCILE_EVERY_MS): Reconciler {
  let turn: Promise<void> = look(FIRST_LOOK_MINUTES);
  const timer = setInterval(() => {
    turn = look(LOOK_MINUTES);
  }, everyMs);

  async function look(minutes: number): Promise<void> {
    try {
      const repairs = await deps.db.transaction((trx) => reconcile(trx, minutes));
      if (!repairs || Object.values(repairs).every((count) => count === 0)) return;
      deps.log.warn({ ...repairs }, 'reconciler.repaired');
      onRepair();
    } catch (error) {
      deps.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'reconciler.failed');
    }
  }

  return {
    async stop() {
      clearInterval(timer);
      await turn;
    },
  };
}
