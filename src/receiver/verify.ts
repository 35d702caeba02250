import type { Bodies, Dialect } from './bodies';
import { ReceiveError } from './receive-error';
import { keyOf, parseBody, TRANSFORMED } from './shape';
import { type Check, hexCheck, isOneOf, type RawRequest, standardCheck } from './signature';

/** What the requests of an endpoint are checked with; `T` says whether its bodies are those of an expression of its own. */
export type VerifyOptions<D extends Dialect, T extends boolean = false> = {
  readonly dialect: D;
  /** Whether the endpoint has a `transform`: then any JSON is taken, and `body` is unknown. Of `standard`, `flow`, `chakra`, `chakra-inbound`. */
  readonly transformed?: T;
  /** How far `webhook-timestamp` may be away from this clock, in seconds; 300 unless told. */
  readonly toleranceSeconds?: number;
  /** The clock; the machine's unless told. */
  readonly now?: () => Date;
} & (D extends 'chative'
  ? {
    /** The endpoint's verify token; several while it is changed. */
    readonly verifyToken: string | readonly string[];
  }
  : {
    /** The endpoint's secret (`whsec_...`, for `chakra`, `chakra-inbound` and `meta` any text) or public key (`whpk_...`); several while it is rotated. */
    readonly secrets: string | readonly string[];
  });

/** A request that was checked. */
export interface Received<D extends Dialect = Dialect, T extends boolean = false> {
  readonly dialect: D;
  /**
   * The key to do things once: the same for every attempt and resend. The event's id; of `chakra-inbound` the kind and Meta's id (of
   * a status also its status), of `meta`, and of `chakra` and `chakra-inbound` where they are transformed, the SHA-256 of the body.
   */
  readonly id: string;
  /** When this attempt left, as it was signed; null where the dialect signs no time. */
  readonly sentAt: Date | null;
  readonly body: T extends true ? unknown : Bodies[D];
  /** The body as it came. */
  readonly raw: Uint8Array;
}

/** Checks one request. @throws ReceiveError where it is not taken. */
export type Verifier<D extends Dialect, T extends boolean = false> = (request: RawRequest) => Promise<Received<D, T>>;

const TOLERANCE_SECONDS = 300;

/**
 * Prepares the checks of an endpoint's requests. The check compares in constant time, over the bytes as they came.
 * @throws TypeError for options that could not protect anything: no secret, an empty one, one of another kind; and for `transformed` of
 * a dialect that no endpoint with an expression can have.
 */
export function createVerifier<D extends Dialect, T extends boolean = false>(options: VerifyOptions<D, T>): Verifier<D, T> {
  const { dialect, transformed = false, now = () => new Date() } = options;
  const check = checkOf(options);
  const ofTransformed = TRANSFORMED[dialect];
  if (transformed && !ofTransformed) throw new TypeError(`transformed is of no use: the bodies of ${dialect} can not be transformed`);
  return async (request) => {
    const sentAt = await check(request, now());
    const body = parseBody(request.body);
    const id = await (transformed && ofTransformed ? ofTransformed(request) : keyOf(dialect, body, request));
    return { dialect, id, sentAt, body: body as Received<D, T>['body'], raw: request.body };
  };
}

/** {@link createVerifier} for a single request. @throws ReceiveError where it is not taken, TypeError for the options. */
export const verify = async <D extends Dialect, T extends boolean = false>(request: RawRequest, options: VerifyOptions<D, T>): Promise<Received<D, T>> =>
  createVerifier(options)(request);

function checkOf(options: VerifyOptions<Dialect, boolean>): Check {
  const { dialect, toleranceSeconds = TOLERANCE_SECONDS } = options;
  if (!(toleranceSeconds >= 0 && toleranceSeconds < Infinity)) throw new TypeError('toleranceSeconds must be a number of seconds, 0 or more');
  const what = dialect === 'chative' ? 'verifyToken' : 'secrets';
  const given = (options as Readonly<Record<string, unknown>>)[what];
  const secrets = (Array.isArray(given) ? given : [given]).filter((secret): secret is string => typeof secret === 'string');
  if (secrets.length === 0) throw new TypeError(`${what} is needed: without it anybody could send`);
  switch (dialect) {
    case 'standard': case 'spektr': case 'flow': return standardCheck(secrets, toleranceSeconds);
    case 'chakra': case 'chakra-inbound': case 'meta': return hexCheck(secrets);
    case 'chative': return tokenCheck(secrets);
    default: throw new TypeError(`There is no dialect ${JSON.stringify(dialect)}`);
  }
}

/** The verify token of `chative` stands in the body. */
function tokenCheck(tokens: readonly string[]): Check {
  if (tokens.includes('')) throw new TypeError('A verify token is empty: anybody could send it');
  return async ({ body }) => {
    const { items } = (parseBody(body) ?? {}) as { readonly items?: readonly { readonly infoWebhook?: { readonly verifyToken?: unknown } | null }[] };
    const token = Array.isArray(items) ? (items[0] as { infoWebhook?: { verifyToken?: unknown } | null } | null)?.infoWebhook?.verifyToken : undefined;
    if (typeof token !== 'string') throw new ReceiveError('unsigned', 'items[0].infoWebhook.verifyToken is needed');
    if (!(await isOneOf(token, tokens))) throw new ReceiveError('signature', 'the verify token is another one');
    return null;
  };
}
