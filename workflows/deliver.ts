import { ApplicationFailureCategory } from '@temporalio/common';
import { ApplicationFailure, condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { formatDuration } from '../src/domain/duration';
import { DELIVER_SIGNALS, SLOW_TASK_QUEUE, type DeliverInput } from './contract';

// The attempt itself takes 30 s at most; the rest is waiting for a place. Our own faults are tried again by Temporal.
const { retryDelivery } = proxyActivities<Activities>({
  taskQueue: SLOW_TASK_QUEUE,
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** The status with which a delivery leaves its workflow; `ELSEWHERE`: the endpoint's watcher makes its next attempts. */
export type DeliverResult = { readonly status: string; readonly attempts: number };

/**
 * Tries one delivery again, on its durable schedule, until it is delivered or given up. What is due stands in
 * PostgreSQL; the signals only make this run look there. An exhausted delivery ends the run as Failed.
 */
export async function deliver(input: DeliverInput): Promise<DeliverResult> {
  let isWoken = false;
  const wake = (): void => {
    isWoken = true;
  };
  setHandler(defineSignal(DELIVER_SIGNALS.retryNow), wake, { description: 'Attempt now, if PostgreSQL says it is due. No input needed.' });
  setHandler(defineSignal(DELIVER_SIGNALS.cancel), wake, { description: 'Look whether the delivery was cancelled. No input needed.' });
  setHandler(defineSignal(DELIVER_SIGNALS.wake), wake, { description: 'Look at the delivery again. No input needed.' });

  let { afterMs, number, last } = input;
  for (;;) {
    if (afterMs > 0) await condition(() => isWoken, afterMs, { summary: `${last}; attempt ${number} in ${shown(afterMs)}` });
    isWoken = false;
    const step = await retryDelivery.executeWithOptions({ summary: `attempt ${number}` }, [{ eventId: input.eventId, id: input.deliveryId }]);
    if (step.status === 'EXHAUSTED') throw exhausted(step.number - 1, step.last);
    // Woken meanwhile: what had left for the lane may be back.
    const mayBeBack = isWoken && (step.status === 'ELSEWHERE' || step.status === 'HELD');
    if (step.status !== 'RETRYING' && !mayBeBack) return { status: step.status, attempts: step.number - 1 };
    ({ afterMs, number, last } = step);
  }
}

/** To the second above ten seconds: "5 m", not "301274 ms". */
const shown = (ms: number): string => formatDuration(ms > 10_000 ? Math.round(ms / 1000) * 1000 : Math.round(ms)).replace(/(\D+)$/, ' $1');

const exhausted = (attempts: number, last: string): ApplicationFailure =>
  ApplicationFailure.create({
    message: `given up after ${attempts} attempts; the last came to ${last}`,
    type: 'exhausted',
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
  });
