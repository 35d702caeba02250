/** An answer as it came over the wire. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The body as it was sent. */
  readonly text: string;
  /** The body read as JSON; undefined where it is none. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

/**
 * Makes a call. `body`: sent as JSON; a string or bytes are sent as they are. Without `authorization` among the headers the
 * root key is used; `null` as a header's value leaves that header out.
 */
export type Call = (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string | null>>) => Promise<Reply>;

/** Calls of an API under `url`. */
export const createCall = (url: () => string, rootKey: string): Call => async (method, path, body, headers = {}) => {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const all = { authorization: `Bearer ${rootKey}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers };
  const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as Record<string, string>;
  const response = await fetch(`${url()}${path}`, {
    method, headers: sent, ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: readJson(text) };
};

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
