import type { JsonObject } from './json';

/** What a job does. */
export const JOB_KINDS = ['bulk_create', 'bulk_update'] as const;

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

/** Bulk work, entry by entry: its counts are those of what is committed. */
export interface Job {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: JobKind;
  readonly status: JobStatus;
  /** What was asked for, by kind; of a bulk job `objectKind`. */
  readonly parameters: JsonObject;
  /** Entries in all, of them done, and of them refused. */
  readonly total: number;
  readonly done: number;
  readonly failed: number;
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
