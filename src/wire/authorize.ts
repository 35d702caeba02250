import type { Reply } from '../domain/attempt';
import type { OAuth2Auth } from '../domain/endpoint-auth';
import { basicCredentials, createAccessTokens, type TokenFault } from './access-token';
import type { Poster, PostRequest } from './post';

/**
 * A poster whose requests show who sends them, as their `auth` says. A token is fetched within the request's own time. One
 * that is refused with 401 is kept no longer and the reply says so; the request is not made again here, since one attempt is
 * one request.
 */
export function withAuth(plain: Poster): Poster {
  const tokens = createAccessTokens((request) => plain.post(request));

  async function postWithToken(request: PostRequest, auth: OAuth2Auth): Promise<Reply> {
    const { endpointId, timeoutMs, connectTimeoutMs } = request;
    const startedAtMs = performance.now();
    const elapsedMs = (): number => Math.round(performance.now() - startedAtMs);
    const held = await tokens.get(request, auth);
    if (!('token' in held)) return notSent(held, elapsedMs());
    const remainingMs = timeoutMs - elapsedMs();
    if (remainingMs <= 0) return notSent({ outcome: 'timeout', fault: 'TIMEOUT' }, elapsedMs());
    const reply = await plain.post({
      ...authorized(request, `Bearer ${held.token}`), timeoutMs: remainingMs, connectTimeoutMs: Math.min(connectTimeoutMs, remainingMs),
    });
    const isRefused = reply.statusCode === 401;
    if (isRefused) tokens.drop(endpointId, held.token);
    return { ...reply, durationMs: elapsedMs(), token: held.token, isTokenStale: isRefused && held.isKept };
  }

  return {
    post(request) {
      const { auth } = request;
      if (!auth) return plain.post(request);
      if (auth.type === 'oauth2') return postWithToken(request, auth);
      return plain.post(authorized(request, basicCredentials(auth.username, auth.password)));
    },
    forget(endpointId) {
      tokens.forget(endpointId);
      plain.forget(endpointId);
      plain.forget(`token|${endpointId}`);
    },
    close: () => plain.close(),
  };
}

const authorized = (request: PostRequest, authorization: string): PostRequest => ({ ...request, headers: { ...request.headers, authorization } });

/** What stands in the place of an answer where there was no token to send. */
const notSent = ({ outcome, fault }: TokenFault, durationMs: number): Reply =>
  ({ outcome, statusCode: null, headers: {}, body: new Uint8Array(), truncated: false, error: `token: ${fault}`, durationMs });
