import type { Deps } from '../deps';
import { isFinal } from '../domain/delivery';
import { beginAttempts, cancelOrphan, countLastAttempt, lookAtDeliveries, readEvents, type DeliveryKey, type DeliveryLook } from '../store/attempts';
import { passToLane } from '../store/lane-moves';
import type { OnOutbox } from '../store/outbox';
import { loadTarget } from '../store/routing';
import { holdStragglers } from '../store/watch';
import type { RetryStep } from '../../workflows/contract';
import { LEASE_MARGIN_MS } from './first-attempts';
import type { Gate } from './gate';
import { takeOver } from './settle';
import type { AttemptReport, Send } from './sender';

/**
 * A retry waits this long for a place in flight and a token of the rate; then it is the lane's, where what waits costs no
 * workflow and no slot of the worker.
 */
const PLACE_WAIT_MS = 1_000;
/** A look at a running lease again after this, where another process makes the attempt. */
const LEASE_LOOK_MS = 500;
/** Clocks and timers are this exact: what is due within it is due. */
const DUE_WITHIN_MS = 20;

/** What a retry needs. */
export interface RetryParts {
  readonly deps: Deps;
  readonly gate: Gate;
  readonly send: Send;
  readonly onOutbox: OnOutbox;
}

/**
 * Makes the next attempt of a delivery that is owned by its `deliver` workflow, if it is due, and says what follows.
 * Looks first: a run that comes twice, or a signal that only wakes, finds the delivery as it stands and does no harm.
 */
export async function retryDelivery(parts: RetryParts, key: DeliveryKey): Promise<RetryStep> {
  const { deps, gate, send, onOutbox } = parts;
  const look = await lookAt(deps, key);
  if (!look) return step('CANCELLED', 0, 0, 'gone');
  const last = lastOf(look);
  const number = look.attemptCount + 1;
  if (isFinal(look.status) || look.status === 'HELD') return step(look.status as RetryStep['status'], 0, number, last);
  if (look.way !== 'retry') return step('ELSEWHERE', 0, number, last);
  if (look.attempt && look.attempt.outcome === null) {
    if (look.attempt.leaseMs >= 0) return step('RETRYING', LEASE_LOOK_MS, number, 'under way');
    await takeOver(parts, look, true);
    return afterAttempt(deps, key);
  }
  if (look.dueInMs !== null && look.dueInMs > DUE_WITHIN_MS) return step('RETRYING', look.dueInMs, number, last);

  const [target, [event]] = await Promise.all([loadTarget(deps.db, deps.keyRing, look.endpointId), readEvents(deps.db, [key.eventId])]);
  // Recorded in the moment in which its endpoint was deleted or deactivated.
  if (!target) await cancelOrphan(deps.db, key);
  if (!target || !event) return step('CANCELLED', 0, number, 'gone');
  if (target.status === 'DEACTIVATED') {
    const { holdForMs, discardWhileDeactivated: discard } = target.policy;
    await holdStragglers(deps.db, target.id, { holdForMs, discard });
    return afterAttempt(deps, key);
  }
  const isFailing = target.status === 'FAILING';
  // A retry of an endpoint that fails is a probe: one at a time, or its time-outs would keep others from the worker's places.
  const release = await gate.enter(target.id, isFailing ? { ...target.policy, maxInFlight: 1 } : target.policy, PLACE_WAIT_MS, 'retry');
  if (!release) {
    await passToLane(deps.db, key, isFailing ? 'endpoint_failing' : 'rate_limited');
    onOutbox();
    return afterAttempt(deps, key);
  }
  try {
    const attempt = { ...key, attemptId: deps.newId('attempt'), number, leaseMs: target.policy.timeoutMs + LEASE_MARGIN_MS };
    const begun = await beginAttempts(deps.db, [attempt]);
    if (!begun.has(key.id)) await countLastAttempt(deps.db, key);
    if (!begun.has(key.id)) return step('RETRYING', LEASE_LOOK_MS, number, last);
    const report = await send({ event, target, deliveryId: key.id, number, failures: look.failures, byRetry: true, isProbe: false, isResend: look.isResend, release });
    return report.recorded ? fromReport(report) : await afterAttempt(deps, key);
  } finally {
    release();
  }
}

const step = (status: RetryStep['status'], afterMs: number, number: number, last: string): RetryStep => ({ status, afterMs: Math.max(0, Math.round(afterMs)), number, last });

const fromReport = (report: AttemptReport): RetryStep => {
  const { status, way } = report.recorded ?? { status: 'CANCELLED', way: 'retry' };
  const shown = status === 'RETRYING' && way !== 'retry' ? 'ELSEWHERE' : (status as RetryStep['status']);
  return step(shown, report.afterMs ?? 0, report.number + 1, report.statusCode === null ? report.verdict.outcome : String(report.statusCode));
};

async function afterAttempt(deps: Deps, key: DeliveryKey): Promise<RetryStep> {
  const look = await lookAt(deps, key);
  if (!look) return step('CANCELLED', 0, 0, 'gone');
  const status = look.status === 'RETRYING' && look.way !== 'retry' ? 'ELSEWHERE' : look.status === 'PENDING' ? 'RETRYING' : look.status;
  return step(status, look.dueInMs ?? LEASE_LOOK_MS, look.attemptCount + 1, lastOf(look));
}

const lookAt = async (deps: Deps, key: DeliveryKey): Promise<DeliveryLook | undefined> => (await lookAtDeliveries(deps.db, [key]))[0];

/** The last attempt's outcome in one word: the status code where there was one. */
export const lastOf = (look: DeliveryLook): string =>
  look.attempt === null ? 'no attempt' : look.attempt.statusCode !== null ? String(look.attempt.statusCode) : (look.attempt.outcome ?? 'under way');
