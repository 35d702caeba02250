import type { Job, JobKind, JobStatus, RecoveryResult } from '../domain/job';
import type { JsonObject } from '../domain/json';
import type { Sql } from './db';
import { readPage, type ListBounds, type ReadPage } from './lists';

interface JobRow {
  id: string; workspace_id: string; kind: JobKind; status: JobStatus; parameters: string; total: number; done: number; failed: number;
  result: string | null; cursor: string | null; error: string | null; created_at: Date; finished_at: Date | null;
}

const COLUMNS = 'id, workspace_id, kind, status, parameters, total, done, failed, result, cursor, error, created_at, finished_at';

const toJob = (row: JobRow): Job => ({
  id: row.id,
  workspaceId: row.workspace_id,
  kind: row.kind,
  status: row.status,
  parameters: JSON.parse(row.parameters) as JsonObject,
  total: row.total,
  done: row.done,
  failed: row.failed,
  result: row.result === null ? null : (JSON.parse(row.result) as RecoveryResult),
  cursor: row.cursor,
  error: row.error,
  createdAt: row.created_at,
  finishedAt: row.finished_at,
});

/** Stores a job, QUEUED. */
export async function insertJob(sql: Sql, job: Pick<Job, 'id' | 'workspaceId' | 'kind' | 'parameters' | 'total' | 'cursor'>): Promise<Job> {
  const [row] = await sql.query<JobRow>({
    text: `insert into jobs (id, workspace_id, kind, parameters, total, cursor) values ($1, $2, $3, $4, $5, $6) returning ${COLUMNS}`,
    values: [job.id, job.workspaceId, job.kind, JSON.stringify(job.parameters), job.total, job.cursor],
  });
  if (!row) throw new Error('A stored job was not told of');
  return toJob(row);
}

async function find(sql: Sql, workspaceId: string, id: string, lock: '' | 'for update'): Promise<Job | null> {
  const [row] = await sql.query<JobRow>({ text: `select ${COLUMNS} from jobs where workspace_id = $1 and id = $2 ${lock}`, values: [workspaceId, id] });
  return row ? toJob(row) : null;
}

/** A job as it is; null where the workspace has none. */
export const findJob = (sql: Sql, workspaceId: string, id: string): Promise<Job | null> => find(sql, workspaceId, id, '');

/** The same, and nobody else changes it, nor begins an entry of it, until the end of the transaction. */
export const lockJob = (trx: Sql, workspaceId: string, id: string): Promise<Job | null> => find(trx, workspaceId, id, 'for update');

/** Writes the status of a job that is locked; a final one ends it now, `error` says why it is FAILED. */
export async function updateJobStatus(trx: Sql, id: string, status: JobStatus, error: string | null = null): Promise<Job> {
  const [row] = await trx.query<JobRow>({
    text: `update jobs set status = $2, updated_at = now(), finished_at = case when $2 in ('COMPLETED', 'FAILED', 'CANCELLED') then now() end, error = $3
           where id = $1 returning ${COLUMNS}`,
    values: [id, status, error],
  });
  if (!row) throw new Error(`The job ${id} was removed while it was locked`);
  return toJob(row);
}

/** How many jobs of a workspace are not over. */
export async function countOpenJobs(sql: Sql, workspaceId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>({
    text: `select count(*) as count from jobs where workspace_id = $1 and status in ('QUEUED', 'RUNNING', 'PAUSED')`, values: [workspaceId],
  });
  return row?.count ?? 0;
}

/** What a list of jobs can be narrowed by; null: not narrowed. */
export interface JobFilter {
  readonly status: JobStatus | null;
  readonly kind: JobKind | null;
}

/** One page of a workspace's jobs, newest first. */
export async function listJobs(sql: Sql, workspaceId: string, bounds: ListBounds, { status, kind }: JobFilter): Promise<ReadPage<Job>> {
  const values: unknown[] = [workspaceId, bounds.below, bounds.from];
  const tried = Object.entries({ status, kind }).flatMap(([column, wanted]) => (wanted === null ? [] : [`j.${column} = $${values.push(wanted)}`]));
  const { rows, readTo } = await readPage<JobRow>(sql, {
    columns: COLUMNS, table: 'jobs j', alias: 'j', within: ['j.workspace_id = $1', 'j.id < $2', 'j.id >= $3'], tried, values, limit: bounds.limit,
  });
  return { rows: rows.map(toJob), readTo };
}

/** Most jobs that are removed at once, each with its entries. */
const REMOVED_AT_ONCE = 20;

/** Removes jobs that have been over for so long, with their entries, until none is left. */
export async function removeOldJobs(sql: Sql, days: number): Promise<void> {
  for (;;) {
    const removed = await sql.query({
      text: `delete from jobs where id in (select id from jobs where finished_at < now() - make_interval(days => $1) limit ${REMOVED_AT_ONCE}) returning 1`,
      values: [days],
    });
    if (removed.length < REMOVED_AT_ONCE) return;
  }
}

/** A job as its workflow sees it. */
export interface JobProgress {
  readonly status: JobStatus;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** The first entry that is pending, or how much was looked at; null where nothing more is to be done. */
  readonly next: number | null;
}

/**
 * Takes a job one step on where its counts say so: QUEUED becomes RUNNING, and one whose entries are all done or failed, or
 * that has nothing more to look at, COMPLETED; FAILED where each of them met a fault of ours. Answers how it stands then; null where the workspace has none.
 */
export async function advanceJob(sql: Sql, workspaceId: string, id: string): Promise<JobProgress | null> {
  await sql.query({
    name: 'job-advance',
    text: `update jobs j set updated_at = now(), status = next.status,
             finished_at = case when next.status <> 'RUNNING' then now() end,
             error = case when next.status = 'FAILED' then 'every entry met a fault on our side; the log says which' end
           from (
             select case when cursor is not null or done + failed < total then 'RUNNING'
                         when done = 0 and failed > 0 and not exists (select from job_entries e where e.job_id = $2 and e.status = 'failed' and e.error::json->>'code' <> 'internal')
                         then 'FAILED' else 'COMPLETED' end as status
             from jobs where workspace_id = $1 and id = $2 for update
           ) next
           where j.workspace_id = $1 and j.id = $2 and j.status in ('QUEUED', 'RUNNING')`,
    values: [workspaceId, id],
  });
  const [row] = await sql.query<JobProgress>({
    name: 'job-progress',
    text: `select status, total, done, failed, case when cursor is not null then done + failed
             else (select min(index) from job_entries e where e.job_id = j.id and e.status = 'pending') end as next
           from jobs j where workspace_id = $1 and id = $2`,
    values: [workspaceId, id],
  });
  return row ?? null;
}
