import type { JsonObject } from '../domain/json';
import type { ListBounds } from './lists';
import type { Sql } from './db';

/** Who or what changed an endpoint, rule or key, and when. `detail` never holds a secret. */
export interface AuditEntry {
  readonly id: string;
  readonly workspaceId: string;
  /** A key's id, `root`, or the part of Posthorn that did it, such as `watcher`. */
  readonly actor: string;
  /** What was done, as `<noun>.<verb>`: `endpoint.deactivate`. */
  readonly action: string;
  /** The id of what was changed. */
  readonly subjectId: string;
  readonly detail: JsonObject;
}

/** Writes one line of the audit trail, in the transaction of the change that it tells of. */
export async function addAudit(sql: Sql, entry: AuditEntry): Promise<void> {
  await sql.query({
    name: 'audit-add',
    text: 'insert into audit (id, workspace_id, actor, action, subject_id, detail) values ($1, $2, $3, $4, $5, $6)',
    values: [entry.id, entry.workspaceId, entry.actor, entry.action, entry.subjectId, JSON.stringify(entry.detail)],
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
export const listAudit = (sql: Sql, workspaceId: string, bounds: ListBounds, subjectId: string | null): Promise<AuditRow[]> =>
  sql.query<AuditRow>({
    text: `select id, actor, action, subject_id, detail, created_at from audit
           where workspace_id = $1 and id < $2 and id >= $3 and ($5::text is null or subject_id = $5)
           order by id desc limit $4`,
    values: [workspaceId, bounds.below, bounds.from, bounds.limit + 1, subjectId],
  });
