import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Deps } from '../deps';
import { INBOUND_RAW, inboundType, type InboundKind } from '../domain/event';
import { AppError, notFound } from '../errors';
import { findReceivingChannel, type StoredChannel } from '../store/channels';
import type { Sql } from '../store/db';
import { insertReceived, type ReceivedEvent } from '../store/received-events';
import { channelPlace } from '../store/sealed-places';
import { traced } from '../trace-context';

/** A request that a channel received, after its signature was checked. */
export interface Received {
  /** The body as it came: valid UTF-8, and JSON. */
  readonly body: string;
  /** Its `X-Hub-Signature-256`; null without one. */
  readonly signature: string | null;
  /** What was taken out of it; `key` is at most 200 characters and tells an item from the others of its kind. */
  readonly items: readonly { readonly kind: InboundKind; readonly key: string; readonly data: string }[];
}

/** The channel that a request is for. @throws AppError 404. */
export async function requireChannel(sql: Sql, channelId: string): Promise<StoredChannel> {
  const channel = await findReceivingChannel(sql, channelId);
  if (!channel) throw notFound('channel', channelId);
  return channel;
}

/** Whether this is the channel's verify token, in constant time. */
export const isVerifyToken = ({ keyRing }: Pick<Deps, 'keyRing'>, channel: StoredChannel, token: string): boolean =>
  timingSafeEqual(sha256(token), sha256(keyRing.open(channel.sealedVerifyToken, channelPlace(channel.id, 'verify_token'))));

/**
 * Checks a value of `X-Hub-Signature-256`, `sha256=` and the hex of HMAC-SHA256 over the body's bytes, in constant time.
 * @throws AppError 401 where the channel has an app secret and the signature is missing or does not fit.
 */
export function requireSignature({ keyRing }: Pick<Deps, 'keyRing'>, channel: StoredChannel, body: Uint8Array, signature: string | undefined): void {
  if (channel.sealedAppSecret === null) return;
  const secret = keyRing.open(channel.sealedAppSecret, channelPlace(channel.id, 'app_secret'));
  const expected = createHmac('sha256', secret).update(body).digest();
  const given = Buffer.from(/^sha256=([0-9a-f]{64})$/i.exec(signature ?? '')?.[1] ?? '', 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new AppError('signature_mismatch', 'X-Hub-Signature-256 must be "sha256=" and the hex of HMAC-SHA256 over the body by the channel\'s app secret.');
  }
}

/**
 * Stores what a channel received: one event of the whole request, then one of each item, in one statement. What it has
 * received before is stored once. Answers how many events were stored. The caller wakes the relay after its commit.
 */
export async function receive({ newId, now }: Pick<Deps, 'newId' | 'now'>, sql: Sql, channel: StoredChannel, received: Received): Promise<number> {
  const event = (type: string, key: string, data: string, signature: string | null): ReceivedEvent =>
    ({ id: newId('event'), type, externalId: `${channel.id}:${key}`, data, signature });
  const stored = await insertReceived(sql, channel, [
    event(INBOUND_RAW, `raw:${sha256(received.body).toString('hex')}`, received.body, received.signature),
    ...received.items.map(({ kind, key, data }) => event(inboundType(kind), `${kind}:${key}`, data, null)),
  ], now(), traced().traceparent ?? null);
  return stored.length;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
