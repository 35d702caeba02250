import type { DeliveryReason, DeliveryStatus } from './delivery';
import type { JsonObject } from './json';

/** What a recovery makes good: what failed, what was never owed though it would be today, or both. */
export const RECOVERED = ['failed', 'missing', 'all'] as const;

/** One of {@link RECOVERED}. */
export type Recovered = (typeof RECOVERED)[number];

/** What a job of the kind `recover` or `backfill` is to make good at one endpoint. */
export interface Recovery {
  readonly endpointId: string;
  /** A backfill's rule: what it would have matched. Null: a recovery. */
  readonly ruleId: string | null;
  /** Of a backfill `missing`. */
  readonly only: Recovered;
  /** Events made from then on, and before `until`. */
  readonly since: Date;
  readonly until: Date;
  /** Most deliveries that are handed over in a second; null: as the endpoint's lane takes them. */
  readonly ratePerSecond: number | null;
}

/** A recovery as its job keeps and shows it. */
export const recoveryParameters = ({ endpointId, ruleId, only, since, until, ratePerSecond }: Recovery): JsonObject => ({
  endpointId,
  ...(ruleId === null ? { only } : { ruleId }),
  since: since.toISOString(),
  until: until.toISOString(),
  ratePerSecond,
});

/** The recovery that a job's parameters say. */
export const recoveryOf = (parameters: JsonObject): Recovery => ({
  endpointId: String(parameters['endpointId']),
  ruleId: typeof parameters['ruleId'] === 'string' ? parameters['ruleId'] : null,
  only: RECOVERED.find((only) => only === parameters['only']) ?? 'missing',
  since: new Date(String(parameters['since'])),
  until: new Date(String(parameters['until'])),
  ratePerSecond: typeof parameters['ratePerSecond'] === 'number' ? parameters['ratePerSecond'] : null,
});

/** The newest delivery of an event at an endpoint. */
export interface LatestDelivery {
  readonly id: string;
  readonly status: DeliveryStatus;
  readonly reason: DeliveryReason | null;
}

/** What is done for one event: a new delivery instead of a failed one, a first one (where it is owed), or an unfinished one is woken. */
export type Remedy = 'resend' | 'add' | 'wake';

/**
 * What is to be done for an event, by its newest delivery at the endpoint (null: it has none); null: nothing. What is held
 * leaves when its endpoint drains, and what was delivered is not sent again.
 */
export function remedyOf(only: Recovered, latest: LatestDelivery | null): Remedy | null {
  if (!latest) return only === 'failed' ? null : 'add';
  if (only === 'missing') return null;
  switch (latest.status) {
    case 'PENDING': case 'RETRYING': return 'wake';
    case 'EXHAUSTED': return 'resend';
    case 'CANCELLED': return latest.reason === 'endpoint_deleted' ? null : 'resend';
    case 'HELD': case 'DELIVERED': return null;
  }
}
