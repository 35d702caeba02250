import { z } from 'zod';
import { changeChannel, createChannel, removeChannel } from '../../commands/manage-channel';
import { notFound } from '../../errors';
import { findChannel, listChannels, type StoredChannel } from '../../store/channels';
import { by } from '../by';
import { listQuery, openList } from '../lists';
import { route, type Route } from '../route';
import { channelChange, channelCreate, channelOut } from '../schemas/channel';
import { idOf, pageOf } from '../schemas/shared';
import { REDACTED } from '../../wire/redact';

const tag = 'channels';
const params = z.object({ channelId: idOf('channel') });

/** The calls of channels; what comes in through them is in `inbound.ts`. */
export const channelRoutes: readonly Route[] = [
  route({
    method: 'POST', path: '/v1/channels', role: 'write', tag, summary: 'Make a channel: a WhatsApp number whose webhooks come to /inbound/:channelId',
    body: channelCreate, replies: { 201: channelOut },
    handle: async ({ body }, context) => ({
      status: 201, body: presentChannel(await context.write((trx) => createChannel(context.deps, trx, by(context), body))),
    }),
  }),
  route({
    method: 'GET', path: '/v1/channels', role: 'read', tag, summary: 'List channels, newest first', query: listQuery, replies: { 200: pageOf(channelOut) },
    handle: async ({ query }, context) => {
      const list = openList(context, 'channels', 'channel', query);
      const rows = await listChannels(context.sql, context.caller.workspaceId, list.bounds);
      return { status: 200, body: list.page(rows, presentChannel) };
    },
  }),
  route({
    method: 'GET', path: '/v1/channels/:channelId', role: 'read', tag, summary: 'Read a channel', params, replies: { 200: channelOut },
    handle: async ({ params: { channelId } }, { sql, caller }) => {
      const channel = await findChannel(sql, caller.workspaceId, channelId);
      if (!channel) throw notFound('channel', channelId);
      return { status: 200, body: presentChannel(channel) };
    },
  }),
  route({
    method: 'PATCH', path: '/v1/channels/:channelId', role: 'write', tag, summary: 'Change a channel; what was owed before stays owed',
    params, body: channelChange, replies: { 200: channelOut },
    handle: async ({ params: { channelId }, body }, context) => ({
      status: 200, body: presentChannel(await context.write((trx) => changeChannel(context.deps, trx, by(context), channelId, body))),
    }),
  }),
  route({
    method: 'DELETE', path: '/v1/channels/:channelId', role: 'write', tag, summary: 'Delete a channel; what it received stays', params, replies: { 204: null },
    handle: async ({ params: { channelId } }, context) => {
      await context.write((trx) => removeChannel(context.deps, trx, by(context), channelId));
      return { status: 204 };
    },
  }),
];

const presentChannel = (channel: StoredChannel) => ({
  id: channel.id,
  kind: channel.kind,
  verifyToken: REDACTED,
  appSecret: channel.sealedAppSecret === null ? null : REDACTED,
  passThroughEndpointId: channel.passThroughEndpointId,
  friendlyEndpointId: channel.friendlyEndpointId,
  events: channel.events,
  createdAt: channel.createdAt.toISOString(),
  updatedAt: channel.updatedAt.toISOString(),
});
