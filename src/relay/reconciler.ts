import { expireAllHolds } from '../commands/expire-holds';
import type { Deps } from '../deps';
import type { Witness } from '../engine/witness';
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

/**
 * Starts to reconcile: once at once, since what was lost was lost with a process, then every `everyMs`; a row is without
 * an owner for as long before it is given one.
 */
export function startReconciler(deps: Deps, witness: Pick<Witness, 'expired'>, onRepair: () => void, everyMs = RECONCILE_EVERY_MS): Reconciler {
  let turn = 0;
  let looking: Promise<void> = look();
  const timer = setInterval(() => {
    turn += 1;
    looking = look();
  }, everyMs);

  async function look(): Promise<void> {
    try {
      const lookBackMinutes = turn === 0 ? FIRST_LOOK_MINUTES : LOOK_MINUTES;
      const repairs = await deps.db.transaction((trx) => reconcile(trx, { lookBackMinutes, turn, graceSeconds: everyMs / 1_000 }));
      if (!repairs) return;
      const expired = await expireAllHolds(deps, (page) => page.forEach(({ workspaceId, endpointId }) => witness.expired(workspaceId, endpointId)));
      if (expired > 0) deps.log.info({ expired }, 'reconciler.holds_expired');
      const { woken, ...lost } = repairs;
      for (const [kind, counter] of Object.entries(deps.metrics.worker.repairs)) counter.add(lost[kind as keyof typeof lost]);
      deps.metrics.worker.finished.exhausted.add(expired);
      deps.metrics.worker.finished.cancelled.add(lost.orphans);
      const isFault = Object.values(lost).some((count) => count > 0);
      if (isFault) deps.log.warn(lost, 'reconciler.repaired');
      if (isFault || woken > 0 || expired > 0) onRepair();
    } catch (error) {
      deps.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'reconciler.failed');
    }
  }

  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
