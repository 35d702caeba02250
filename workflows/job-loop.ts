import {
  allHandlersFinished, ApplicationFailure, CancellationScope, condition, continueAsNew, defineQuery, defineSignal, isCancellation,
  proxyLocalActivities, setCurrentDetails, setHandler, workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities';
import { isOver, type JobAction } from '../src/domain/job';
import { JOB_SIGNALS, PROGRESS_QUERY, type JobInput, type JobLook, type JobResult } from './contract';

/** Our own faults are tried again until they are over. */
export const JOB_RETRY = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

const { lookAtJob, switchJob } = proxyLocalActivities<Activities>({ startToCloseTimeout: '1m', retry: JOB_RETRY });

/**
 * Does a job page by page, until it is over. What is done and what is asked of it stands in PostgreSQL, so it remembers
 * nothing: a new run goes on where the last one was lost.
 * @param page does the next page of a job that is RUNNING, and answers how it stands then.
 */
export async function runJob(input: JobInput, page: (look: JobLook) => Promise<JobLook | null>): Promise<JobResult> {
  let look: JobLook | null = null;
  let isWoken = false;
  const asked: JobAction[] = [];

  setHandler(defineSignal(JOB_SIGNALS.wake), () => {
    isWoken = true;
  }, { description: 'Look at the job again. No input needed.' });
  setHandler(defineSignal(JOB_SIGNALS.pause), () => void asked.push('pause'), { description: 'Begin nothing more for now. No input needed.' });
  setHandler(defineSignal(JOB_SIGNALS.resume), () => void asked.push('resume'), { description: 'Go on. No input needed.' });
  setHandler(defineSignal(JOB_SIGNALS.cancel), () => void asked.push('cancel'), { description: 'Leave what is not done undone. No input needed.' });
  setHandler(defineQuery<JobLook | null>(PROGRESS_QUERY), () => look, { description: 'The job as it stood after the last page' });

  try {
    return await work();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => act('cancel'));
    throw error;
  }

  async function work(): Promise<JobResult> {
    await see();
    for (;;) {
      for (let action = asked.shift(); action; action = asked.shift()) await act(action);
      if (!look || isOver(look.status)) return resultOf(look);
      if (look.next !== null && look.status === 'RUNNING') await go(look);
      else await rest();
      if (workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished);
        if (asked.length === 0) await continueAsNew<(input: JobInput) => Promise<JobResult>>(input);
      }
    }
  }

  async function see(): Promise<void> {
    isWoken = false;
    show(await lookAtJob.executeWithOptions({ summary: 'look at the job' }, [input]));
  }

  async function go(from: JobLook): Promise<void> {
    isWoken = false;
    const seen = await page(from);
    show(seen);
    // The next page looks for itself: whoever calls only ends the wait.
    if (seen?.status === 'RUNNING' && seen.restMs) await condition(() => isWoken || asked.length > 0, seen.restMs, { summary: 'until the next page' });
  }

  async function act(action: JobAction): Promise<void> {
    await switchJob.executeWithOptions({ summary: `${action}, by signal` }, [{ ...input, action }]);
    await see();
  }

  /** Paused: until somebody says otherwise. */
  async function rest(): Promise<void> {
    await condition(() => isWoken || asked.length > 0);
    if (isWoken) await see();
  }

  function show(seen: JobLook | null): void {
    look = seen;
    if (seen) setCurrentDetails(`${seen.status}: ${seen.done} done and ${seen.failed} failed of ${seen.total}`);
  }
}

/** @throws ApplicationFailure where nothing could be done, so that the UI shows it. */
function resultOf(look: JobLook | null): JobResult {
  if (!look) throw ApplicationFailure.nonRetryable('there is no such job', 'job_gone');
  const { status, total, done, failed } = look;
  if (status === 'FAILED') throw ApplicationFailure.nonRetryable(`failed after ${done} of ${total}: the job says why`, 'job_failed');
  return { status, total, done, failed };
}
