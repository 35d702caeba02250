import type { CataloguedType, Enforcement } from '../domain/event-catalogue';
import type { Json } from '../domain/json';
import type { Sql } from './db';

/** What a caller decides of a type. */
export type EventTypeContent = Omit<CataloguedType, 'createdAt' | 'updatedAt'>;

interface TypeRow {
  type: string; description: string | null; schema: string | null; example: string | null; enforce: Enforcement; archived: boolean;
  created_at: Date; updated_at: Date;
}

const COLUMNS = 'type, description, schema, example, enforce, archived, created_at, updated_at';

/** Stores a type, or puts this in the place of what was stored of it. */
export async function saveEventType(trx: Sql, workspaceId: string, content: EventTypeContent): Promise<CataloguedType> {
  const [row] = await trx.query<TypeRow>({
    text: `insert into event_types (workspace_id, type, description, schema, example, enforce, archived) values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (workspace_id, type) do update set description = $3, schema = $4, example = $5, enforce = $6, archived = $7, updated_at = now()
           returning ${COLUMNS}`,
    values: [
      workspaceId, content.type, content.description, content.schema === null ? null : JSON.stringify(content.schema),
      content.example === undefined ? null : JSON.stringify(content.example), content.enforce, content.archived,
    ],
  });
  if (!row) throw new Error('A stored type was not told of');
  return toType(row);
}

/** Removes a type; answers whether there was one. */
export async function deleteEventType(trx: Sql, workspaceId: string, type: string): Promise<boolean> {
  const rows = await trx.query({ text: 'delete from event_types where workspace_id = $1 and type = $2 returning type', values: [workspaceId, type] });
  return rows.length > 0;
}

/** One type; null where the workspace's catalogue has none of this name. */
export async function findEventType(sql: Sql, workspaceId: string, type: string): Promise<CataloguedType | null> {
  const [row] = await sql.query<TypeRow>({ text: `select ${COLUMNS} from event_types where workspace_id = $1 and type = $2`, values: [workspaceId, type] });
  return row ? toType(row) : null;
}

/** Up to `limit` types after one, in the order of their names; with `archived` only those, or only the others. */
export async function listEventTypes(sql: Sql, workspaceId: string, after: string, limit: number, archived: boolean | null): Promise<CataloguedType[]> {
  const rows = await sql.query<TypeRow>({
    text: `select ${COLUMNS} from event_types where workspace_id = $1 and type > $2 and ($4::boolean is null or archived = $4) order by type limit $3`,
    values: [workspaceId, after, limit, archived],
  });
  return rows.map(toType);
}

/** How many types a workspace's catalogue has. */
export async function countEventTypes(sql: Sql, workspaceId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>({ text: 'select count(*) as count from event_types where workspace_id = $1', values: [workspaceId] });
  return row?.count ?? 0;
}

/** Those of these names that are archived types of the workspace. */
export async function archivedAmong(sql: Sql, workspaceId: string, types: readonly string[]): Promise<string[]> {
  if (types.length === 0) return [];
  const rows = await sql.query<{ type: string }>({
    text: 'select type from event_types where workspace_id = $1 and archived and type = any($2) order by type', values: [workspaceId, types],
  });
  return rows.map(({ type }) => type);
}

/** Holds the workspace's catalogue against others that change it, to the end of the transaction. */
export async function lockCatalogue(trx: Sql, workspaceId: string): Promise<void> {
  await trx.query({
    text: `insert into catalogues (workspace_id, revision, is_enforced) values ($1, 0, false) on conflict (workspace_id) do update set revision = catalogues.revision`,
    values: [workspaceId],
  });
}

/** Says that the catalogue, which is locked, has changed: what others hold of it is stale. */
export async function bumpCatalogue(trx: Sql, workspaceId: string): Promise<void> {
  await trx.query({
    text: `update catalogues set revision = revision + 1, changed_at = clock_timestamp(),
             is_enforced = exists (select from event_types where workspace_id = $1 and enforce <> 'off')
           where workspace_id = $1`,
    values: [workspaceId],
  });
}

/** A workspace's catalogue as others may know it. */
export interface CatalogueState {
  readonly workspaceId: string;
  readonly revision: number;
  readonly isEnforced: boolean;
}

interface StateRow { workspace_id: string; revision: number; is_enforced: boolean }
const toState = (row: StateRow): CatalogueState => ({ workspaceId: row.workspace_id, revision: row.revision, isEnforced: row.is_enforced });

/** All catalogues with a type that is enforced. */
export async function enforcedCatalogues(sql: Sql): Promise<CatalogueState[]> {
  const rows = await sql.query<StateRow>({ name: 'catalogues-enforced', text: 'select workspace_id, revision, is_enforced from catalogues where is_enforced' });
  return rows.map(toState);
}

/** The catalogues that were changed within this time, by the database's clock. */
export async function changedCatalogues(sql: Sql, withinMs: number): Promise<CatalogueState[]> {
  const rows = await sql.query<StateRow>({
    name: 'catalogues-changed',
    text: `select workspace_id, revision, is_enforced from catalogues where changed_at > now() - $1::float8 * interval '1 ms'`, values: [withinMs],
  });
  return rows.map(toState);
}

/** How each type of a workspace is enforced; those that are not are left out. */
export async function enforcedTypes(sql: Sql, workspaceId: string): Promise<ReadonlyMap<string, Exclude<Enforcement, 'off'>>> {
  const rows = await sql.query<{ type: string; enforce: Exclude<Enforcement, 'off'> }>({
    text: `select type, enforce from event_types where workspace_id = $1 and enforce <> 'off'`, values: [workspaceId],
  });
  return new Map(rows.map(({ type, enforce }) => [type, enforce]));
}

const toType = (row: TypeRow): CataloguedType => ({
  type: row.type,
  description: row.description,
  schema: row.schema === null ? null : (JSON.parse(row.schema) as Json),
  enforce: row.enforce,
  example: row.example === null ? undefined : (JSON.parse(row.example) as Json),
  archived: row.archived,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
