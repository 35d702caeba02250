import type { Deps } from '../deps';
import type { Job, JobKind } from '../domain/job';
import type { JsonObject } from '../domain/json';
import { AppError } from '../errors';
import type { Sql } from '../store/db';
import { insertEntries } from '../store/job-entries';
import { countOpenJobs, insertJob } from '../store/jobs';
import { addJobWake } from '../store/outbox';

/** Most jobs of one workspace that are not over. */
export const MAX_OPEN_JOBS = 100;

/** A job that is asked for; each entry's item is what its kind's workflow understands. */
export interface NewJob {
  readonly workspaceId: string;
  readonly kind: JobKind;
  readonly parameters: JsonObject;
  readonly items: readonly object[];
}

/**
 * Stores a job with its entries and has its workflow started.
 * @throws AppError 422 `limit_reached` at {@link MAX_OPEN_JOBS}.
 */
export async function acceptJob(deps: Pick<Deps, 'newId'>, trx: Sql, { items, ...given }: NewJob): Promise<Job> {
  const job = await openJob(deps, trx, { ...given, total: items.length, cursor: null });
  await insertEntries(trx, job.id, items.map((item) => JSON.stringify(item)));
  return job;
}

/** Stores a job and has its workflow started. @throws AppError 422 `limit_reached` at {@link MAX_OPEN_JOBS}. */
export async function openJob({ newId }: Pick<Deps, 'newId'>, trx: Sql, given: Omit<NewJob, 'items'> & Pick<Job, 'total' | 'cursor'>): Promise<Job> {
  const { workspaceId } = given;
  if ((await countOpenJobs(trx, workspaceId)) >= MAX_OPEN_JOBS) {
    throw new AppError('limit_reached', `The workspace has ${MAX_OPEN_JOBS} jobs that are not over, which is as many as it may. Wait for one, or cancel it.`);
  }
  const job = await insertJob(trx, { ...given, id: newId('job') });
  await addJobWake(trx, workspaceId, job.id);
  return job;
}
