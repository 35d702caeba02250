import type { DialectName } from './dialect';
import type { EndpointAuth, EndpointTls, StoredAuth, StoredTls } from './endpoint-auth';
import { isInbound, patternCovers } from './event';
import type { JsonObject } from './json';
import type { Policy, PolicyOverrides } from './policy';
import type { Transform } from './transform';

/** ACTIVE: called. FAILING: its breaker is open, first attempts wait. DEACTIVATED: not called, what it is owed is held. */
export type EndpointStatus = 'ACTIVE' | 'FAILING' | 'DEACTIVATED';

/** All statuses. */
export const ENDPOINT_STATUSES = ['ACTIVE', 'FAILING', 'DEACTIVATED'] as const;

/** Why an endpoint has the status it has; a person's deactivation may carry a reason of their own instead. */
export type StatusReason = 'breaker' | 'gone' | 'failing_for' | 'exhausted' | 'consecutive_failures' | 'manual' | 'probe' | (string & {});

/** Reasons of a deactivation that Posthorn decided on by itself: only after these it probes. */
export const AUTOMATIC_REASONS: readonly StatusReason[] = ['failing_for', 'exhausted', 'consecutive_failures'];

/** Whether nobody asked for a deactivation with this reason. */
export const isAutomatic = (reason: StatusReason | null): boolean => reason !== null && AUTOMATIC_REASONS.includes(reason);

/** An address that asked to be told, as a store row without its secrets. */
export interface Endpoint {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string | null;
  readonly url: string;
  readonly dialect: DialectName;
  /** Patterns of event types it subscribes to directly; `[]`: only what rules say. */
  readonly events: readonly string[];
  readonly scope: string | null;
  readonly status: EndpointStatus;
  readonly statusReason: StatusReason | null;
  readonly statusSince: Date;
  readonly headerNames: readonly string[];
  readonly auth: StoredAuth | null;
  readonly tls: StoredTls | null;
  readonly policyOverrides: PolicyOverrides;
  readonly metadata: JsonObject;
  readonly transform: Transform | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A signing secret as a caller knows it, and when it stops signing (null: it is the current one). */
export interface SigningSecret {
  readonly secret: string;
  readonly expiresAt: Date | null;
}

/** All that one attempt needs to know of its endpoint, read live. Never leaves the process: it holds secrets in the clear. */
export interface EndpointTarget {
  readonly id: string;
  readonly workspaceId: string;
  readonly url: string;
  readonly dialect: DialectName;
  readonly status: EndpointStatus;
  readonly policy: Policy;
  readonly headers: Readonly<Record<string, string>>;
  /** How its requests show who sends them, beside the signature; null: headers and signature alone. */
  readonly auth: EndpointAuth | null;
  /** What its TLS has of its own; null: nothing. */
  readonly tls: EndpointTls | null;
  /** What the bodies of some dialects carry instead of a signature; null: none is set. */
  readonly verifyToken: string | null;
  /** The expression that makes its bodies; null: they are sent as its dialect has them. */
  readonly transform: string | null;
  /** It has, or had an expression: what that made of an event is sent again at a retry. */
  readonly hasTransformed: boolean;
  /** Newest first; those past their time are left out by the signer. */
  readonly secrets: readonly SigningSecret[];
}

/** Whether the endpoint's own subscription covers this type; what a channel received it never does. */
export const subscribesTo = (events: readonly string[], type: string): boolean =>
  !isInbound(type) && events.some((pattern) => patternCovers(pattern, type));
