import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { recoverPage } from '../src/commands/recover-page';
import { advanceJob } from '../src/store/jobs';
import { notifyRelays } from '../src/store/outbox';
import type { JobInput, JobLook } from '../workflows/contract';
import { beating } from './beating';
import type { ActivityParts } from './index';
import { createTurns } from './turns';

/** From this try on each event is looked at by itself, so that one bad event never stops a job. */
const LAST_TRY = 5;
/** Pages that a process does at once, over all jobs: recoveries leave connections and time to what is live. */
const AT_ONCE = 2;

/**
 * Does the next page of a recovery or a backfill. Runs twice: a page and how far it comes are one transaction, so the second
 * goes on behind the first, or does what was not committed.
 */
export const createRecoverPage = ({ deps }: ActivityParts) => {
  const inTurn = createTurns(AT_ONCE);

  return async (input: JobInput): Promise<JobLook | null> => {
    const isLastTry = activityInfo().attempt >= LAST_TRY;
    const restMs = await beating(inTurn(() => recoverPage(deps, { ...input, isLastTry }, cancellationSignal())));
    // Lost, it is made up for by the relay's own look.
    await notifyRelays(deps.db).catch(() => undefined);
    const look = await advanceJob(deps.db, input.workspaceId, input.jobId);
    return look && { ...look, restMs };
  };
};
