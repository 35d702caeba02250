import type { Reply } from '../domain/attempt';
import type { OAuth2Auth } from '../domain/endpoint-auth';
import type { Poster, PostRequest } from './post';
import { USER_AGENT } from './request';

/** A token that is in hand, and whether it was there before it was asked for. */
export interface HeldToken {
  readonly token: string;
  readonly isKept: boolean;
}

/** Why there is no token. `fault` is a short class for people, such as `http 401`. */
export interface TokenFault {
  readonly outcome: Reply['outcome'];
  readonly fault: string;
}

/** The access tokens of a process, one for each endpoint. They are kept in memory alone. */
export interface AccessTokens {
  /** The endpoint's token, fetched where there is none that will last. Takes at most the request's `timeoutMs`; never throws for what a server did. */
  get(request: PostRequest, auth: OAuth2Auth): Promise<HeldToken | TokenFault>;
  /** Keeps this token no longer: it was refused. */
  drop(endpointId: string, token: string): void;
  /** Keeps no token of an endpoint. */
  forget(endpointId: string): void;
}

/** How long a token is kept whose server does not say how long it lasts, and the longest that any is kept. */
const UNTOLD_MS = 5 * 60_000;
const LONGEST_MS = 24 * 3_600_000;
/** A token is not used in the last tenth of its time, or the last half minute: the longest that a request is under way. */
const MOST_MARGIN_MS = 30_000;
const MAX_TOKEN_LENGTH = 8192;
/** Endpoints whose tokens are kept at most; the one whose token was fetched longest ago goes first. */
const MAX_KEPT = 2048;

interface Kept {
  readonly auth: OAuth2Auth;
  readonly token: string;
  readonly untilMs: number;
}

interface Fetched {
  readonly token: string;
  readonly lastsMs: number;
}

interface Running {
  readonly auth: OAuth2Auth;
  readonly fetched: Promise<Fetched | TokenFault>;
}

/** Fetches tokens with `post`, one at a time for each endpoint: those who ask meanwhile wait for it with their own deadlines. */
export function createAccessTokens(post: Poster['post']): AccessTokens {
  const kept = new Map<string, Kept>();
  const running = new Map<string, Running>();

  function start(request: PostRequest, auth: OAuth2Auth): Running {
    const { endpointId } = request;
    const run: Running = { auth, fetched: fetchToken(post, request, auth) };
    running.set(endpointId, run);
    const end = (got: Fetched | TokenFault | null): void => {
      // Another has begun since: the endpoint was changed, or forgotten.
      if (running.get(endpointId) !== run) return;
      running.delete(endpointId);
      if (got && 'token' in got) keep(endpointId, { auth, token: got.token, untilMs: performance.now() + got.lastsMs });
    };
    run.fetched.then(end, () => end(null));
    return run;
  }

  function keep(endpointId: string, token: Kept): void {
    kept.delete(endpointId);
    kept.set(endpointId, token);
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  }

  return {
    async get(request, auth) {
      const { endpointId, timeoutMs } = request;
      const held = kept.get(endpointId);
      if (held && isSame(held.auth, auth) && performance.now() < held.untilMs) return { token: held.token, isKept: true };
      kept.delete(endpointId);
      const known = running.get(endpointId);
      const run = known && isSame(known.auth, auth) ? known : start(request, auth);
      const got = await before(timeoutMs, run.fetched);
      return 'token' in got ? { token: got.token, isKept: false } : got;
    },
    drop(endpointId, token) {
      if (kept.get(endpointId)?.token === token) kept.delete(endpointId);
    },
    forget(endpointId) {
      kept.delete(endpointId);
      running.delete(endpointId);
    },
  };
}

function before<T>(waitMs: number, promise: Promise<T>): Promise<T | TokenFault> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ outcome: 'timeout', fault: 'TIMEOUT' }), waitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const isSame = (one: OAuth2Auth, other: OAuth2Auth): boolean =>
  one === other || (one.tokenUrl === other.tokenUrl && one.clientId === other.clientId && one.clientSecret === other.clientSecret
    && one.scope === other.scope && one.audience === other.audience && one.clientAuth === other.clientAuth);

async function fetchToken(post: Poster['post'], { endpointId, url, tls, timeoutMs, connectTimeoutMs }: PostRequest, auth: OAuth2Auth): Promise<Fetched | TokenFault> {
  const { headers, body } = tokenRequest(auth);
  const reply = await post({
    // Connections of its own: an endpoint's are of one origin.
    endpointId: `token|${endpointId}`, url: auth.tokenUrl, headers, body, timeoutMs, connectTimeoutMs,
    tls: tls && new URL(auth.tokenUrl).origin === new URL(url).origin ? tls : null,
  });
  if (reply.outcome !== 'ok') return { outcome: reply.outcome, fault: reply.error ?? 'UNKNOWN' };
  if (reply.statusCode !== 200) return { outcome: 'http_error', fault: `http ${reply.statusCode}` };
  return reply.truncated ? { outcome: 'protocol_error', fault: 'TOO_LONG' } : readToken(Buffer.from(reply.body).toString('utf8'));
}

/** The request of RFC 6749, 4.4.2; the client's credentials stand as 2.3.1 says. */
function tokenRequest({ clientId, clientSecret, scope, audience, clientAuth }: OAuth2Auth): { headers: Record<string, string>; body: Buffer } {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== null) form.set('scope', scope);
  if (audience !== null) form.set('audience', audience);
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': USER_AGENT,
  };
  if (clientAuth === 'basic') {
    headers['authorization'] = basicCredentials(formEncoded(clientId), formEncoded(clientSecret));
  } else {
    form.set('client_id', clientId);
    form.set('client_secret', clientSecret);
  }
  return { headers, body: Buffer.from(form.toString()) };
}

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

/** The value of the header `authorization` for a user name and a password, as UTF-8 (RFC 7617). */
export const basicCredentials = (username: string, password: string): string => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Reads the answer of RFC 6749, 5.1. */
function readToken(text: string): Fetched | TokenFault {
  const answer = readObject(text);
  if (!answer) return { outcome: 'protocol_error', fault: 'NOT_JSON' };
  const { access_token: token, token_type: type, expires_in: expiresIn } = answer;
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH || !/^[\x21-\x7e]+$/.test(token)) return { outcome: 'protocol_error', fault: 'NO_ACCESS_TOKEN' };
  // A client must not use a token of a type that it does not know (7.1); one that is not named is what everybody gives.
  if (type !== undefined && String(type).toLowerCase() !== 'bearer') return { outcome: 'protocol_error', fault: 'NOT_A_BEARER_TOKEN' };
  const seconds = typeof expiresIn === 'number' || (typeof expiresIn === 'string' && /^\d{1,12}$/.test(expiresIn)) ? Number(expiresIn) : null;
  const lastsMs = seconds === null ? UNTOLD_MS : Math.min(Math.max(0, seconds * 1000), LONGEST_MS);
  return { token, lastsMs: lastsMs - Math.min(lastsMs / 10, MOST_MARGIN_MS) };
}

function readObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
