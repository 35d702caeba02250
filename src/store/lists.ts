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

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The least id of this kind that can have been made at `atMs` (Unix ms): the first ten characters of a ULID are its time. */
export function idFloor(kind: IdKind, atMs: number): string {
  let rest = Math.min(Math.max(Math.floor(atMs), 0), 2 ** 48 - 1);
  let time = '';
  for (let place = 0; place < 10; place++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return `${ID_PREFIXES[kind]}_${time}`;
}

/** Sorts before every id of this kind. */
export const firstId = (kind: IdKind): string => `${ID_PREFIXES[kind]}_`;

/** Sorts after every id of this kind. */
export const lastId = (kind: IdKind): string => `${ID_PREFIXES[kind]}_~`;
