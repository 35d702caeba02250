import { z } from 'zod';
import { INBOUND_KINDS } from '../../domain/event';
import { idOf, timeOut } from './shared';

const verifyToken = z.string().min(1, 'must not be empty').max(256).describe('what Meta must name to be answered its challenge');
const appSecret = z.string().min(1, 'must not be empty').max(256).nullable().describe('what Meta signs with; null: requests are taken unsigned');
const passThroughEndpointId = idOf('endpoint').nullable().describe('is owed each request as it came; of the dialect meta');
const friendlyEndpointId = idOf('endpoint').nullable().describe('is owed each message, status and echo; of the dialect chakra-inbound');
const events = z.array(z.enum(INBOUND_KINDS)).min(1, 'must name at least one; without it all four are sent').max(INBOUND_KINDS.length)
  .refine((kinds) => new Set(kinds).size === kinds.length, 'must name each at most once').meta({ uniqueItems: true, description: 'what the friendly endpoint is owed' });

/** The body of a new channel. */
export const channelCreate = z.strictObject({
  kind: z.enum(['whatsapp']),
  verifyToken,
  appSecret: appSecret.default(null),
  passThroughEndpointId: passThroughEndpointId.default(null),
  friendlyEndpointId: friendlyEndpointId.default(null),
  events: events.default([...INBOUND_KINDS]),
});

/** The body of a change: what is absent stays, "[redacted]" keeps a secret, null takes a part away. */
export const channelChange = z.strictObject({ verifyToken, appSecret, passThroughEndpointId, friendlyEndpointId, events }).partial();

/** A channel as it is answered: its secrets are never shown. */
export const channelOut = z.strictObject({
  id: idOf('channel'),
  kind: z.enum(['whatsapp']),
  verifyToken: z.literal('[redacted]'),
  appSecret: z.literal('[redacted]').nullable(),
  passThroughEndpointId: z.string().nullable(),
  friendlyEndpointId: z.string().nullable(),
  events: z.array(z.enum(INBOUND_KINDS)),
  createdAt: timeOut,
  updatedAt: timeOut,
}).meta({ id: 'Channel' });

/** What Meta asks with before it sends anything. */
export const challengeQuery = z.looseObject({
  'hub.mode': z.literal('subscribe'),
  'hub.verify_token': z.string().max(1_000),
  'hub.challenge': z.string().min(1, 'must not be empty').max(1_000),
});
