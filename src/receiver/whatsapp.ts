import type { JsonObject } from './objects';

/** The number that a notification is of, as Meta sends it. */
export interface InboundMetadata {
  readonly display_phone_number: string;
  readonly phone_number_id: string;
}

/** One message, status or echo as Meta sent it; `metadata` and `contacts` are added. What else is in it depends on Meta. */
export type InboundPayload = JsonObject & {
  readonly id?: string;
  readonly timestamp?: string;
  readonly metadata?: InboundMetadata;
  /** The person at the other end, where Meta names one. */
  readonly contacts?: readonly JsonObject[];
};

/** The body of `chakra-inbound`: one message, status or echo. */
export type InboundBody = {
  readonly [Event in 'message' | 'status' | 'message_echo' | 'smb_message_echo']: { readonly event: Event; readonly payload: InboundPayload };
}['message' | 'status' | 'message_echo' | 'smb_message_echo'];

/** The body of `meta`: a request of Meta's, byte for byte. */
export type MetaBody = JsonObject;

/** What a channel received, by type of event, where another endpoint is told of it by a rule. */
export interface InboundEvents {
  readonly 'inbound.raw': MetaBody;
  readonly 'inbound.message': Extract<InboundBody, { readonly event: 'message' }>;
  readonly 'inbound.status': Extract<InboundBody, { readonly event: 'status' }>;
  readonly 'inbound.message_echo': Extract<InboundBody, { readonly event: 'message_echo' }>;
  readonly 'inbound.smb_message_echo': Extract<InboundBody, { readonly event: 'smb_message_echo' }>;
}
