import type { InboundKind } from './event';

/** An inbound source: a WhatsApp number, whose webhooks Meta posts to us. Without its secrets. */
export interface Channel {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: 'whatsapp';
  /** Is owed each request as it came; an endpoint of the dialect `meta`. */
  readonly passThroughEndpointId: string | null;
  /** Is owed what is taken out of the requests; an endpoint of the dialect `chakra-inbound`. */
  readonly friendlyEndpointId: string | null;
  /** Which of these the friendly endpoint is owed. */
  readonly events: readonly InboundKind[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What routing needs to know of a channel. */
export type RoutedChannel = Pick<Channel, 'id' | 'passThroughEndpointId' | 'friendlyEndpointId' | 'events'>;
