import { useEffect, useState } from 'preact/hooks';
import type { Page } from './answers';
import { withQuery, type Problem } from './api';
import { asProblem, useConsole, useData, type Freshness } from './context';

/** What a row is told apart by. */
type Named = { readonly id: string } | { readonly type: string };

const nameOf = (row: Named): string => ('id' in row ? row.id : row.type);

/** The page of a list that follows what is shown. */
export interface NextPage {
  readonly read: () => void;
  readonly isUnderWay: boolean;
}

/** A list as far as it is shown. */
export interface List<T> {
  readonly rows: readonly T[] | null;
  readonly problem: Problem | null;
  /** Null: there is none. */
  readonly next: NextPage | null;
  readonly reload: () => void;
}

/** What was read beyond the first page, from the moment on in which it was asked for. */
interface Further<T> {
  readonly rows: readonly T[];
  readonly cursor: string | null;
  readonly isUnderWay: boolean;
}

/** Reads a list: its first page stays up to date, further ones are added when they are asked for. */
export function useList<T extends Named>(path: string, query: Readonly<Record<string, string | undefined>>, freshness: Freshness = {}, limit = 25): List<T> {
  const { api, say } = useConsole();
  const first = withQuery(path, { ...query, limit: String(limit) });
  const { data, problem, reload } = useData<Page<T>>(first, freshness);
  const [further, setFurther] = useState<Further<T> | null>(null);
  useEffect(() => setFurther(null), [first]);

  const shown: Further<T> | null = further ?? (data && { rows: data.data, cursor: data.nextCursor, isUnderWay: false });
  const readNext = (): void => {
    if (!data || !shown || shown.cursor === null || shown.isUnderWay) return;
    const from = { ...shown, isUnderWay: true };
    // What was asked for from another place, or for another list, is of no use any more.
    const settle = (next: Further<T>): void => setFurther((now) => (now === from ? next : now));
    setFurther(from);
    api.get<Page<T>>(`${first}&cursor=${encodeURIComponent(shown.cursor)}`).then(
      (page) => settle({ rows: [...from.rows, ...page.data], cursor: page.nextCursor, isUnderWay: false }),
      (error: unknown) => {
        settle(shown);
        say(asProblem(error).message, true);
      },
    );
  };

  const rows = data && further ? merged(data.data, further.rows) : (data?.data ?? null);
  return { rows, problem, next: shown && shown.cursor !== null ? { read: readNext, isUnderWay: shown.isUnderWay } : null, reload };
}

/** The newest rows as they are now, and the older ones as they were read. */
function merged<T extends Named>(newest: readonly T[], older: readonly T[]): T[] {
  const seen = new Set(newest.map(nameOf));
  return [...newest, ...older.filter((row) => !seen.has(nameOf(row)))];
}
