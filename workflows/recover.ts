import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { SLOW_TASK_QUEUE, type JobInput, type JobResult } from './contract';
import { JOB_RETRY, runJob } from './job-loop';

const { recoverPage } = proxyActivities<Activities>({
  taskQueue: SLOW_TASK_QUEUE, startToCloseTimeout: '10m', heartbeatTimeout: '15s', retry: JOB_RETRY,
});

/**
 * Does a recovery or a backfill, page by page: each looks at the next events and hands what is owed over to the endpoint's
 * lane, then says how long to wait, so that the endpoint is never flooded.
 */
export const recover = (input: JobInput): Promise<JobResult> => runJob(input, ({ next, total }) =>
  recoverPage.executeWithOptions({ summary: total === 0 ? 'count what there is' : `go on behind ${next ?? 0} of ${total}` }, [input]));
