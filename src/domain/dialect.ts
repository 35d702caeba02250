import { FLOW_TYPES } from './family-flow';
import { SPEKTR_TYPES } from './family-spektr';
import { INBOUND_KINDS, INBOUND_RAW, inboundType, isInbound, LIFECYCLE_TYPES, patternCovers, type Event } from './event';
import { compilePolicy, DEFAULT_POLICY, mergePolicy, type Policy, type PolicyOverrides, type PolicyView } from './policy';

/** The families of receivers that Posthorn can speak to. */
export type DialectName = 'standard' | 'chakra' | 'chakra-inbound' | 'meta' | 'chative' | 'spektr' | 'flow';

/** How a body is signed: the header set, or none. */
export type SignatureScheme = 'standard-webhooks' | 'chakra-sha256' | 'none';

/** How a body is rendered; one function each in `wire/envelope.ts`. */
export type EnvelopeName = 'standard' | 'chakra' | 'data' | 'chative' | 'spektr' | 'flow';

/** One family's contract. A new family is one more row here and its envelope. */
export interface Dialect {
  readonly envelope: EnvelopeName;
  readonly signature: SignatureScheme;
  /** A secret is generated where the caller gives none; otherwise requests go unsigned until one is set. */
  readonly generatesSecret: boolean;
  /** The only types of event that such an endpoint can be owed; absent: any. */
  readonly types?: readonly string[];
  /** The `X-Hub-Signature-256` of the received request goes along. */
  readonly passesSignature?: boolean;
  /** Of objects it is told of records alone, not of processes and tasks. */
  readonly recordsOnly?: boolean;
  /** Its bodies tell how often and when the event was sent before, so each attempt but the first looks that up. */
  readonly tellsHistory?: boolean;
  /** Its bodies carry the endpoint's verify token. */
  readonly verifyToken?: boolean;
  /** Only `https:` addresses are taken (422 `https_required`). */
  readonly httpsOnly: boolean;
  /** What differs from {@link DEFAULT_POLICY}. */
  readonly policy: PolicyOverrides;
}

/** The table of dialects (product.md, "Dialects"). */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  standard: { envelope: 'standard', signature: 'standard-webhooks', generatesSecret: true, httpsOnly: false, policy: {} },
  chakra: { envelope: 'chakra', signature: 'chakra-sha256', generatesSecret: false, httpsOnly: false, policy: {} },
  'chakra-inbound': {
    envelope: 'data', signature: 'chakra-sha256', generatesSecret: false, httpsOnly: false, policy: {}, types: INBOUND_KINDS.map(inboundType),
  },
  meta: {
    envelope: 'data', signature: 'chakra-sha256', generatesSecret: false, httpsOnly: false, policy: {}, types: [INBOUND_RAW], passesSignature: true,
  },
  chative: {
    envelope: 'chative', signature: 'none', generatesSecret: false, httpsOnly: true, recordsOnly: true, tellsHistory: true, verifyToken: true,
    policy: {
      success: [200],
      retry: { delays: ['5s', '5s', '5s', '5s', '5s'], jitter: 0, respectRetryAfter: false },
      deactivate: { afterFailingFor: null, afterExhausted: 1 },
      probe: null,
    },
  },
  spektr: {
    envelope: 'spektr', signature: 'standard-webhooks', generatesSecret: true, httpsOnly: false, policy: {}, types: SPEKTR_TYPES, tellsHistory: true,
  },
  flow: { envelope: 'flow', signature: 'standard-webhooks', generatesSecret: true, httpsOnly: false, policy: {}, types: FLOW_TYPES },
};

const FAMILY_TYPES: ReadonlySet<string> = new Set([...SPEKTR_TYPES, ...FLOW_TYPES]);

/** Whether an event was made from a change for one family: nobody else is owed it. A custom event of such a type is anybody's. */
export const isFamilyEvent = ({ type, causedBy }: Pick<Event, 'type' | 'causedBy'>): boolean => causedBy !== null && FAMILY_TYPES.has(type);

/** Whether an endpoint of this dialect can be owed an event. */
export function canBeOwed(dialect: DialectName, event: Pick<Event, 'type' | 'causedBy' | 'objectKind' | 'data'>): boolean {
  const { types, recordsOnly = false } = DIALECTS[dialect];
  if (types) return types.includes(event.type);
  const isOfRecord = event.data !== null || event.objectKind === 'record';
  return !isFamilyEvent(event) && (!recordsOnly || isOfRecord);
}

/** Those of a rule's patterns that cover nothing that an endpoint of this dialect can be owed. */
export function uselessPatterns(dialect: DialectName, patterns: readonly string[]): string[] {
  const { types, recordsOnly = false } = DIALECTS[dialect];
  const strange = recordsOnly ? LIFECYCLE_TYPES.filter((type) => !type.startsWith('record:')) : [];
  if (types) return patterns.filter((pattern) => !types.some((type) => patternCovers(pattern, type)));
  return patterns.filter((pattern) => pattern !== '*' && strange.some((type) => patternCovers(pattern, type)));
}

/** The same of an endpoint's own subscription: it never covers what a channel received, so that some dialects have none. */
export function uselessSubscriptions(dialect: DialectName, patterns: readonly string[]): readonly string[] {
  if (DIALECTS[dialect].types?.every(isInbound)) return patterns;
  return [...uselessPatterns(dialect, patterns), ...patterns.filter(isInbound)];
}

/** All names, in the table's order. */
export const DIALECT_NAMES = Object.keys(DIALECTS) as [DialectName, ...DialectName[]];

/** The policy that is in effect, as the API answers it: defaults, then the dialect's, then the endpoint's own parts. */
export const effectivePolicyView = (dialect: DialectName, overrides: PolicyOverrides): PolicyView =>
  mergePolicy(mergePolicy(DEFAULT_POLICY, DIALECTS[dialect].policy), overrides);

/** The same in numbers. */
export const effectivePolicy = (dialect: DialectName, overrides: PolicyOverrides): Policy =>
  compilePolicy(effectivePolicyView(dialect, overrides), !setsDelays(DIALECTS[dialect].policy) && !setsDelays(overrides));

const setsDelays = ({ retry }: PolicyOverrides): boolean => retry?.delays !== undefined;
