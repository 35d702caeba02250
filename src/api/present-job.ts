import type { Config } from '../config';
import type { Job } from '../domain/job';
import type { EntryRow } from '../store/job-entries';
import { workflowUrl } from '../temporal-links';
import { jobWorkflowId } from '../../workflows/contract';

/** A job as it is answered. */
export function presentJob(config: Config, job: Job) {
  const id = jobWorkflowId(job.id);
  return {
    id: job.id,
    kind: job.kind,
    status: job.status,
    total: job.total,
    done: job.done,
    failed: job.failed,
    parameters: job.parameters,
    result: job.result,
    error: job.error,
    workflow: job.status === 'QUEUED' ? null : { id, runId: null, url: workflowUrl(config, id, null) },
    createdAt: job.createdAt.toISOString(),
    finishedAt: job.finishedAt?.toISOString() ?? null,
  };
}

/** An entry as it is answered. */
export const presentEntry = ({ index, status, subject_id: id, error }: EntryRow) => ({
  index,
  status,
  ...(id !== null && { id }),
  ...(error !== null && { error: JSON.parse(error) as unknown }),
});
