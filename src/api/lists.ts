import { z } from 'zod';
import { idFloor, type IdKind } from '../domain/ids';
import { invalid } from '../errors';
import { firstId, lastId, type ListBounds, type ReadPage } from '../store/lists';
import type { RouteContext } from './route';
import { timeIn } from './schemas/shared';

const LIMIT_RULE = 'must be a whole number from 1 to 250';

/** The query that all lists take; a list's own filters are added with `listQuery.extend({ … })`. */
export const listQuery = z.strictObject({
  limit: z.coerce.number(LIMIT_RULE).int(LIMIT_RULE).min(1, LIMIT_RULE).max(250, LIMIT_RULE)
    .default(50).describe('rows of a page'),
  cursor: z.string().max(300).optional().describe('`nextCursor` of the page before'),
  createdAfter: timeIn.optional().describe('only what was made after this time'),
  createdBefore: timeIn.optional().describe('only what was made before this time'),
});

/** What every list's query holds after the guard. */
export type ListQuery = z.output<typeof listQuery>;

/** A page as it is answered. */
export interface Page<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
}

/** One list of one workspace: reads its query and makes its pages. */
export interface PagedList {
  readonly bounds: ListBounds;
  /** Cuts the one row too many, and names where the next page begins. What was read is in descending order of `id`. */
  page<R extends { readonly id: string }, T>(read: readonly R[] | ReadPage<R>, present: (row: R) => T): Page<T>;
}

/**
 * The bounds of a page, and what makes it: `const list = openList(context, 'rules', 'rule', query)`. `name` is the list's
 * own. A cursor is sealed for workspace and list. Times are compared by the ids' own milliseconds.
 * @throws AppError 422 where the cursor is not one of this list and workspace.
 */
export function openList(context: Pick<RouteContext, 'caller' | 'deps'>, name: string, kind: IdKind, query: ListQuery): PagedList {
  const { keyRing } = context.deps;
  const place = `cursor|${context.caller.workspaceId}|${name}`;
  const below = [lastId(kind)];
  if (query.createdBefore) below.push(idFloor(kind, query.createdBefore.getTime()));
  if (query.cursor !== undefined) below.push(openCursor(query.cursor, (sealed) => keyRing.open(sealed, place)));
  const from = query.createdAfter ? idFloor(kind, query.createdAfter.getTime() + 1) : firstId(kind);
  const limit = query.limit;
  return {
    bounds: { below: below.reduce((a, b) => (a < b ? a : b)), from, limit },
    page: (read, present) => {
      const { rows, readTo } = 'rows' in read ? read : { rows: read, readTo: null };
      const cursorOf = (id: string): string => Buffer.from(keyRing.seal(id, place)).toString('base64url');
      const { data, nextCursor } = page(rows, limit, ({ id }) => cursorOf(id));
      return { data: data.map(present), nextCursor: nextCursor ?? (readTo === null ? null : cursorOf(readTo)) };
    },
  };
}

/** One list of one workspace whose rows stand in the order of their places, from 0. */
export interface PlaceList {
  /** The place behind which the page begins; -1 for the first. */
  readonly after: number;
  /** Cuts the one row too many, and names where the next page begins. */
  page<R extends { readonly index: number }, T>(rows: readonly R[], present: (row: R) => T): Page<T>;
}

/** The same as {@link openList} for a list in the order of places. @throws AppError 422 where the cursor is not one of this list and workspace. */
export function openPlaces(context: ListContext, name: string, query: CursorQuery): PlaceList {
  const { after, page: cut } = openInOrder<{ readonly index: number }>(context, name, query, ({ index }) => String(index));
  return { after: after === null ? -1 : Number(after), page: cut };
}

/** One list of one workspace whose rows stand in the order of their names. */
export interface NameList {
  /** The name behind which the page begins; `''` for the first. */
  readonly after: string;
  /** Cuts the one row too many, and names where the next page begins. */
  page<R extends { readonly name: string }, T>(rows: readonly R[], present: (row: R) => T): Page<T>;
}

/** The same as {@link openList} for a list in the order of names. @throws AppError 422 where the cursor is not one of this list and workspace. */
export function openNames(context: ListContext, name: string, query: CursorQuery): NameList {
  const { after, page: cut } = openInOrder<{ readonly name: string }>(context, name, query, (row) => row.name);
  return { after: after ?? '', page: cut };
}

type ListContext = Pick<RouteContext, 'caller' | 'deps'>;
type CursorQuery = Pick<ListQuery, 'limit' | 'cursor'>;

/** A list that goes on behind what its cursor says; `textOf` is what that says of a row. */
function openInOrder<Ordered>(context: ListContext, name: string, { limit, cursor }: CursorQuery, textOf: (row: Ordered) => string) {
  const { keyRing } = context.deps;
  const place = `cursor|${context.caller.workspaceId}|${name}`;
  return {
    after: cursor === undefined ? null : openCursor(cursor, (sealed) => keyRing.open(sealed, place)),
    page<R extends Ordered, T>(rows: readonly R[], present: (row: R) => T): Page<T> {
      const { data, nextCursor } = page(rows, limit, (row) => Buffer.from(keyRing.seal(textOf(row), place)).toString('base64url'));
      return { data: data.map(present), nextCursor };
    },
  };
}

/** Cuts `rows` (one more than `limit` where there are more) to a page; `cursorOf` its last row begins the next one. */
export function page<R>(rows: readonly R[], limit: number, cursorOf: (row: R) => string): Page<R> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

function openCursor(cursor: string, open: (sealed: string) => string): string {
  try {
    const sealed = Buffer.from(cursor, 'base64url').toString('utf8');
    // Node reads base64 up to its padding, whatever follows.
    if (/^[\w-]+:[A-Za-z0-9+/]+={0,2}$/.test(sealed)) return open(sealed);
  } catch {
    // Told below.
  }
  throw invalid('cursor', 'must be the nextCursor of a page of this list, unchanged');
}
