import type { ChativeBody, FlowBody, SpektrBody } from './families';
import type { Change, JsonObject, LifecycleTypes, ObjectOf } from './objects';
import type { OperationalEvents } from './told-by-posthorn';
import type { InboundBody, InboundEvents, MetaBody } from './whatsapp';

/**
 * Your own types of event and their data. Add yours, and the bodies of `standard` and `chakra` know them:
 * `declare module 'posthorn/receiver' { interface CustomEvents { 'invoice.paid': { amount: number } } }`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is there to be added to
export interface CustomEvents {}

/** The data of all events that are no change of an object, by type. */
type DataOf = OperationalEvents & InboundEvents & CustomEvents;

interface StandardEnvelope<Type, Data> {
  /** The event's id; also the header `webhook-id`. */
  readonly id: string;
  readonly type: Type;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  readonly data: Data;
}

/** The body of `standard`, by `type`. */
export type StandardBody =
  | { readonly [Kind in keyof ObjectOf]: StandardEnvelope<LifecycleTypes[Kind], Change<Kind>> }[keyof ObjectOf]
  | { readonly [Type in keyof DataOf]: StandardEnvelope<Type, DataOf[Type]> }[keyof DataOf];

/** What all bodies of `chakra` have. */
interface ChakraHead<Type> {
  /** The event's id. */
  readonly id: string;
  /** The id that you gave a custom event. */
  readonly externalId: string | null;
  readonly type: Type;
  /** The event that this one was made from. */
  readonly causedBy: string | null;
  /** Who did it, as the request named them. */
  readonly actor: JsonObject | null;
  /** When it happened, ISO 8601. */
  readonly occurredAt: string;
  /** When it was stored, ISO 8601. */
  readonly createdAt: string;
}

/** What a custom event tells of the object that it named, if it named one. */
interface NamedObject {
  readonly sequence: number | null;
  readonly objectKind: keyof ObjectOf | null;
  readonly objectId: string | null;
  readonly object: ObjectOf[keyof ObjectOf] | null;
  readonly previous: JsonObject | null;
  readonly changes: readonly string[] | null;
}

/** The body of `chakra`: the whole event, by `type`. */
export type ChakraBody =
  | { readonly [Kind in keyof ObjectOf]: ChakraHead<LifecycleTypes[Kind]> & Change<Kind> & { readonly data: null } }[keyof ObjectOf]
  | { readonly [Type in keyof DataOf]: ChakraHead<Type> & NamedObject & { readonly data: DataOf[Type] } }[keyof DataOf];

/** The bodies by dialect. */
export interface Bodies {
  readonly standard: StandardBody;
  readonly chakra: ChakraBody;
  readonly 'chakra-inbound': InboundBody;
  readonly meta: MetaBody;
  readonly chative: ChativeBody;
  readonly spektr: SpektrBody;
  readonly flow: FlowBody;
}

/** How an endpoint is spoken to. */
export type Dialect = keyof Bodies;
