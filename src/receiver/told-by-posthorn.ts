/** What an endpoint's change of status tells. */
interface EndpointChange<Status extends string, Reason> {
  readonly endpointId: string;
  readonly name: string | null;
  /** Host, and port where it is not the usual one, of its address. */
  readonly host: string;
  readonly status: Status;
  readonly reason: Reason;
  /** ISO 8601. */
  readonly since: string;
}

/** How a delivery ended. */
interface DeliveryEnd<Reason> {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly endpointId: string;
  readonly attempts: number;
  /** Of the last attempt; null where there was none. */
  readonly outcome: string | null;
  readonly statusCode: number | null;
  readonly reason: Reason;
}

/** What Posthorn tells of itself, by type. Subscribed to by name: `endpoint.*`, `delivery.*`. */
export interface OperationalEvents {
  readonly 'endpoint.failing': EndpointChange<'FAILING', string>;
  readonly 'endpoint.deactivated': EndpointChange<'DEACTIVATED', string>;
  readonly 'endpoint.reactivated': EndpointChange<'ACTIVE', null>;
  readonly 'delivery.exhausted': DeliveryEnd<'schedule_used_up' | 'hold_expired'>;
  readonly 'delivery.recovered': DeliveryEnd<null>;
  /** What a test call sends unless it is told what. */
  readonly 'endpoint.test': { readonly test: true };
}
