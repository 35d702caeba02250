import type { JsonObject } from '../domain/json';
import { readPage, type ListBounds, type ReadPage } from './lists';
import type { Sql } from './db';

/** Who or what changed an endpoint, rule or key, and when. `detail` never holds a secret. */
export interface AuditEntry {
  readonly id: string;
  readonly workspaceId: string;
  /** A key's id, `root`, or what did it by itself: `watcher`, `probe`, `signal`, `receiver`, `schedule`, `hold`, `resend`. */
  readonly actor: string;
  /** What was done, as `<noun>.<verb>`: `endpoint.deactivate`. */
  readonly action: string;
  /** The id of what was changed. */
  readonly subjectId: string;
  readonly detail: JsonObject;
}

/** Writes one line of the audit trail, in the transaction of the change that it tells of. */
export const addAudit = (sql: Sql, entry: AuditEntry): Promise<void> => addAudits(sql, [entry]);

/** Writes some lines at once. */
export async function addAudits(sql: Sql, entries: readonly AuditEntry[]): Promise<void> {
  await sql.query({
    name: 'audit-add',
    text: `insert into audit (id, workspace_id, actor, action, subject_id, detail)
           select id, workspace_id, actor, action, subject_id, detail::json
           from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) a(id, workspace_id, actor, action, subject_id, detail)`,
    values: [
      entries.map(({ id }) => id), entries.map(({ workspaceId }) => workspaceId), entries.map(({ actor }) => actor),
      entries.map(({ action }) => action), entries.map(({ subjectId }) => subjectId), entries.map(({ detail }) => JSON.stringify(detail)),
    ],
  });
}

/** One stored line; `detail` is JSON text. */
export interface AuditRow {
  readonly id: string;
  readonly actor: string;
  readonly action: string;
  readonly subject_id: string;
  readonly detail: string;
  readonly created_at: Date;
}

/** The audit trail of a workspace, newest first; only that of one subject where `subjectId` is given. */
export const listAudit = (sql: Sql, workspaceId: string, bounds: ListBounds, subjectId: string | null): Promise<ReadPage<AuditRow>> =>
  readPage<AuditRow>(sql, {
    columns: 'id, actor, action, subject_id, detail, created_at', table: 'audit a', alias: 'a', within: ['a.workspace_id = $1', 'a.id < $2', 'a.id >= $3'],
    tried: subjectId === null ? [] : ['a.subject_id = $4'],
    values: [workspaceId, bounds.below, bounds.from, ...(subjectId === null ? [] : [subjectId])], limit: bounds.limit,
  });
