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

/** Most files of a workspace that one sweep looks at, and most objects that one statement reads for what they refer to. */
const MOST_FILES = 100_000;
const OBJECTS_AT_ONCE = 2_000;

/** Files of one workspace that are old enough to go, unless something refers to them. */
export interface OldFiles {
  readonly workspaceId: string;
  readonly ids: readonly string[];
}

/** The next workspace behind `after` that has files which are older than so many days, with up to 100,000 of them; null where none has. */
export async function nextOldFiles(sql: Sql, days: number, after: string): Promise<OldFiles | null> {
  const rows = await sql.query<{ workspace_id: string; id: string }>({
    text: `select workspace_id, id from files where created_at < now() - make_interval(days => $1)
             and workspace_id = (select min(workspace_id) from files where workspace_id > $2 and created_at < now() - make_interval(days => $1))
           order by id limit ${MOST_FILES}`,
    values: [days, after],
  });
  const [first] = rows;
  return first ? { workspaceId: first.workspace_id, ids: rows.map(({ id }) => id) } : null;
}

/** Which files the next objects of a workspace refer to, behind the object `after`; `next` is null behind the last of them. */
export async function filesNamedByObjects(sql: Sql, workspaceId: string, after: string): Promise<{ readonly ids: readonly string[]; readonly next: string | null }> {
  const rows = await sql.query<{ id: string; files: string[] }>({
    text: `select id, array(select m[1] from regexp_matches(attributes::text, '(fil_[0-9a-z]{26})', 'g') m) as files
           from objects where workspace_id = $1 and id > $2 order by id limit ${OBJECTS_AT_ONCE}`,
    values: [workspaceId, after],
  });
  return { ids: rows.flatMap(({ files }) => files), next: rows.length < OBJECTS_AT_ONCE ? null : rows.at(-1)?.id ?? null };
}

/** Removes files; answers how many. */
export async function removeFiles(sql: Sql, { workspaceId, ids }: OldFiles): Promise<number> {
  if (ids.length === 0) return 0;
  return (await sql.query({ text: 'delete from files where workspace_id = $1 and id = any($2) returning 1', values: [workspaceId, ids] })).length;
}
