import type { JsonObject } from './json';

/** What a job does. */
export const JOB_KINDS = ['bulk_create', 'bulk_update', 'recover', 'backfill'] as const;

/** One of {@link JOB_KINDS}. */
export type JobKind = (typeof JOB_KINDS)[number];

/** Where a job stands; the last three are final. */
export const JOB_STATUSES = ['QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;

/** One of {@link JOB_STATUSES}. */
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Where one entry of a job stands; the last two are final. */
export const ENTRY_STATUSES = ['pending', 'done', 'failed'] as const;

/** One of {@link ENTRY_STATUSES}. */
export type EntryStatus = (typeof ENTRY_STATUSES)[number];

/** What came of a recovery or a backfill, in deliveries. */
export interface RecoveryResult {
  /** Made for failed ones, which they name in `resendOf`. */
  readonly resent: number;
  /** Made for events that the endpoint had none of. */
  readonly added: number;
  /** Unfinished ones that were woken instead. */
  readonly woken: number;
}

/** Nothing yet. */
export const NOTHING_RECOVERED: RecoveryResult = { resent: 0, added: 0, woken: 0 };

/** Bulk work, entry by entry or event by event: its counts are those of what is committed. */
export interface Job {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: JobKind;
  readonly status: JobStatus;
  /** What was asked for, by kind; of a bulk job `objectKind`, of a recovery or a backfill what `recovery.ts` says. */
  readonly parameters: JsonObject;
  /** Entries in all, of them done, and of them refused; of a recovery or a backfill what it looks at, 0 until that is counted. */
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** Null until what there is to look at is counted, and for a job that has entries. */
  readonly result: RecoveryResult | null;
  /** The id behind which it goes on; null where it looks at nothing more, and for a job that has entries. */
  readonly cursor: string | null;
  /** Why it is FAILED; else null. */
  readonly error: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/** What a person may do with a job. */
export type JobAction = 'pause' | 'resume' | 'cancel';

/** Whether nothing more will be done. */
export const isOver = (status: JobStatus): boolean => status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';

/**
 * The status after an action; the same where there is nothing to do, null where the job is over and can't be moved.
 * A resumed job is QUEUED until its workflow takes it up.
 */
export function afterAction(status: JobStatus, action: JobAction): JobStatus | null {
  if (isOver(status)) return action === 'cancel' && status === 'CANCELLED' ? status : null;
  switch (action) {
    case 'pause': return 'PAUSED';
    case 'resume': return status === 'PAUSED' ? 'QUEUED' : status;
    case 'cancel': return 'CANCELLED';
  }
}
