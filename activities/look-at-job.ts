import { advanceJob } from '../src/store/jobs';
import type { JobInput, JobLook } from '../workflows/contract';
import type { ActivityParts } from './index';

/** Begins a job that is QUEUED, ends one of which nothing is pending, and reads how it stands. Runs twice: it is where it is. */
export const createLookAtJob = ({ deps }: ActivityParts) => ({ workspaceId, jobId }: JobInput): Promise<JobLook | null> =>
  advanceJob(deps.db, workspaceId, jobId);
