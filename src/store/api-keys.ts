import type { ListBounds } from './lists';
import type { Sql } from './db';

/** A key's role as it is stored: `root` is the one key that belongs to no workspace. */
export type StoredRole = 'root' | 'admin' | 'write' | 'read' | 'publish';

/** A key without what it is checked by. */
export interface ApiKeyRow {
  readonly id: string;
  readonly workspace_id: string | null;
  readonly name: string;
  readonly role: StoredRole;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
}

/** A new key: only the SHA-256 of its text is kept. */
export interface NewApiKey {
  readonly id: string;
  readonly workspaceId: string | null;
  readonly name: string;
  readonly role: StoredRole;
  readonly hash: Buffer;
}

const COLUMNS = 'id, workspace_id, name, role, created_at, last_used_at, revoked_at';

/** Stores a key. */
export async function insertApiKey(sql: Sql, key: NewApiKey): Promise<ApiKeyRow> {
  const [row] = await sql.query<ApiKeyRow>({
    text: `insert into api_keys (id, workspace_id, name, role, hash) values ($1, $2, $3, $4, $5) returning ${COLUMNS}`,
    values: [key.id, key.workspaceId, key.name, key.role, key.hash],
  });
  if (!row) throw new Error('An inserted key was not returned');
  return row;
}

/** A key with what it is checked by. */
export interface FoundApiKey extends ApiKeyRow {
  readonly hash: Buffer;
  readonly workspace_name: string | null;
}

/** The key whose text has this SHA-256, with its workspace's name; null where there is none or it was revoked. */
export async function findApiKey(sql: Sql, hash: Buffer): Promise<FoundApiKey | null> {
  const [row] = await sql.query<FoundApiKey>({
    name: 'api-key-find',
    text: `select k.id, k.workspace_id, k.name, k.role, k.created_at, k.last_used_at, k.revoked_at, k.hash, w.name as workspace_name
           from api_keys k left join workspaces w on w.id = k.workspace_id
           where k.hash = $1 and k.revoked_at is null`,
    values: [hash],
  });
  return row ?? null;
}

/** Whether a root key was generated before. */
export async function hasRootKey(sql: Sql): Promise<boolean> {
  const rows = await sql.query({ text: `select from api_keys where role = 'root' and revoked_at is null limit 1` });
  return rows.length > 0;
}

/** The keys of a workspace that are not revoked, newest first. */
export const listApiKeys = (sql: Sql, workspaceId: string, bounds: ListBounds): Promise<ApiKeyRow[]> =>
  sql.query<ApiKeyRow>({
    text: `select ${COLUMNS} from api_keys
           where workspace_id = $1 and id < $2 and id >= $3 and revoked_at is null order by id desc limit $4`,
    values: [workspaceId, bounds.below, bounds.from, bounds.limit + 1],
  });

/** Revokes a key; its row, or null where the workspace has no such key that is not revoked. */
export async function revokeApiKey(sql: Sql, workspaceId: string, id: string): Promise<ApiKeyRow | null> {
  const [row] = await sql.query<ApiKeyRow>({
    text: `update api_keys set revoked_at = now() where workspace_id = $1 and id = $2 and revoked_at is null returning ${COLUMNS}`,
    values: [workspaceId, id],
  });
  return row ?? null;
}

/** Notes that a key was used, at most once a minute whatever the number of processes. */
export async function touchApiKey(sql: Sql, id: string): Promise<void> {
  await sql.query({
    text: `update api_keys set last_used_at = now() where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    values: [id],
  });
}
