import { ID_PREFIXES, type IdKind } from '../domain/ids';
import type { Sql } from './db';

/**
 * Which part of a list is asked for: ids from `from` (included) to `below` (not included), newest first. Both are
 * always set, so that a statement needs no alternatives: `id < $below and id >= $from order by id desc limit $limit + 1`.
 */
export interface ListBounds {
  readonly below: string;
  readonly from: string;
  /** Rows of one page, 1 to 250; one more is read, to know whether there is a next page. */
  readonly limit: number;
}

/** Most rows that one page of a list tries its filters on, where no index knows them. */
export const MOST_TRIED = 5_000;

/** A page of a list as it was read. */
export interface ReadPage<R> {
  /** One more than the limit where there are more. */
  readonly rows: readonly R[];
  /** The last id that was looked at, where {@link MOST_TRIED} were before the page was full: the next one begins below it. Else null. */
  readonly readTo: string | null;
}

/** The statement of a list, in parts. The table has an alias in all of them. */
export interface ListStatement {
  readonly columns: string;
  /** Table and alias: `events e`. */
  readonly table: string;
  /** What is joined to a row, for its columns and for the filters. */
  readonly joins?: string;
  readonly alias: string;
  /** What an index leads to: workspace, bounds, and the filters that it knows. */
  readonly within: readonly string[];
  /** The filters that are tried on one row after the other. */
  readonly tried: readonly string[];
  readonly values: readonly unknown[];
  /** Rows of the page. */
  readonly limit: number;
}

/**
 * Reads a page, newest first. Filters are tried on at most {@link MOST_TRIED} rows, since one that hardly any row passes would
 * read the whole list; the page is then short, or empty, and tells how far it came. All in one statement, so of one moment.
 */
export async function readPage<R extends { readonly id: string }>(sql: Sql, list: ListStatement): Promise<ReadPage<R>> {
  const { columns, table, joins = '', alias, within, tried, values: given, limit } = list;
  const values = [...given, limit + 1];
  const order = `order by ${alias}.id desc`;
  const inBounds = `from ${table} where ${within.join(' and ')} ${order}`;
  if (tried.length === 0) {
    const text = `select ${columns} from ${table} ${joins} where ${within.join(' and ')} ${order} limit $${values.length}`;
    return { rows: await sql.query<R>({ text, values }), readTo: null };
  }
  const rows = await sql.query<R & { read_to: string | null }>({
    text: `with page as materialized (
             select ${columns} from (select * ${inBounds} limit ${MOST_TRIED}) ${alias} ${joins}
             where ${tried.join(' and ')} ${order} limit $${values.length}
           )
           select page.*, edge.read_to from (
             select case when (select count(*) from page) < $${values.length} then (
               select ${alias}.id ${inBounds} offset ${MOST_TRIED - 1} limit 1
             ) end as read_to
           ) edge left join page on true order by page.id desc`,
    values,
  });
  // Without any row of the page there is one that holds the edge alone.
  return { rows: rows.filter(({ id }) => id !== null), readTo: rows[0]?.read_to ?? null };
}

/** Sorts before every id of this kind. */
export const firstId = (kind: IdKind): string => `${ID_PREFIXES[kind]}_`;

/** Sorts after every id of this kind. */
export const lastId = (kind: IdKind): string => `${ID_PREFIXES[kind]}_~`;
