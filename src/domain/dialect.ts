import { compilePolicy, DEFAULT_POLICY, mergePolicy, type Policy, type PolicyOverrides, type PolicyView } from './policy';

/** The families of receivers that Posthorn can speak to. */
export type DialectName = 'standard' | 'chakra';

/** How a body is signed: the header set, or none. */
export type SignatureScheme = 'standard-webhooks' | 'chakra-sha256';

/** How a body is rendered; one function each in `wire/envelope.ts`. */
export type EnvelopeName = 'standard' | 'chakra';

/** One family's contract. A new family is one more row here and its envelope. */
export interface Dialect {
  readonly envelope: EnvelopeName;
  readonly signature: SignatureScheme;
  /** A secret is generated where the caller gives none; otherwise requests go unsigned until one is set. */
  readonly generatesSecret: boolean;
  /** Only `https:` addresses are taken (422 `https_required`). */
  readonly httpsOnly: boolean;
  /** What differs from {@link DEFAULT_POLICY}. */
  readonly policy: PolicyOverrides;
}

/** The table of dialects (product.md, "Dialects"). */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  standard: { envelope: 'standard', signature: 'standard-webhooks', generatesSecret: true, httpsOnly: false, policy: {} },
  chakra: { envelope: 'chakra', signature: 'chakra-sha256', generatesSecret: false, httpsOnly: false, policy: {} },
};

/** All names, in the table's order. */
export const DIALECT_NAMES = Object.keys(DIALECTS) as [DialectName, ...DialectName[]];

/** The policy that is in effect, as the API answers it: defaults, then the dialect's, then the endpoint's own parts. */
export const effectivePolicyView = (dialect: DialectName, overrides: PolicyOverrides): PolicyView =>
  mergePolicy(mergePolicy(DEFAULT_POLICY, DIALECTS[dialect].policy), overrides);

/** The same in numbers. */
export const effectivePolicy = (dialect: DialectName, overrides: PolicyOverrides): Policy =>
  compilePolicy(effectivePolicyView(dialect, overrides), !setsDelays(DIALECTS[dialect].policy) && !setsDelays(overrides));

const setsDelays = ({ retry }: PolicyOverrides): boolean => retry?.delays !== undefined;
