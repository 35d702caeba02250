import type { EntryStatus, JobStatus } from '../domain/job';
import type { Sql } from './db';

/** Stores what a new job is to do, in this order; each item is JSON text. */
export async function insertEntries(sql: Sql, jobId: string, items: readonly string[]): Promise<void> {
  await sql.query({
    text: 'insert into job_entries (job_id, index, item) select $1, place - 1, item from unnest($2::text[]) with ordinality as given(item, place)',
    values: [jobId, items],
  });
}

/** The places from `from` to `to` whose entries are pending, in order. */
export async function pendingEntries(sql: Sql, jobId: string, from: number, to: number): Promise<number[]> {
  const rows = await sql.query<{ index: number }>({
    name: 'job-entries-pending',
    text: `select index from job_entries where job_id = $1 and index between $2 and $3 and status = 'pending' order by index`,
    values: [jobId, from, to],
  });
  return rows.map(({ index }) => index);
}

/** An entry that is locked together with its job; `item` is null where it was done before. */
export interface LockedEntry {
  readonly jobStatus: JobStatus;
  readonly status: EntryStatus;
  readonly item: string | null;
}

/**
 * Locks a job and one of its entries until the end of the transaction: so nobody else does the entry, and whoever pauses
 * or cancels the job waits for it, after which no other is begun.
 */
export async function lockEntry(trx: Sql, jobId: string, index: number): Promise<LockedEntry | null> {
  const [row] = await trx.query<{ job_status: JobStatus; status: EntryStatus; item: string | null }>({
    name: 'job-entry-lock',
    text: `select j.status as job_status, e.status, e.item from jobs j join job_entries e on e.job_id = j.id
           where j.id = $1 and e.index = $2 for update`,
    values: [jobId, index],
  });
  return row ? { jobStatus: row.job_status, status: row.status, item: row.item } : null;
}

/** Writes that an entry is done, counts it, and forgets its item; in the transaction that did it. */
export async function finishEntry(trx: Sql, jobId: string, index: number, subjectId: string): Promise<void> {
  await trx.query({
    name: 'job-entry-finish',
    text: `with finished as (
             update job_entries set status = 'done', subject_id = $3, item = null where job_id = $1 and index = $2 and status = 'pending' returning 1
           )
           update jobs set done = done + 1, updated_at = now() where id = $1 and exists (select from finished)`,
    values: [jobId, index, subjectId],
  });
}

/** Writes why an entry can't be done, and counts it; an entry that is not pending any more stays as it is. */
export async function failEntry(sql: Sql, jobId: string, index: number, error: string): Promise<void> {
  await sql.query({
    name: 'job-entry-fail',
    // The job first, as where an entry is locked: two at one entry never wait for one another.
    text: `with job as (
             select id from jobs where id = $1 for update
           ), failing as (
             update job_entries set status = 'failed', error = $3 where job_id = (select id from job) and index = $2 and status = 'pending' returning 1
           )
           update jobs set failed = failed + 1, updated_at = now() where id = $1 and exists (select from failing)`,
    values: [jobId, index, error],
  });
}

/** Stores why one event of a job that has no entries could not be looked at; the job counts it. */
export async function insertFailed(trx: Sql, jobId: string, index: number, subjectId: string, error: string): Promise<void> {
  await trx.query({
    text: `insert into job_entries (job_id, index, status, subject_id, error) values ($1, $2, 'failed', $3, $4)`, values: [jobId, index, subjectId, error],
  });
}

/** An entry as lists show it; `error` is JSON text. */
export interface EntryRow {
  readonly index: number;
  readonly status: EntryStatus;
  readonly subject_id: string | null;
  readonly error: string | null;
}

/** Up to `limit` + 1 entries of a job behind the place `after`, in order; of one status where it is given. */
export const listEntries = (sql: Sql, jobId: string, after: number, limit: number, status: EntryStatus | null): Promise<EntryRow[]> =>
  sql.query<EntryRow>({
    text: `select index, status, subject_id, error from job_entries
           where job_id = $1 and index > $2${status === null ? '' : ' and status = $4'} order by index limit $3`,
    values: [jobId, after, limit + 1, ...(status === null ? [] : [status])],
  });
