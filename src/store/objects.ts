import type { JsonObject } from '../domain/json';
import type { ObjectKind, TrackedObject } from '../domain/object';
import type { Sql } from './db';
import { EVENT_INPUT, EVENT_STORE, eventValues, type NewEvent } from './event-insert';
import { readPage, type ListBounds, type ReadPage } from './lists';

/** Names one object of a workspace: by its id, or by its type and primary key. */
export type ObjectRef =
  | { readonly kind: ObjectKind; readonly id: string }
  | { readonly kind: ObjectKind; readonly type: string; readonly primaryKey: string };

interface ObjectRow {
  id: string; workspace_id: string; kind: ObjectKind; type: string; primary_key: string | null; record_id: string | null;
  process_id: string | null; state: string | null; status: string | null; attributes: string; version: number; sequence: number;
  created_at: Date; updated_at: Date;
}

const COLUMNS = `id, workspace_id, kind, type, primary_key, record_id, process_id, state, status, attributes,
  version, sequence, created_at, updated_at`;

const toObject = (row: ObjectRow): TrackedObject => ({
  id: row.id,
  workspaceId: row.workspace_id,
  kind: row.kind,
  type: row.type,
  primaryKey: row.primary_key,
  recordId: row.record_id,
  processId: row.process_id,
  state: row.state,
  status: row.status,
  attributes: JSON.parse(row.attributes) as JsonObject,
  version: row.version,
  sequence: row.sequence,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

async function find(sql: Sql, workspaceId: string, ref: ObjectRef, lock: '' | 'for update'): Promise<TrackedObject | null> {
  const byId = 'id' in ref;
  const [row] = await sql.query<ObjectRow>({
    name: `object-find-${byId ? 'id' : 'key'}-${lock === '' ? 'read' : 'lock'}`,
    text: `select ${COLUMNS} from objects
           where workspace_id = $1 and kind = $2 and ${byId ? 'id = $3' : 'type = $3 and primary_key = $4'} ${lock}`,
    values: byId ? [workspaceId, ref.kind, ref.id] : [workspaceId, ref.kind, ref.type, ref.primaryKey],
  });
  return row ? toObject(row) : null;
}

/** An object as it is; null where the workspace has none. */
export const findObject = (sql: Sql, workspaceId: string, ref: ObjectRef): Promise<TrackedObject | null> => find(sql, workspaceId, ref, '');

/** The same, and nobody else changes it until the end of the transaction. */
export const lockObject = (trx: Sql, workspaceId: string, ref: ObjectRef): Promise<TrackedObject | null> =>
  find(trx, workspaceId, ref, 'for update');

/** Objects by id, locked in the order of their ids (so that two calls never wait for one another), whatever their kind. */
export async function lockObjects(trx: Sql, workspaceId: string, ids: readonly string[]): Promise<TrackedObject[]> {
  const rows = await trx.query<ObjectRow>({
    text: `select ${COLUMNS} from objects where workspace_id = $1 and id = any($2) order by id for update`,
    values: [workspaceId, ids],
  });
  return rows.map(toObject);
}

/**
 * Stores a new object and its events in one statement; false, storing nothing, where another object of the kind and
 * type has its primary key.
 */
export async function insertObject(sql: Sql, object: TrackedObject, events: readonly NewEvent[]): Promise<boolean> {
  const rows = await sql.query({
    name: 'object-insert',
    text: `with object as (
        insert into objects (${COLUMNS}) values ($16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)
        on conflict (workspace_id, kind, type, primary_key) where primary_key is not null do nothing returning id
      ), fresh as (${EVENT_INPUT} where exists (select from object)), ${EVENT_STORE}
      select id from object`,
    values: [
      ...eventValues(events), object.id, object.workspaceId, object.kind, object.type, object.primaryKey, object.recordId, object.processId,
      object.state, object.status, JSON.stringify(object.attributes), object.version, object.sequence, object.createdAt, object.updatedAt,
    ],
  });
  return rows.length > 0;
}

/** Stores what changed of an object that is locked, and its events, in one statement. */
export async function updateObject(trx: Sql, object: TrackedObject, events: readonly NewEvent[]): Promise<void> {
  await trx.query({
    name: 'object-update',
    text: `with object as (
        update objects set state = $18, status = $19, attributes = $20, version = $21, sequence = $22, updated_at = $23
        where workspace_id = $16 and id = $17
      ), fresh as (${EVENT_INPUT}), ${EVENT_STORE} select where false`,
    values: [
      ...eventValues(events), object.workspaceId, object.id, object.state, object.status, JSON.stringify(object.attributes),
      object.version, object.sequence, object.updatedAt,
    ],
  });
}

/** Removes an object that is locked, and stores its last events, in one statement. Throws a foreign key violation where others refer to it. */
export async function removeObject(trx: Sql, object: TrackedObject, events: readonly NewEvent[]): Promise<void> {
  await trx.query({
    name: 'object-remove',
    text: `with object as (delete from objects where workspace_id = $16 and id = $17),
             fresh as (${EVENT_INPUT}), ${EVENT_STORE} select where false`,
    values: [...eventValues(events), object.workspaceId, object.id],
  });
}

/** Writes the newest sequences of objects that are locked. */
export async function updateSequences(trx: Sql, sequences: ReadonlyMap<string, number>): Promise<void> {
  await trx.query({
    name: 'object-sequences',
    text: `update objects set sequence = given.sequence
           from unnest($1::text[], $2::bigint[]) as given(id, sequence) where objects.id = given.id`,
    values: [[...sequences.keys()], [...sequences.values()]],
  });
}

/** What a list of objects can be narrowed by; undefined: not narrowed. */
export interface ObjectFilters {
  readonly type?: string | undefined;
  readonly primaryKey?: string | undefined;
  readonly state?: string | undefined;
  readonly status?: string | undefined;
  readonly recordId?: string | undefined;
  readonly processId?: string | undefined;
}

const FILTER_COLUMNS: Readonly<Record<keyof ObjectFilters, string>> = {
  type: 'type', primaryKey: 'primary_key', state: 'state', status: 'status', recordId: 'record_id', processId: 'process_id',
};

/**
 * What an index knows, by the filters that are given: the first of these lists that is there whole. The kind is in the ids'
 * bounds too.
 */
const INDEXED: readonly (readonly (keyof ObjectFilters)[])[] = [['type', 'primaryKey'], ['processId'], ['recordId'], ['type']];

/** One page of a workspace's objects of a kind, newest first. */
export async function listObjects(
  sql: Sql, workspaceId: string, kind: ObjectKind, bounds: ListBounds, filters: ObjectFilters,
): Promise<ReadPage<TrackedObject>> {
  const values: unknown[] = [workspaceId, bounds.below, bounds.from];
  const given = (Object.keys(FILTER_COLUMNS) as (keyof ObjectFilters)[]).filter((name) => filters[name] !== undefined);
  const known = INDEXED.find((names) => names.every((name) => given.includes(name))) ?? [];
  const conditionOf = (name: keyof ObjectFilters): string => `o.${FILTER_COLUMNS[name]} = $${values.push(filters[name])}`;
  const within = ['o.workspace_id = $1', 'o.id < $2', 'o.id >= $3'];
  // By its references an object is found whatever its kind.
  if (!known.includes('processId') && !known.includes('recordId')) within.push(`o.kind = $${values.push(kind)}`);
  within.push(...known.map(conditionOf));
  const tried = given.filter((name) => !known.includes(name)).map(conditionOf);
  const { rows, readTo } = await readPage<ObjectRow>(sql, {
    columns: COLUMNS, table: 'objects o', alias: 'o', within, tried, values, limit: bounds.limit,
  });
  return { rows: rows.map(toObject), readTo };
}
