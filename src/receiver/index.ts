/** Receives what Posthorn sends. Needs nothing but WebCrypto, so this folder can also be copied. */
export type { Bodies, ChakraBody, CustomEvents, Dialect, StandardBody } from './bodies';
export { expressReceiver } from './express';
export type { ChativeBody, FlowBody, SpektrBody } from './families';
export { fetchReceiver } from './fetch';
export type { HeadersLike } from './headers';
export { koaReceiver } from './koa';
export type { Json, JsonObject, ProcessObject, RecordObject, TaskObject } from './objects';
export { createOnce, type Once } from './once';
export { ReceiveError, type Refusal } from './receive-error';
export type { Answer, Handle, ReceiverOptions, TransformedReceiverOptions } from './receive';
export type { RawRequest } from './signature';
export { createVerifier, type Received, type TransformedOptions, verify, type Verifier, type VerifyOptions } from './verify';
export type { InboundBody, InboundPayload, MetaBody } from './whatsapp';
