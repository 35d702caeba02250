import type { Channel, RoutedChannel } from '../domain/channel';
import type { InboundKind } from '../domain/event';
import type { Sql } from './db';
import type { ListBounds } from './lists';

/** A channel's row: what everybody may see, and its sealed secrets. */
export interface StoredChannel extends Channel {
  readonly sealedVerifyToken: string;
  /** Null: requests are taken unsigned. */
  readonly sealedAppSecret: string | null;
}

/** A channel that is not stored yet, or all that may change of one that is. */
export type ChannelContent = Omit<StoredChannel, 'createdAt' | 'updatedAt'>;

interface ChannelRow {
  id: string; workspace_id: string; kind: 'whatsapp'; verify_token: string; app_secret: string | null;
  pass_through_endpoint_id: string | null; friendly_endpoint_id: string | null; events: InboundKind[]; created_at: Date; updated_at: Date;
}

const COLUMNS = `id, workspace_id, kind, verify_token, app_secret, pass_through_endpoint_id, friendly_endpoint_id, events,
  created_at, updated_at`;

const valuesOf = (channel: ChannelContent): readonly unknown[] => [
  channel.id, channel.workspaceId, channel.sealedVerifyToken, channel.sealedAppSecret, channel.passThroughEndpointId,
  channel.friendlyEndpointId, channel.events,
];

/** Stores a channel. */
export async function insertChannel(sql: Sql, channel: ChannelContent): Promise<StoredChannel> {
  const [row] = await sql.query<ChannelRow>({
    text: `insert into channels (id, workspace_id, verify_token, app_secret, pass_through_endpoint_id, friendly_endpoint_id, events, kind)
           values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${COLUMNS}`,
    values: [...valuesOf(channel), channel.kind],
  });
  if (!row) throw new Error('A stored channel was not told of');
  return toChannel(row);
}

/** Writes all that may change of a channel. */
export async function updateChannel(sql: Sql, channel: ChannelContent): Promise<StoredChannel> {
  const [row] = await sql.query<ChannelRow>({
    text: `update channels set verify_token = $3, app_secret = $4, pass_through_endpoint_id = $5, friendly_endpoint_id = $6, events = $7,
             updated_at = now()
           where id = $1 and workspace_id = $2 returning ${COLUMNS}`,
    values: valuesOf(channel),
  });
  if (!row) throw new Error(`The channel ${channel.id} was removed while it was locked`);
  return toChannel(row);
}

/** Removes a channel; answers whether there was one. What it received stays. */
export async function deleteChannel(sql: Sql, workspaceId: string, id: string): Promise<boolean> {
  const rows = await sql.query({ text: 'delete from channels where workspace_id = $1 and id = $2 returning id', values: [workspaceId, id] });
  return rows.length > 0;
}

/** One channel; null where the workspace has none of this id. */
export const findChannel = (sql: Sql, workspaceId: string, id: string): Promise<StoredChannel | null> => find(sql, workspaceId, id, '');

/** The same, locked until the end of the transaction. */
export const lockChannel = (sql: Sql, workspaceId: string, id: string): Promise<StoredChannel | null> => find(sql, workspaceId, id, 'for update');

async function find(sql: Sql, workspaceId: string, id: string, lock: string): Promise<StoredChannel | null> {
  const [row] = await sql.query<ChannelRow>({
    text: `select ${COLUMNS} from channels where workspace_id = $1 and id = $2 ${lock}`, values: [workspaceId, id],
  });
  return row ? toChannel(row) : null;
}

/** A channel of whatever workspace, for a request that knows nothing but the channel; null where there is none. */
export async function findReceivingChannel(sql: Sql, id: string): Promise<StoredChannel | null> {
  const [row] = await sql.query<ChannelRow>({ name: 'channel-receiving', text: `select ${COLUMNS} from channels where id = $1`, values: [id] });
  return row ? toChannel(row) : null;
}

/** How many channels a workspace has. */
export async function countChannels(sql: Sql, workspaceId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>({ text: 'select count(*) as count from channels where workspace_id = $1', values: [workspaceId] });
  return row?.count ?? 0;
}

/** A page of a workspace's channels, newest first. */
export async function listChannels(sql: Sql, workspaceId: string, bounds: ListBounds): Promise<StoredChannel[]> {
  const rows = await sql.query<ChannelRow>({
    text: `select ${COLUMNS} from channels where workspace_id = $1 and id < $2 and id >= $3 order by id desc limit $4`,
    values: [workspaceId, bounds.below, bounds.from, bounds.limit + 1],
  });
  return rows.map(toChannel);
}

/** What routing needs of a workspace's channels: of all, or of those of these ids. */
export async function routedChannels(sql: Sql, workspaceId: string, ids: readonly string[] | null = null): Promise<RoutedChannel[]> {
  const rows = await sql.query<Pick<ChannelRow, 'id' | 'pass_through_endpoint_id' | 'friendly_endpoint_id' | 'events'>>({
    name: ids ? 'routing-channels-changed' : 'routing-channels',
    text: `select id, pass_through_endpoint_id, friendly_endpoint_id, events from channels where workspace_id = $1${ids ? ' and id = any($2)' : ''}`,
    values: ids ? [workspaceId, ids] : [workspaceId],
  });
  return rows.map((row) => ({
    id: row.id, passThroughEndpointId: row.pass_through_endpoint_id, friendlyEndpointId: row.friendly_endpoint_id, events: row.events,
  }));
}

const toChannel = (row: ChannelRow): StoredChannel => ({
  id: row.id,
  workspaceId: row.workspace_id,
  kind: row.kind,
  sealedVerifyToken: row.verify_token,
  sealedAppSecret: row.app_secret,
  passThroughEndpointId: row.pass_through_endpoint_id,
  friendlyEndpointId: row.friendly_endpoint_id,
  events: row.events,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
