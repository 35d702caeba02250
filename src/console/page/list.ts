import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Page } from './answers';
import { withQuery, type Problem } from './api';
import { asProblem, useConsole, useData, type Freshness } from './context';

/** What a row is told apart by. */
type Named = { readonly id: string } | { readonly type: string };

const nameOf = (row: Named): string => ('id' in row ? row.id : row.type);

/** A list as far as it is shown. */
export interface List<T> {
  readonly rows: readonly T[] | null;
  readonly problem: Problem | null;
  readonly hasMore: boolean;
  readonly more: () => void;
  readonly reload: () => void;
}

/** Reads a list: its first page stays up to date, further ones are added when they are asked for. */
export function useList<T extends Named>(path: string, query: Readonly<Record<string, string | undefined>>, freshness: Freshness = {}, limit = 25): List<T> {
  const { api, say } = useConsole();
  const first = withQuery(path, { ...query, limit: String(limit) });
  const { data, problem, reload } = useData<Page<T>>(first, freshness);
  const [further, setFurther] = useState<{ readonly rows: readonly T[]; readonly cursor: string | null } | null>(null);
  useEffect(() => setFurther(null), [first]);

  const cursor = further ? further.cursor : (data?.nextCursor ?? null);
  const more = useCallback(() => {
    if (cursor === null) return;
    api.get<Page<T>>(`${first}&cursor=${encodeURIComponent(cursor)}`).then(
      (page) => setFurther((before) => ({ rows: [...(before?.rows ?? data?.data ?? []), ...page.data], cursor: page.nextCursor })),
      (error: unknown) => say(asProblem(error).message, true),
    );
  }, [api, cursor, first, data, say]);

  const rows = data && further ? merged(data.data, further.rows) : (data?.data ?? null);
  return { rows, problem, hasMore: cursor !== null, more, reload };
}

/** The newest rows as they are now, and the older ones as they were read. */
function merged<T extends Named>(newest: readonly T[], older: readonly T[]): T[] {
  const seen = new Set(newest.map(nameOf));
  return [...newest, ...older.filter((row) => !seen.has(nameOf(row)))];
}
