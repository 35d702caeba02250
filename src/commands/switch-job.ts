import { afterAction, type Job, type JobAction } from '../domain/job';
import { AppError, notFound } from '../errors';
import type { Sql } from '../store/db';
import { lockJob, updateJobStatus } from '../store/jobs';
import { addJobWake } from '../store/outbox';

/**
 * Pauses, resumes or cancels a job; one that stands so already stays so. When this has committed no entry is under way
 * that a pause or cancel should have stopped.
 * @throws AppError 404; 409 `not_possible` where the job is over.
 */
export async function switchJob(trx: Sql, workspaceId: string, jobId: string, action: JobAction): Promise<Job> {
  const job = await lockJob(trx, workspaceId, jobId);
  if (!job) throw notFound('job', jobId);
  const status = afterAction(job.status, action);
  if (status === null) throw new AppError('not_possible', `The job ${jobId} is ${job.status} already.`);
  if (status === job.status) return job;
  await addJobWake(trx, workspaceId, jobId);
  return updateJobStatus(trx, jobId, status);
}
