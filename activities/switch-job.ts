import { switchJob } from '../src/commands/switch-job';
import type { JobAction } from '../src/domain/job';
import { AppError } from '../src/errors';
import type { JobInput } from '../workflows/contract';
import type { ActivityParts } from './index';

/** Pauses, resumes or cancels a job as a signal asked for; of one that is over nothing is left to ask. Runs twice: it stands so already. */
export const createSwitchJob = ({ deps, onOutbox }: ActivityParts) => async ({ workspaceId, jobId, action }: JobInput & { readonly action: JobAction }): Promise<void> => {
  try {
    await deps.db.transaction((trx) => switchJob(trx, workspaceId, jobId, action));
    onOutbox();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
};
