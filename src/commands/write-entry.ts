import type { Deps } from '../deps';
import { isOver } from '../domain/job';
import type { JsonObject } from '../domain/json';
import type { ObjectPatch } from '../domain/object';
import { AppError } from '../errors';
import { isDatabaseAway, isLostRace, type Sql } from '../store/db';
import { failEntry, finishEntry, lockEntry } from '../store/job-entries';
import type { ObjectRef } from '../store/objects';
import { changeObject, createObject, type ChangeContext, type NewObject } from './change-object';

/** The item of an entry of a bulk create or a bulk update: what the single call would be given. */
export type BulkItem =
  | { readonly create: NewObject; readonly actor: JsonObject | null }
  | { readonly change: ObjectRef; readonly patch: ObjectPatch; readonly actor: JsonObject | null };

/** Which entry of which job. */
export interface EntryRef {
  readonly workspaceId: string;
  readonly jobId: string;
  /** Place in the job, from 0. */
  readonly index: number;
}

/** Why an entry failed, as a batch's `error` tells it. */
export interface EntryError {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

const RACES = 5;

/**
 * Does one entry: the object's change, its events, and that the entry is done, in one transaction; so an entry is done
 * once, whoever is killed when. An entry that the rules of the single call refuse has failed. Does nothing where the
 * entry is not pending any more.
 * @param isLastTry whether a fault of our own is the entry's failure (`internal`) rather than thrown for another try.
 * @returns false where nothing of the job may be done now: it is paused, or over.
 */
export async function writeEntry(deps: Deps, entry: EntryRef, isLastTry: boolean): Promise<boolean> {
  const { jobId, index } = entry;
  for (let race = 1; ; race++) {
    try {
      return await deps.db.transaction((trx) => writeLocked(deps, trx, entry));
    } catch (fault) {
      if (isLostRace(fault) && race < RACES) continue;
      const error = errorOf(fault, isLastTry);
      if (!error) throw fault;
      if (error.code === 'internal') deps.log.error({ err: fault, jobId, index }, 'job.entry_failed');
      await failEntry(deps.db, jobId, index, JSON.stringify(error));
      return true;
    }
  }
}

async function writeLocked(deps: Deps, trx: Sql, { workspaceId, jobId, index }: EntryRef): Promise<boolean> {
  const locked = await lockEntry(trx, jobId, index);
  if (!locked || locked.jobStatus === 'PAUSED' || isOver(locked.jobStatus)) return false;
  if (locked.status !== 'pending' || locked.item === null) return true;
  const item = JSON.parse(locked.item) as BulkItem;
  const context: ChangeContext = { workspaceId, newId: deps.newId, now: deps.now(), actor: item.actor };
  const object = 'create' in item ? await createObject(trx, context, item.create) : await changeObject(trx, context, item.change, item.patch, null);
  await finishEntry(trx, jobId, index, object.id);
  return true;
}

/** What the entry fails with; null for what may be better next time. */
function errorOf(fault: unknown, isLastTry: boolean): EntryError | null {
  if (fault instanceof AppError && fault.status < 500) {
    const { code, status, detail, errors } = fault;
    return { code, status, detail, ...(errors.length > 0 && { errors }) };
  }
  if (isDatabaseAway(fault) || !isLastTry) return null;
  return { code: 'internal', status: 500, detail: 'A fault on our side; it is logged under the job and this place.' };
}
