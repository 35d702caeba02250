import { ID_PREFIXES, type IdKind } from '../domain/ids';

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

/** Sorts before every id of this kind. */
export const firstId = (kind: IdKind): string => `${ID_PREFIXES[kind]}_`;

/** Sorts after every id of this kind. */
export const lastId = (kind: IdKind): string => `${ID_PREFIXES[kind]}_~`;
