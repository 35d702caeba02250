import type { Deps } from '../deps';
import type { DialectName } from '../domain/dialect';
import type { InboundKind } from '../domain/event';
import { AppError, invalid, notFound, type FieldError } from '../errors';
import { addAudit } from '../store/audit';
import { countChannels, deleteChannel, insertChannel, lockChannel, updateChannel, type ChannelContent, type StoredChannel } from '../store/channels';
import type { Sql } from '../store/db';
import { keepEndpoints } from '../store/endpoints';
import { bumpRouting, takeRoutingTurn } from '../store/routing-revision';
import { channelPlace } from '../store/sealed-places';
import { REDACTED } from '../wire/redact';

/** Most channels of one workspace. */
export const MAX_CHANNELS = 1_000;

/** What these commands need. */
export type ChannelDeps = Pick<Deps, 'newId' | 'keyRing'>;

/** Whose channel, and who changes it: a key's id or `root`. */
export interface ChannelBy {
  readonly workspaceId: string;
  readonly actor: string;
}

/** A new channel, its secrets in the clear. */
export interface NewChannel {
  readonly kind: 'whatsapp';
  readonly verifyToken: string;
  /** Null: requests are taken unsigned. */
  readonly appSecret: string | null;
  readonly passThroughEndpointId: string | null;
  readonly friendlyEndpointId: string | null;
  readonly events: readonly InboundKind[];
}

/** A change of a channel: what is undefined stays, and so does a secret that is {@link REDACTED}. */
export type ChannelChange = { readonly [K in Exclude<keyof NewChannel, 'kind'>]?: NewChannel[K] | undefined };

/** The dialect that the endpoint in each place must speak. */
const DIALECT_OF = { passThroughEndpointId: 'meta', friendlyEndpointId: 'chakra-inbound' } as const satisfies Record<string, DialectName>;

/**
 * Makes a channel.
 * @throws AppError 422 `invalid` for an endpoint that the workspace has not or that speaks another dialect, `limit_reached`.
 */
export async function createChannel(deps: ChannelDeps, trx: Sql, by: ChannelBy, given: NewChannel): Promise<StoredChannel> {
  await takeRoutingTurn(trx, `channels|${by.workspaceId}`);
  if ((await countChannels(trx, by.workspaceId)) >= MAX_CHANNELS) {
    throw new AppError('limit_reached', `The workspace has ${MAX_CHANNELS} channels, which is as many as it may. Delete some first.`);
  }
  await requireEndpoints(trx, by.workspaceId, given);
  const id = deps.newId('channel');
  const { verifyToken, appSecret, ...content } = given;
  if (verifyToken === REDACTED || appSecret === REDACTED) throw invalid('verifyToken', `and appSecret must not be "${REDACTED}": there is nothing yet to keep`);
  const channel = await insertChannel(trx, { ...content, ...sealed(deps, id, { verifyToken, appSecret }), id, workspaceId: by.workspaceId });
  await finish(deps, trx, by, 'channel.create', channel);
  return channel;
}

/** Changes a channel, for what is planned from now on. @throws AppError 404; 422 as {@link createChannel}. */
export async function changeChannel(deps: ChannelDeps, trx: Sql, by: ChannelBy, id: string, change: ChannelChange): Promise<StoredChannel> {
  // Endpoints are locked before channels, as where an endpoint is deleted.
  await requireEndpoints(trx, by.workspaceId, change);
  const before = await lockChannel(trx, by.workspaceId, id);
  if (!before) throw notFound('channel', id);
  const { verifyToken, appSecret, ...rest } = change;
  const kept = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const channel = await updateChannel(trx, { ...before, ...kept, ...sealed(deps, id, { verifyToken, appSecret }) });
  await finish(deps, trx, by, 'channel.update', channel);
  return channel;
}

/** Deletes a channel; what it received stays, and what was owed stays owed. @throws AppError 404. */
export async function removeChannel(deps: ChannelDeps, trx: Sql, by: ChannelBy, id: string): Promise<void> {
  if (!(await deleteChannel(trx, by.workspaceId, id))) throw notFound('channel', id);
  await addAudit(trx, { id: deps.newId('audit'), ...by, action: 'channel.delete', subjectId: id, detail: {} });
  await bumpRouting(trx, by.workspaceId, id);
}

type Secrets = Pick<ChannelChange, 'verifyToken' | 'appSecret'>;
type SealedSecrets = Pick<ChannelContent, 'sealedVerifyToken' | 'sealedAppSecret'>;

function sealed(deps: ChannelDeps, id: string, secrets: Pick<NewChannel, 'verifyToken' | 'appSecret'>): SealedSecrets;
function sealed(deps: ChannelDeps, id: string, secrets: Secrets): Partial<SealedSecrets>;
function sealed({ keyRing }: ChannelDeps, id: string, { verifyToken, appSecret }: Secrets): Partial<SealedSecrets> {
  return {
    ...(verifyToken !== undefined && verifyToken !== REDACTED && { sealedVerifyToken: keyRing.seal(verifyToken, channelPlace(id, 'verify_token')) }),
    ...(appSecret === null && { sealedAppSecret: null }),
    ...(typeof appSecret === 'string' && appSecret !== REDACTED && { sealedAppSecret: keyRing.seal(appSecret, channelPlace(id, 'app_secret')) }),
  };
}

async function requireEndpoints(trx: Sql, workspaceId: string, given: ChannelChange): Promise<void> {
  const named = (['passThroughEndpointId', 'friendlyEndpointId'] as const).flatMap((path) => {
    const id = given[path];
    return typeof id === 'string' ? [{ path, id }] : [];
  });
  const known = new Map((await keepEndpoints(trx, workspaceId, named.map(({ id }) => id))).map((endpoint) => [endpoint.id, endpoint]));
  const errors = named.flatMap(({ path, id }): FieldError[] => {
    const endpoint = known.get(id);
    if (!endpoint) return [{ path, message: `there is no endpoint ${id} in this workspace` }];
    const wanted = DIALECT_OF[path];
    return endpoint.dialect === wanted ? [] : [{ path, message: `must speak the dialect ${wanted}; ${id} speaks ${endpoint.dialect}` }];
  });
  const [first] = errors;
  if (first) throw new AppError('invalid', `A channel needs endpoints of its workspace that speak its dialects: ${first.path} ${first.message}.`, errors);
}

async function finish(deps: ChannelDeps, trx: Sql, by: ChannelBy, action: string, channel: StoredChannel): Promise<void> {
  const { id, kind, passThroughEndpointId, friendlyEndpointId, events, sealedAppSecret } = channel;
  const detail = { kind, passThroughEndpointId, friendlyEndpointId, events, checksSignatures: sealedAppSecret !== null };
  await addAudit(trx, { id: deps.newId('audit'), ...by, action, subjectId: id, detail });
  await bumpRouting(trx, by.workspaceId, id);
}
