/**
 * What came of one request; a closed list, also the label of the metrics. `unknown`: the process died between
 * sending and recording. `transform_error`: none was made, since the endpoint's expression gave no body.
 */
export const OUTCOMES = [
  'ok', 'http_error', 'redirect', 'timeout', 'connect_timeout', 'connection_refused', 'connection_reset',
  'dns_error', 'tls_error', 'address_forbidden', 'protocol_error', 'transform_error', 'unknown',
] as const;

/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number];

/** Outcomes that say that the endpoint could not be reached in time; five in a row open the breaker. */
export const UNREACHABLE: ReadonlySet<Outcome> = new Set<Outcome>([
  'timeout', 'connect_timeout', 'connection_refused', 'connection_reset', 'dns_error', 'tls_error',
]);

/** What one POST came to, as the wire reports it: an answer, or the fault that stood in its place. Never thrown. */
export interface Reply {
  /** The outcome by the wire alone; `ok` means "an answer with a status", which the policy then judges; `http_error` is a token server's. */
  readonly outcome: Exclude<Outcome, 'redirect' | 'unknown'>;
  readonly statusCode: number | null;
  /** Header names in lower case; a repeated header's values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most 16 KiB of the body, as received. */
  readonly body: Uint8Array;
  readonly truncated: boolean;
  /** A short class of fault for people, such as `ECONNREFUSED`; never an address or a certificate's text. */
  readonly error: string | null;
  readonly durationMs: number;
  /** The access token that was sent; absent: none. A secret. */
  readonly token?: string;
  /** The answer was 401 to a token that had been fetched before: it may have been revoked, and the next request has another. */
  readonly isTokenStale?: boolean;
}

/** What is kept of one attempt. */
export interface Verdict {
  readonly outcome: Outcome;
  /** The receiver asked never to be called again: 410, or the answer header `webhook-delivery: disable`. */
  readonly gone: boolean;
  /** How long the receiver asked us to wait, in ms (RFC 9110 `Retry-After`); null where it did not or was not understood. */
  readonly retryAfterMs: number | null;
  /** 429, 502, 503, 504 and timeouts: the next attempt waits at least 60 s where the schedule is the default one. */
  readonly overloaded: boolean;
}

/**
 * Whether a request could not be made for want of files, sockets or memory on this machine (POSIX and getaddrinfo name them so), the
 * one for an access token included: that says nothing of the receiver.
 */
export const isOutOfRoom = ({ error }: Pick<Reply, 'error'>): boolean => /^(token: )?(EMFILE|ENFILE|ENOBUFS|ENOMEM|EAI_MEMORY)$/.test(error ?? '');

const OVERLOADED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Judges a reply by the policy's success rule: any 2xx, or only the listed codes. A 3xx is always `redirect`, listed or not. */
export function judge(reply: Reply, success: '2xx' | readonly number[], now: Date): Verdict {
  const status = reply.statusCode;
  const gone = status === 410 || reply.headers['webhook-delivery']?.trim().toLowerCase() === 'disable';
  const outcome = status === null || reply.outcome !== 'ok' ? reply.outcome : judgeStatus(status, success);
  return {
    outcome,
    gone,
    retryAfterMs: outcome === 'ok' ? null : parseRetryAfter(reply.headers['retry-after'], now),
    overloaded: outcome === 'timeout' || outcome === 'connect_timeout' || (status !== null && OVERLOADED_STATUSES.has(status)),
  };
}

function judgeStatus(status: number, success: '2xx' | readonly number[]): Outcome {
  if (status >= 300 && status < 400) return 'redirect';
  return (success === '2xx' ? status >= 200 && status < 300 : success.includes(status)) ? 'ok' : 'http_error';
}

/** `Retry-After` as milliseconds from `now`: seconds or an HTTP date (RFC 9110, 10.2.3). Anything else, and the past: null. */
export function parseRetryAfter(header: string | undefined, now: Date): number | null {
  const text = header?.trim();
  if (!text) return null;
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  // Date.parse alone also reads "1" or "-5" as dates: an HTTP date begins with the day's name.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null;
  // The oldest of the three date forms (asctime) ends in the year and names no zone: it means UTC, and would be read as local.
  const at = Date.parse(/ \d{4}$/.test(text) ? `${text} GMT` : text);
  return Number.isNaN(at) || at <= now.getTime() ? null : at - now.getTime();
}
