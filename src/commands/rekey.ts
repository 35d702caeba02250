import type { KeyRing } from '../seal';
import type { Sql } from '../store/db';
import { countByKey, readSealedBy, replaceSealed, SEALED_COLUMNS, type SealedColumn, type SealedValue } from '../store/sealed-columns';

/** Texts that another key than the first has sealed, of one column and key. */
export interface LeftToRekey {
  readonly key: string;
  /** `table.column`. */
  readonly column: string;
  readonly count: number;
}

/** What is sealed with another key than the ring's first, by key and column. */
export async function countLeft(sql: Sql, { activeId }: Pick<KeyRing, 'activeId'>): Promise<LeftToRekey[]> {
  const left: LeftToRekey[] = [];
  for (const sealed of SEALED_COLUMNS) {
    for (const [key, count] of await countByKey(sql, sealed)) {
      if (key !== activeId) left.push({ key, column: nameOf(sealed), count });
    }
  }
  return left.sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1));
}

/** What came of a run. */
export interface Rekeyed {
  /** Rows whose text was sealed anew. */
  readonly rows: number;
  /** Rows that could not be opened, and why; at most a hundred. They stay as they are. */
  readonly failed: readonly { readonly row: string; readonly error: string }[];
}

/** Rows of one statement: an update of a few ms. */
const BATCH = 200;
const TOLD_FAILURES = 100;

/**
 * Seals everything anew that another key than the ring's first has sealed, batch by batch; each is written when it is there.
 * A row that somebody changes meanwhile is left to them. So it may be stopped or killed at any time and run again, while the
 * API and workers run. `onBatch` is told how many rows are done.
 */
export async function rekey(sql: Sql, keyRing: KeyRing, onBatch: (rows: number) => void = () => undefined): Promise<Rekeyed> {
  let rows = 0;
  const failed: { row: string; error: string }[] = [];
  for (const sealed of SEALED_COLUMNS) {
    let after: readonly string[] | null = null;
    for (;;) {
      const values: SealedValue[] = await readSealedBy(sql, sealed, keyRing.activeId, after, BATCH);
      const changes = values.flatMap((value) => {
        try {
          return [{ ...value, sealedAnew: sealAnew(keyRing, sealed, value) }];
        } catch (error) {
          const row = `${nameOf(sealed)} of ${value.key.join(', ')}`;
          if (failed.length < TOLD_FAILURES) failed.push({ row, error: error instanceof Error ? error.message : String(error) });
          return [];
        }
      });
      rows += await replaceSealed(sql, sealed, changes);
      if (changes.length > 0) onBatch(rows);
      const last = values.at(-1);
      if (!last || values.length < BATCH) break;
      after = last.key;
    }
  }
  return { rows, failed };
}

function sealAnew(keyRing: KeyRing, { holds, placeOf }: SealedColumn, { key, text }: SealedValue): string {
  const again = (sealed: string, place: string): string =>
    sealed.startsWith(`${keyRing.activeId}:`) ? sealed : keyRing.seal(keyRing.open(sealed, place), place);
  if (holds === 'text') return again(text, placeOf(key, ''));
  const map = JSON.parse(text) as Record<string, string>;
  return JSON.stringify(Object.fromEntries(Object.entries(map).map(([name, sealed]) => [name, again(sealed, placeOf(key, name))])));
}

const nameOf = ({ table, column }: SealedColumn): string => `${table}.${column}`;
