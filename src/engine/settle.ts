import type { Deps } from '../deps';
import { isFinal } from '../domain/delivery';
import { cancelOrphan, lookAtDeliveries, readEvents, takeOverAttempt, type DeliveryKey, type DeliveryLook } from '../store/attempts';
import { loadTarget } from '../store/routing';
import { LEASE_MARGIN_MS, type FirstAttempts } from './first-attempts';
import type { Send } from './sender';

/** How often somebody else's attempt is looked at while its lease runs. */
const LOOK_EVERY_MS = 250;

/** What settling needs. */
export interface SettleParts {
  readonly deps: Deps;
  readonly firstAttempts: FirstAttempts;
  readonly send: Send;
}

/**
 * Waits until no first attempt of these deliveries is under way, wherever it was begun: joins those of this process,
 * waits for those of others while their lease runs, and makes those anew whose process is gone. Answers how the
 * deliveries stand then. May run twice at once: an attempt that is over can be taken over by one caller only.
 */
export async function settle(parts: SettleParts, keys: readonly DeliveryKey[], signal: AbortSignal): Promise<DeliveryLook[]> {
  await Promise.allSettled(keys.map((key) => parts.firstAttempts.underWay(key.eventId)?.attempts.get(key.id)));
  for (;;) {
    const looks = await lookAtDeliveries(parts.deps.db, keys);
    const open = looks.filter(isOpen);
    if (open.length === 0) return looks;
    const over = open.filter((look) => (look.attempt?.leaseMs ?? 0) < 0);
    await Promise.all(over.map((look) => takeOver(parts, look)));
    if (over.length === 0) await pause(LOOK_EVERY_MS, signal);
  }
}

const isOpen = (look: DeliveryLook): boolean =>
  !isFinal(look.status) && look.way === 'fast' && look.attempt !== null && look.attempt.outcome === null;

/** Marks an attempt whose lease is over as unknown and makes the next one. Answers whether this caller was the one to do so. */
export async function takeOver({ deps, send }: Pick<SettleParts, 'deps' | 'send'>, look: DeliveryLook, byRetry = false): Promise<boolean> {
  const [target, [event]] = await Promise.all([loadTarget(deps.db, deps.keyRing, look.endpointId), readEvents(deps.db, [look.eventId])]);
  if (!target) await cancelOrphan(deps.db, look);
  if (!target || !event || !look.attempt) return false;
  const number = look.attempt.number + 1;
  const isWon = await takeOverAttempt(deps.db, {
    eventId: look.eventId, id: look.id, attemptId: deps.newId('attempt'), number, leaseMs: target.policy.timeoutMs + LEASE_MARGIN_MS,
  });
  if (!isWon) return false;
  deps.metrics.worker.attempts.unknown[target.dialect].add();
  await send({ event, target, deliveryId: look.id, number, failures: look.failures, byRetry, isProbe: look.status === 'HELD', isResend: look.isResend });
  return true;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve, reject) => {
  const onAbort = (): void => {
    clearTimeout(timer);
    reject(signal.reason as Error);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', onAbort);
    resolve();
  }, ms);
  signal.addEventListener('abort', onAbort, { once: true });
});
