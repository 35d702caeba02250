import { headersOf, type Session } from './session';

/** An answer that is none, in words. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(readonly status: number, message: string, readonly errors: readonly { readonly path: string; readonly message: string }[] = []) {
    super(message);
  }
}

/** Makes calls of the API as one session. */
export interface Api {
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>;
}

interface ProblemBody {
  readonly detail?: string;
  readonly title?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** The API of a session; `onRefused` is told when its key is good no longer. */
export function createApi(session: Session, onRefused: () => void): Api {
  async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const response = await fetch(path, {
      method,
      headers: { ...headersOf(session), ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    }).catch(() => {
      throw new Problem(0, 'Posthorn can not be reached. It is tried again.');
    });
    const text = await response.text();
    const answer = readJson(text);
    if (response.ok) return answer as T;
    if (response.status === 401) onRefused();
    const { detail, title, errors } = (answer ?? {}) as ProblemBody;
    throw new Problem(response.status, detail ?? title ?? `The answer was ${response.status}.`, errors);
  }
  return { get: (path, signal) => call('GET', path, undefined, signal), send: call };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A path with a query; what is empty is left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const search = new URLSearchParams(Object.entries(query).filter((entry): entry is [string, string] => !!entry[1])).toString();
  return search === '' ? path : `${path}?${search}`;
}
