import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { writeEntry } from '../src/commands/write-entry';
import { pendingEntries } from '../src/store/job-entries';
import { advanceJob } from '../src/store/jobs';
import { notifyRelays } from '../src/store/outbox';
import type { JobInput, JobLook } from '../workflows/contract';
import type { ActivityParts } from './index';
import { createTurns } from './turns';

/** From this try on an entry that meets a fault of our own fails, so that one bad entry never stops a job. */
const LAST_TRY = 5;
const HEARTBEAT_EVERY_MS = 3_000;
/** The relays hear of new events at most this often. */
const NOTIFY_EVERY_MS = 50;
/** Entries that a process does at once, over all jobs: bulk work leaves connections to what is live. */
const AT_ONCE = 4;

/**
 * Does the pending entries from `from` to `to`, one after the other. Stops early where the job is paused or over. Runs
 * twice: an entry that is done is not pending any more, and what was not committed was not done.
 */
export const createWritePage = ({ deps }: ActivityParts) => {
  const inTurn = createTurns(AT_ONCE);

  return async ({ workspaceId, jobId, from, to }: JobInput & { readonly from: number; readonly to: number }): Promise<JobLook | null> => {
    const isLastTry = activityInfo().attempt >= LAST_TRY;
    const signal = cancellationSignal();
    let notifiedAt = 0;
    const beat = setInterval(heartbeat, HEARTBEAT_EVERY_MS);
    try {
      for (const index of await pendingEntries(deps.db, jobId, from, to)) {
        if (signal.aborted || !(await inTurn(() => writeEntry(deps, { workspaceId, jobId, index }, isLastTry)))) break;
        if (performance.now() - notifiedAt > NOTIFY_EVERY_MS) {
          notifiedAt = performance.now();
          // Lost, it is made up for by the relay's own look.
          void notifyRelays(deps.db).catch(() => undefined);
        }
      }
    } finally {
      clearInterval(beat);
    }
    await notifyRelays(deps.db).catch(() => undefined);
    return advanceJob(deps.db, workspaceId, jobId);
  };
};
