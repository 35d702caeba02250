import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { PAGE_ENTRIES, SLOW_TASK_QUEUE, type JobInput, type JobResult } from './contract';
import { JOB_RETRY, runJob } from './job-loop';

const { writePage } = proxyActivities<Activities>({
  taskQueue: SLOW_TASK_QUEUE, startToCloseTimeout: '10m', heartbeatTimeout: '15s', retry: JOB_RETRY,
});

/** Does a bulk create or a bulk update, page by page, in the order of its entries. */
export const bulkWrite = (input: JobInput): Promise<JobResult> => runJob(input, ({ next, total }) => {
  const from = next ?? 0;
  const to = Math.min(from + PAGE_ENTRIES, total) - 1;
  return writePage.executeWithOptions({ summary: `entries ${from}-${to}` }, [{ ...input, from, to }]);
});
