import type { Sql } from './db';
import { answerPlace, authPlace, channelPlace, headerPlace, secretPlace, verifyTokenPlace } from './sealed-places';

/** A column that holds sealed text, and the place that each is sealed for. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The columns of the table's primary key. */
  readonly key: readonly string[];
  /** `map`: a JSON object whose values are sealed one by one. */
  readonly holds: 'text' | 'map';
  /** Condition on the rows whose column is sealed; all that are not null unless told. */
  readonly where?: string;
  /** `name` is a value's name in a map. */
  placeOf(key: readonly string[], name: string): string;
}

const at = (parts: readonly string[], index: number): string => parts[index] ?? '';

/** Everything that is stored sealed. What is not in here is not sealed anew, and is lost with the key that sealed it. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'endpoint_secrets', column: 'sealed', key: ['id'], holds: 'text', placeOf: (key) => secretPlace(at(key, 0)) },
  { table: 'endpoints', column: 'headers', key: ['id'], holds: 'map', placeOf: (key, name) => headerPlace(at(key, 0), name) },
  { table: 'endpoints', column: 'verify_token', key: ['id'], holds: 'text', placeOf: (key) => verifyTokenPlace(at(key, 0)) },
  { table: 'endpoints', column: 'auth_secrets', key: ['id'], holds: 'map', placeOf: (key, name) => authPlace(at(key, 0), name) },
  { table: 'channels', column: 'verify_token', key: ['id'], holds: 'text', placeOf: (key) => channelPlace(at(key, 0), 'verify_token') },
  { table: 'channels', column: 'app_secret', key: ['id'], holds: 'text', placeOf: (key) => channelPlace(at(key, 0), 'app_secret') },
  {
    table: 'idempotency_keys', column: 'response', key: ['workspace_id', 'key'], holds: 'text', where: 'sealed',
    placeOf: (key) => answerPlace(at(key, 0), at(key, 1)),
  },
];

/** The sealed texts of a row, as the rows of `sealed(text)`. */
const textsOf = ({ column, holds }: SealedColumn): string =>
  holds === 'map' ? `(select value from json_each_text(${column}))` : `(select ${column} where ${column} is not null)`;

const isSealed = ({ where = 'true' }: SealedColumn): string => `(${where})`;

/** How many texts of a column each key has sealed, by the key's id. */
export async function countByKey(sql: Sql, sealed: SealedColumn): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.query<{ key: string; count: number }>({
    text: `select split_part(sealed.text, ':', 1) as key, count(*) as count
           from ${sealed.table} cross join lateral ${textsOf(sealed)} sealed(text) where ${isSealed(sealed)} group by 1`,
  });
  return new Map(rows.map(({ key, count }) => [key, count]));
}

/** A row's column as it is stored. */
export interface SealedValue {
  readonly key: readonly string[];
  readonly text: string;
}

/** The next rows behind `after` (in the order of the key; null: from the first) that hold text which another key has sealed. */
export async function readSealedBy(
  sql: Sql, sealed: SealedColumn, activeId: string, after: readonly string[] | null, limit: number,
): Promise<SealedValue[]> {
  const { table, column, key } = sealed;
  const behind = after === null ? 'true' : `(${key.join(', ')}) > (${key.map((_, n) => `$${n + 3}`).join(', ')})`;
  return sql.query<SealedValue>({
    text: `select array[${key.join(', ')}]::text[] as key, ${column}::text as text from ${table}
           where ${isSealed(sealed)} and ${behind} and exists (select from ${textsOf(sealed)} sealed(text) where split_part(sealed.text, ':', 1) <> $1)
           order by ${key.join(', ')} limit $2`,
    values: [activeId, limit, ...(after ?? [])],
  });
}

/** Writes values in the place of others, of those rows alone that still hold what was read; answers how many. */
export async function replaceSealed(
  sql: Sql, { table, column, key, holds }: SealedColumn, changes: readonly (SealedValue & { readonly sealedAnew: string })[],
): Promise<number> {
  if (changes.length === 0) return 0;
  const rows = await sql.query({
    text: `update ${table} t set ${column} = given.new_value${holds === 'map' ? '::json' : ''}
           from unnest(${key.map((_, n) => `$${n + 3}::text[]`).join(', ')}, $1::text[], $2::text[]) given(${key.map((_, n) => `key_${n}`).join(', ')}, old_value, new_value)
           where ${key.map((name, n) => `t.${name} = given.key_${n}`).join(' and ')} and t.${column}::text = given.old_value returning 1`,
    values: [changes.map(({ text }) => text), changes.map(({ sealedAnew }) => sealedAnew), ...key.map((_, n) => changes.map((change) => change.key[n]))],
  });
  return rows.length;
}
