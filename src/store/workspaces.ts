import type { ListBounds } from './lists';
import type { Sql } from './db';

/** A tenant. */
export interface WorkspaceRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: Date;
}

/** Stores a workspace; null where the name is taken. */
export async function insertWorkspace(sql: Sql, id: string, name: string): Promise<WorkspaceRow | null> {
  const [row] = await sql.query<WorkspaceRow>({
    text: 'insert into workspaces (id, name) values ($1, $2) on conflict (name) do nothing returning id, name, created_at',
    values: [id, name],
  });
  return row ?? null;
}

/** A workspace by its id or its name. An id is looked for first, so that no name can stand in for another's id. */
export async function findWorkspace(sql: Sql, idOrName: string): Promise<WorkspaceRow | null> {
  const [row] = await sql.query<WorkspaceRow>({
    text: 'select id, name, created_at from workspaces where id = $1 or name = $1 order by id <> $1 limit 1',
    values: [idOrName],
  });
  return row ?? null;
}

/** All workspaces, newest first. */
export const listWorkspaces = (sql: Sql, bounds: ListBounds): Promise<WorkspaceRow[]> =>
  sql.query<WorkspaceRow>({
    text: 'select id, name, created_at from workspaces where id < $1 and id >= $2 order by id desc limit $3',
    values: [bounds.below, bounds.from, bounds.limit + 1],
  });
