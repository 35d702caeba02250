/** Headers as a framework has them: `Headers`, Node's object, or names in any case. */
export type HeadersLike = { get(name: string): string | null } | Readonly<Record<string, unknown>>;

/** A header's value; null where it is absent, empty, or stands there more than once. `name` is in lower case. */
export function headerOf(headers: HeadersLike, name: string): string | null {
  if (isHeaders(headers)) return headers.get(name) || null;
  const found = Object.keys(headers).filter((key) => key.toLowerCase() === name).map((key) => headers[key]);
  const [value] = found;
  return found.length === 1 && typeof value === 'string' && value !== '' ? value : null;
}

const isHeaders = (headers: HeadersLike): headers is { get(name: string): string | null } => typeof headers['get' as keyof HeadersLike] === 'function';
