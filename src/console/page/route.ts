import { useEffect, useState } from 'preact/hooks';

/** Where one is: the parts of `#/endpoints/ep_…`, and the query behind it. */
export interface Place {
  readonly parts: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

/** Reads an address's fragment. */
export function readPlace(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  return { parts: path.split('/').filter(Boolean).map(safely), query: Object.fromEntries(new URLSearchParams(search)) };
}

function safely(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The fragment of a place. */
export function href(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

/** Goes to a place of the same parts with another query; what is empty is left out. */
export function setQuery(place: Place, query: Readonly<Record<string, string>>): void {
  const search = new URLSearchParams(Object.entries({ ...place.query, ...query }).filter(([, value]) => value !== '')).toString();
  location.hash = `${href(...place.parts)}${search === '' ? '' : `?${search}`}`;
}

/** Where one is now. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const onChange = (): void => setPlace(readPlace(location.hash));
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return place;
}
