import { escapeLiteral } from 'pg';
import type { Db } from './db';

/** The role that sees one workspace's rows (migration 0015). */
export const WORKSPACE_ROLE = 'posthorn_workspace';

/**
 * Begins a transaction of a workspace, in one round trip. Both settings end with it, so that a connection never takes them
 * along to its next user. To write is not asked for: that would override a PostgreSQL which is set to take no writes.
 */
export const beginIn = (workspaceId: string, mode: 'read only' | 'read write'): string =>
  `begin${mode === 'read only' ? ' read only' : ''}; set local role ${WORKSPACE_ROLE}; select set_config('posthorn.workspace', ${escapeLiteral(workspaceId)}, true)`;

/**
 * Looks whether the role is there and may be taken: it is of the whole server, so a database that was restored to another
 * one comes without it.
 * @throws Error with the SQL that mends it.
 */
export async function requireWorkspaceRole(db: Db): Promise<void> {
  try {
    await db.within('').read((sql) => sql.query({ text: 'select from workspaces' }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (!ROLE_ERRORS.has(String(code))) throw error;
    const [user] = await db.query<{ name: string }>({ text: 'select quote_ident(current_user) as name' });
    throw new Error(
      `The role ${WORKSPACE_ROLE} can not be used (${error instanceof Error ? error.message : ''}). Have an administrator run: `
        + `create role ${WORKSPACE_ROLE} nologin; grant ${WORKSPACE_ROLE} to ${user?.name ?? 'the user of DATABASE_URL'}; then restore the tables again, `
        + 'or undo and repeat the migration 0015, which gives it its rights.',
      { cause: error },
    );
  }
}

/** SQLSTATEs of a role that is missing, that may not be taken, or that has no rights. */
const ROLE_ERRORS: ReadonlySet<string> = new Set(['22023', '42704', '42501']);
