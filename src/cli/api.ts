import type { Io } from './command';
import { UsageError } from './command';
import { CliError, type ExitReason, messageOf } from './exit-codes';
import { clean } from './print';

/** An answer's JSON object. */
export type Answered = Readonly<Record<string, unknown>>;

/** What a query of a list may hold; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** Calls of the REST API. Each throws CliError with what the API said, or that it can not be reached. */
export interface Api {
  readonly url: string;
  get(path: string, query?: Query): Promise<Answered>;
  /** `body`: sent as JSON, or a text that is JSON as it is. */
  post(path: string, body?: unknown): Promise<Answered>;
  /** The first `limit` items of a list, page by page. */
  list(path: string, query: Query, limit: number): AsyncGenerator<Answered>;
}

/** Where the API is and who asks. */
export interface ApiSettings {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
  readonly workspace?: string | undefined;
}

const PATIENCE_MS = 60_000;
const MOST_OF_A_PAGE = 250;

/**
 * The API that the options name, else `POSTHORN_URL`, `POSTHORN_KEY` and `POSTHORN_WORKSPACE`, else the one of this machine.
 * @throws UsageError for an address that is none, and without a key. The key is never repeated.
 */
export function openApi(given: ApiSettings, env: Io['env']): Api {
  const url = addressOf(given.url ?? (env['POSTHORN_URL'] || 'http://127.0.0.1:3000'));
  const key = given.key ?? env['POSTHORN_KEY'] ?? '';
  if (key === '') throw new UsageError('an API key is needed: set POSTHORN_KEY, or give --key');
  if (!/^[\x21-\x7e]+$/.test(key)) throw new UsageError('the API key holds a space or a character that no key has');
  const workspace = given.workspace ?? env['POSTHORN_WORKSPACE'];
  const headers = {
    authorization: `Bearer ${key}`, 'content-type': 'application/json', ...(workspace && { 'posthorn-workspace': encodeURI(workspace) }),
  };

  const call = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await send(`${url}${path}`, { method, headers, redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS), ...(text !== undefined && { body: text }) });
    const answered = readObject(await reply.text());
    if (!reply.ok) throw refusal(reply.status, answered);
    if (!answered) throw new CliError('failed', `${url} answers ${reply.status} with something that is no JSON object: is it Posthorn's API?`);
    return answered;
  };
  const get = (path: string, query: Query = {}): Promise<Answered> => call('GET', path + queryOf(query));

  return {
    url,
    get,
    post: (path, body = {}) => call('POST', path, body),
    async *list(path, query, limit) {
      for (let left = limit, cursor: string | undefined; left > 0;) {
        const page = await get(path, { ...query, limit: Math.min(left, MOST_OF_A_PAGE), cursor });
        const data = page['data'] as readonly Answered[];
        yield* data.slice(0, left);
        left -= data.length;
        if (page['nextCursor'] === null) return;
        cursor = String(page['nextCursor']);
      }
    },
  };
}

function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw new UsageError(`--url must be the http or https address of the API, such as http://127.0.0.1:3000 (seen: ${JSON.stringify(clean(text))})`);
  }
  return url.href.replace(/\/+$/, '');
}

async function send(url: string, request: RequestInit): Promise<Response> {
  try {
    // eslint-disable-next-line no-restricted-globals -- no endpoint's address, but the API that whoever runs this names
    return await fetch(url, request);
  } catch (error) {
    throw new CliError('unreachable', `the API at ${new URL(url).origin} can not be reached (${messageOf(error)}); name another one with --url or POSTHORN_URL`);
  }
}

const REASONS: Readonly<Record<number, ExitReason>> = { 401: 'refused', 403: 'refused', 404: 'notFound', 429: 'busy', 503: 'busy' };

/** A problem of the API in words: its detail, then each mistake with its path. */
function refusal(status: number, problem: Answered | null): CliError {
  const { detail, title, errors } = problem ?? {};
  const mistakes = (Array.isArray(errors) ? errors : []) as readonly { readonly path?: unknown; readonly message?: unknown }[];
  const head = typeof detail === 'string' ? detail : typeof title === 'string' ? title : `the API answers ${status}`;
  const areTold = mistakes.every(({ message }) => head.includes(String(message)));
  const lines = mistakes.map(({ path, message }) => `  ${String(path)}: ${String(message)}`);
  // A detail that holds all mistakes in one line says what a single one is; of several the lines are easier to read.
  const whole = areTold && mistakes.length <= 1 ? [head] : [areTold ? head.replace(/:.*/s, ':') : head, ...lines];
  return new CliError(REASONS[status] ?? (status < 500 ? 'impossible' : 'failed'), clean(whole.join('\n')));
}

function readObject(text: string): Answered | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Answered) : null;
  } catch {
    return null;
  }
}

function queryOf(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
