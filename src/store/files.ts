import type { Sql } from './db';

/** A stored file, without its bytes. */
export interface StoredFile {
  readonly id: string;
  readonly name: string | null;
  readonly contentType: string;
  readonly size: number;
  readonly createdAt: Date;
}

interface FileRow {
  id: string; name: string | null; content_type: string; size: number; created_at: Date;
}

const toFile = (row: FileRow): StoredFile => ({ id: row.id, name: row.name, contentType: row.content_type, size: row.size, createdAt: row.created_at });

/** Stores a file of a workspace. */
export async function insertFile(
  sql: Sql, file: { readonly id: string; readonly workspaceId: string; readonly name: string | null; readonly contentType: string }, content: Buffer,
): Promise<StoredFile> {
  const [row] = await sql.query<FileRow>({
    text: `insert into files (id, workspace_id, name, content_type, size, content) values ($1, $2, $3, $4, $5, $6)
           returning id, name, content_type, size, created_at`,
    values: [file.id, file.workspaceId, file.name, file.contentType, content.length, content],
  });
  if (!row) throw new Error('A stored file was not told of');
  return toFile(row);
}

/** Whose a file is; null where there is none. */
export async function workspaceOfFile(sql: Sql, id: string): Promise<string | null> {
  const [row] = await sql.query<{ workspace_id: string }>({ text: 'select workspace_id from files where id = $1', values: [id] });
  return row?.workspace_id ?? null;
}

/** A file of a workspace with its bytes; null where there is none. */
export async function readFile(sql: Sql, workspaceId: string, id: string): Promise<(StoredFile & { readonly content: Buffer }) | null> {
  const [row] = await sql.query<FileRow & { content: Buffer }>({
    text: 'select id, name, content_type, size, created_at, content from files where workspace_id = $1 and id = $2', values: [workspaceId, id],
  });
  return row ? { ...toFile(row), content: row.content } : null;
}
