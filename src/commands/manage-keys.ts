import { createHash, randomBytes } from 'node:crypto';
import type { Config } from '../config';
import type { NewId } from '../domain/ids';
import { AppError, notFound } from '../errors';
import { hasRootKey, insertApiKey, revokeApiKey, type ApiKeyRow } from '../store/api-keys';
import { addAudit } from '../store/audit';
import type { Db, Sql } from '../store/db';
import { findWorkspace, insertWorkspace, type WorkspaceRow } from '../store/workspaces';

/** Name of the workspace that the root key works in unless it names another. */
export const DEFAULT_WORKSPACE = 'default';

/** A new key's text: `phk_` and 256 random bits as 43 characters of base64url. */
export const newKeyText = (): string => `phk_${randomBytes(32).toString('base64url')}`;

/** What is stored of a key. Plain SHA-256 is enough for 256 random bits: there is nothing to guess. */
export const hashKey = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Makes a key of a workspace; its text is told once and never stored. */
export async function createKey(
  trx: Sql, newId: NewId, actor: string, workspaceId: string,
  given: { readonly name: string; readonly role: 'admin' | 'write' | 'read' | 'publish' },
): Promise<{ readonly row: ApiKeyRow; readonly key: string }> {
  const key = newKeyText();
  const row = await insertApiKey(trx, { id: newId('key'), workspaceId, ...given, hash: hashKey(key) });
  await addAudit(trx, { id: newId('audit'), workspaceId, actor, action: 'api_key.create', subjectId: row.id, detail: given });
  return { row, key };
}

/** Revokes a key: refused from then on, in every process within a second. @throws AppError 404. */
export async function revokeKey(trx: Sql, newId: NewId, actor: string, workspaceId: string, id: string): Promise<void> {
  const row = await revokeApiKey(trx, workspaceId, id);
  if (!row) throw notFound('API key', id);
  const detail = { name: row.name, role: row.role };
  await addAudit(trx, { id: newId('audit'), workspaceId, actor, action: 'api_key.revoke', subjectId: id, detail });
}

/** Makes a workspace. @throws AppError 409 where the name is taken. */
export async function createWorkspace(trx: Sql, newId: NewId, actor: string, name: string): Promise<WorkspaceRow> {
  const row = await insertWorkspace(trx, newId('workspace'), name);
  if (!row) throw new AppError('conflict', `There is a workspace named "${name}" already.`);
  await addAudit(trx, { id: newId('audit'), workspaceId: row.id, actor, action: 'workspace.create', subjectId: row.id, detail: { name } });
  return row;
}

/** The workspace `default`, made where it is missing. */
export async function ensureDefaultWorkspace(db: Db, newId: NewId): Promise<WorkspaceRow> {
  const row = (await findWorkspace(db, DEFAULT_WORKSPACE))
    ?? (await insertWorkspace(db, newId('workspace'), DEFAULT_WORKSPACE))
    ?? (await findWorkspace(db, DEFAULT_WORKSPACE));
  if (!row) throw new Error('The default workspace can not be made');
  return row;
}

/**
 * Makes a root key where none is set and none was made before.
 * @returns its text, to be printed once; null where there is one.
 */
export async function ensureRootKey(db: Db, config: Pick<Config, 'POSTHORN_ROOT_KEY'>, newId: NewId): Promise<string | null> {
  if (config.POSTHORN_ROOT_KEY !== undefined) return null;
  return db.transaction(async (trx) => {
    // Two processes that start at once must not print a key each.
    await trx.query({ text: `select pg_advisory_xact_lock(hashtext('posthorn.root_key'))` });
    if (await hasRootKey(trx)) return null;
    const key = newKeyText();
    await insertApiKey(trx, { id: newId('key'), workspaceId: null, name: 'root', role: 'root', hash: hashKey(key) });
    return key;
  });
}
