import type { Deps } from '../deps';
import { isFinal } from '../domain/delivery';
import { cancelOrphan, holdLostAttempt, lookAtDeliveries, lookAtFold, readEvents, takeOverAttempt, type DeliveryKey, type DeliveryLook } from '../store/attempts';
import { loadTarget, type RoutedEndpoint } from '../store/routing';
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

/** First attempts to settle: those of all deliveries that were planned for events, or that of one delivery. */
export type Unsettled = { readonly eventIds: readonly string[] } | DeliveryKey;

/**
 * Waits until no first attempt of these deliveries is under way, wherever it was begun: joins those of this process,
 * waits for those of others while their lease runs, and makes those anew whose process is gone. Answers how the
 * deliveries stand then. May run twice at once: an attempt that is over can be taken over by one caller only.
 */
export async function settle(parts: SettleParts, unsettled: Unsettled, signal: AbortSignal): Promise<DeliveryLook[]> {
  const { deps, firstAttempts } = parts;
  if ('eventIds' in unsettled) await Promise.all(unsettled.eventIds.map((eventId) => firstAttempts.underWay(eventId)?.done));
  else await Promise.allSettled([firstAttempts.underWay(unsettled.eventId)?.attempts.get(unsettled.id)]);
  let looks = 'eventIds' in unsettled ? await lookAtFold(deps.db, unsettled.eventIds) : await lookAtDeliveries(deps.db, [unsettled]);
  for (;;) {
    const open = looks.filter(isOpen);
    if (open.length === 0) return looks;
    const over = open.filter((look) => (look.attempt?.leaseMs ?? 0) < 0);
    await Promise.all(over.map((look) => takeOver(parts, look)));
    if (over.length === 0) await pause(LOOK_EVERY_MS, signal);
    const again = new Map((await lookAtDeliveries(deps.db, open)).map((look) => [look.id, look]));
    looks = looks.flatMap((look) => (isOpen(look) ? (again.get(look.id) ?? []) : look));
  }
}

const isOpen = (look: DeliveryLook): boolean =>
  !isFinal(look.status) && look.way === 'fast' && look.attempt !== null && look.attempt.outcome === null;

/**
 * Marks an attempt whose lease is over as unknown and makes the next one, or, where its endpoint is deactivated, holds the delivery.
 * Answers whether this caller was the one to do so.
 */
export async function takeOver({ deps, send }: Pick<SettleParts, 'deps' | 'send'>, look: DeliveryLook, byRetry = false): Promise<boolean> {
  const [target, [event]] = await Promise.all([loadTarget(deps.db, deps.keyRing, look.endpointId), readEvents(deps.db, [look.eventId])]);
  if (!target) await cancelOrphan(deps.db, look);
  if (!target || !event || !look.attempt) return false;
  if (target.status === 'DEACTIVATED') return holdLost(deps, look, look.attempt.number, target);
  const number = look.attempt.number + 1;
  const isWon = await takeOverAttempt(deps.db, {
    eventId: look.eventId, id: look.id, attemptId: deps.newId('attempt'), number, leaseMs: target.policy.timeoutMs + LEASE_MARGIN_MS,
  });
  if (!isWon) return false;
  deps.metrics.worker.attempts.unknown[target.dialect].add();
  await send({ event, target, deliveryId: look.id, number, failures: look.failures, byRetry, isProbe: look.status === 'HELD', isResend: look.isResend });
  return true;
}

async function holdLost({ db, metrics: { worker } }: Deps, look: DeliveryLook, number: number, { dialect, policy }: RoutedEndpoint): Promise<boolean> {
  const status = await holdLostAttempt(db, look, number, { holdForMs: policy.holdForMs, discard: policy.discardWhileDeactivated });
  if (status !== null) worker.attempts.unknown[dialect].add();
  if (status === 'CANCELLED') worker.finished.cancelled.add();
  return status !== null;
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
