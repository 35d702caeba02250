import type { Bodies, Dialect } from './bodies';
import { ReceiveError } from './receive-error';
import { keyOf, parseBody, TRANSFORMED } from './shape';
import { type Check, hexCheck, isOneOf, type RawRequest, standardCheck } from './signature';

/** What the requests of any endpoint are checked with. */
type CheckOptions<D extends Dialect> = {
  readonly dialect: D;
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

/** What the requests of an endpoint are checked with. */
export type VerifyOptions<D extends Dialect> = CheckOptions<D> & { readonly transformed?: false };

/** The same for an endpoint that has a `transform`: any JSON is taken, and `body` is unknown. Of `standard`, `flow`, `chakra`, `chakra-inbound`. */
export type TransformedOptions<D extends Dialect> = CheckOptions<D> & { readonly transformed: true };

/** A request that was checked; `B` is what its body holds. */
export interface Received<D extends Dialect = Dialect, B = Bodies[D]> {
  readonly dialect: D;
  /**
   * The key to do things once: the same for every attempt and resend. The event's id; of `chakra-inbound` the kind and Meta's id (of
   * a status also its status), of `meta`, and of `chakra` and `chakra-inbound` where they are transformed, the SHA-256 of the body.
   */
  readonly id: string;
  /** When this attempt left, as it was signed; null where the dialect signs no time. */
  readonly sentAt: Date | null;
  readonly body: B;
  /** The body as it came. */
  readonly raw: Uint8Array;
}

/** Checks one request. @throws ReceiveError where it is not taken. */
export type Verifier<D extends Dialect, B = Bodies[D]> = (request: RawRequest) => Promise<Received<D, B>>;

const TOLERANCE_SECONDS = 300;

/**
 * Prepares the checks of an endpoint's requests. The check compares in constant time, over the bytes as they came.
 * @throws TypeError for options that could not protect anything: no secret, an empty one, one of another kind; and for `transformed` of
 * a dialect that no endpoint with an expression can have.
 */
export function createVerifier<D extends Dialect>(options: VerifyOptions<D>): Verifier<D>;
export function createVerifier<D extends Dialect>(options: TransformedOptions<D>): Verifier<D, unknown>;
export function createVerifier<D extends Dialect>(options: VerifyOptions<D> | TransformedOptions<D>): Verifier<D, unknown>;
export function createVerifier<D extends Dialect>(options: VerifyOptions<D> | TransformedOptions<D>): Verifier<D, unknown> {
  const { dialect, transformed = false, now = () => new Date() } = options;
  const check = checkOf(options);
  const ofTransformed = TRANSFORMED[dialect];
  if (transformed && !ofTransformed) throw new TypeError(`transformed is of no use: the bodies of ${dialect} can not be transformed`);
  return async (request) => {
    const sentAt = await check(request, now());
    const body = parseBody(request.body);
    const id = await (transformed && ofTransformed ? ofTransformed(request) : keyOf(dialect, body, request));
    return { dialect, id, sentAt, body, raw: request.body };
  };
}

/** {@link createVerifier} for a single request. @throws ReceiveError where it is not taken, TypeError for the options. */
export function verify<D extends Dialect>(request: RawRequest, options: VerifyOptions<D>): Promise<Received<D>>;
export function verify<D extends Dialect>(request: RawRequest, options: TransformedOptions<D>): Promise<Received<D, unknown>>;
export async function verify<D extends Dialect>(request: RawRequest, options: VerifyOptions<D> | TransformedOptions<D>): Promise<Received<D, unknown>> {
  return createVerifier(options)(request);
}

function checkOf(options: CheckOptions<Dialect>): Check {
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
