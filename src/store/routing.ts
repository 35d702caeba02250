import type { RoutedChannel } from '../domain/channel';
import { effectivePolicy, type DialectName } from '../domain/dialect';
import type { EndpointStatus, EndpointTarget, SigningSecret } from '../domain/endpoint';
import { secretNameOf, withSecret, type EndpointAuth, type EndpointTls, type StoredAuth, type StoredTls } from '../domain/endpoint-auth';
import type { JsonObject } from '../domain/json';
import type { PolicyOverrides } from '../domain/policy';
import type { Rule } from '../domain/rule';
import type { Transform } from '../domain/transform';
import type { KeyRing } from '../seal';
import { routedChannels } from './channels';
import type { Sql, Statement } from './db';
import { readRoutingNews, type RoutingVersion } from './routing-revision';
import { authPlace, headerPlace, secretPlace, verifyTokenPlace } from './sealed-places';

/** An endpoint with all that routing and sending need of it. Holds secrets in the clear: never logged, never answered. */
export interface RoutedEndpoint extends EndpointTarget {
  readonly events: readonly string[];
  readonly scope: string | null;
}

/** What a workspace's events are routed by, as of one revision or a little later. Never changed: others hold it. */
export interface Routing extends RoutingVersion {
  /** The enabled ones by id, as of when each was last changed itself: one may still name an endpoint that is gone. */
  readonly rules: ReadonlyMap<string, Rule>;
  readonly endpoints: ReadonlyMap<string, RoutedEndpoint>;
  readonly channels: ReadonlyMap<string, RoutedChannel>;
}

interface RuleRow {
  id: string; name: string; events: string[]; condition: string; endpoint_ids: string[]; created_at: Date; updated_at: Date;
}

const RULES = 'select id, name, events, condition, endpoint_ids, created_at, updated_at from rules where workspace_id = $1 and enabled';

interface EndpointRow {
  id: string; workspace_id: string; url: string; dialect: DialectName; events: string[]; scope: string | null;
  status: EndpointStatus; headers: string; policy: string; verify_token: string | null; transform: string | null; has_transformed: boolean; secrets: string;
  auth: string | null; tls: string | null; auth_secrets: string;
}

// The secrets ride along as JSON text, newest first: one query for an endpoint and all that signs for it.
const ENDPOINT = `
  select e.id, e.workspace_id, e.url, e.dialect, e.events, e.scope, e.status, e.headers, e.policy, e.verify_token, e.transform, e.has_transformed,
         e.auth, e.tls, e.auth_secrets,
         coalesce((select json_agg(json_build_object('id', s.id, 'sealed', s.sealed, 'expiresAt', s.expires_at) order by s.id desc)
                   from endpoint_secrets s where s.endpoint_id = e.id and (s.expires_at is null or s.expires_at > now())), '[]') as secrets
  from endpoints e`;

/** The workspace's routing revision as it is now; 0 where there is no such workspace. */
export async function readRevision(sql: Sql, workspaceId: string): Promise<number> {
  const [workspace] = await sql.query<{ routing_revision: number }>({
    name: 'routing-revision', text: 'select routing_revision from workspaces where id = $1', values: [workspaceId],
  });
  return workspace?.routing_revision ?? 0;
}

/**
 * A workspace's routing as it is now; null where there is no such workspace. Of what stands in `base` already, only what has
 * changed since is read: the rest is the very same objects, and a map without changes is the same map.
 */
export async function loadRouting(sql: Sql, keyRing: KeyRing, workspaceId: string, base: Routing | null = null): Promise<Routing | null> {
  // The revision is read first: a change that lands between the statements makes what was read newer than its number, which
  // is harmless. It is among the changes of the next revision, and read again.
  const news = await readRoutingNews(sql, workspaceId, base);
  if (!news) return null;
  const { revision, mark, changed } = news;
  if (!base || !changed) return { revision, mark, ...(await readParts(sql, keyRing, workspaceId, null)) };
  if (changed.length === 0) return base;
  const read = await readParts(sql, keyRing, workspaceId, changed);
  return {
    revision, mark,
    rules: patched(base.rules, read.rules, changed),
    endpoints: patched(base.endpoints, read.endpoints, changed),
    channels: patched(base.channels, read.channels, changed),
  };
}

/** What was asked for and not found is gone. */
function patched<T>(before: ReadonlyMap<string, T>, read: ReadonlyMap<string, T>, changed: readonly string[]): ReadonlyMap<string, T> {
  if (!changed.some((id) => before.has(id) || read.has(id))) return before;
  const after = new Map(before);
  for (const id of changed) {
    const now = read.get(id);
    if (now === undefined) after.delete(id);
    else after.set(id, now);
  }
  return after;
}

/** The enabled rules, the endpoints and the channels of a workspace: all, or those of these ids. */
async function readParts(
  sql: Sql, keyRing: KeyRing, workspaceId: string, ids: readonly string[] | null,
): Promise<Pick<Routing, 'rules' | 'endpoints' | 'channels'>> {
  const [rules, endpoints, channels] = await Promise.all([
    sql.query<RuleRow>(ofWorkspace('routing-rules', RULES, 'id', workspaceId, ids)),
    sql.query<EndpointRow>(ofWorkspace('routing-endpoints', `${ENDPOINT} where e.workspace_id = $1`, 'e.id', workspaceId, ids)),
    routedChannels(sql, workspaceId, ids),
  ]);
  return {
    rules: byId(rules.map((row) => toRule(row, workspaceId))),
    endpoints: byId(endpoints.map((row) => toRouted(row, keyRing))),
    channels: byId(channels),
  };
}

const ofWorkspace = (name: string, text: string, id: string, workspaceId: string, ids: readonly string[] | null): Statement =>
  ids ? { name: `${name}-changed`, text: `${text} and ${id} = any($2)`, values: [workspaceId, ids] } : { name, text, values: [workspaceId] };

const byId = <T extends { readonly id: string }>(list: readonly T[]): ReadonlyMap<string, T> => new Map(list.map((one) => [one.id, one]));

/** Reads one endpoint live, for one attempt; null where it is gone. */
export async function loadTarget(sql: Sql, keyRing: KeyRing, endpointId: string): Promise<RoutedEndpoint | null> {
  const [row] = await sql.query<EndpointRow>({ name: 'routing-endpoint', text: `${ENDPOINT} where e.id = $1`, values: [endpointId] });
  return row ? toRouted(row, keyRing) : null;
}

const toRule = (row: RuleRow, workspaceId: string): Rule => ({
  id: row.id, workspaceId, name: row.name, events: row.events, condition: JSON.parse(row.condition) as JsonObject,
  endpointIds: row.endpoint_ids, enabled: true, createdAt: row.created_at, updatedAt: row.updated_at,
});

const expressionOf = ({ enabled, expression }: Transform): string | null => (enabled ? expression : null);

function toRouted(row: EndpointRow, keyRing: KeyRing): RoutedEndpoint {
  const headers = Object.entries(JSON.parse(row.headers) as Record<string, string>);
  const secrets = JSON.parse(row.secrets) as { id: string; sealed: string; expiresAt: string | null }[];
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    url: row.url,
    dialect: row.dialect,
    events: row.events,
    scope: row.scope,
    status: row.status,
    policy: effectivePolicy(row.dialect, JSON.parse(row.policy) as PolicyOverrides),
    headers: Object.fromEntries(headers.map(([name, sealed]) => [name, keyRing.open(sealed, headerPlace(row.id, name))])),
    transform: row.transform === null ? null : expressionOf(JSON.parse(row.transform) as Transform),
    hasTransformed: row.has_transformed,
    ...authenticationOf(row, keyRing),
    verifyToken: row.verify_token === null ? null : keyRing.open(row.verify_token, verifyTokenPlace(row.id)),
    secrets: secrets.map(({ id, sealed, expiresAt }): SigningSecret => ({
      secret: keyRing.open(sealed, secretPlace(id)), expiresAt: expiresAt === null ? null : new Date(expiresAt),
    })),
  };
}

function authenticationOf({ id, auth, tls, auth_secrets }: EndpointRow, keyRing: KeyRing): { auth: EndpointAuth | null; tls: EndpointTls | null } {
  if (auth === null && tls === null) return { auth, tls };
  const sealed = JSON.parse(auth_secrets) as Record<string, string>;
  const open = (name: string): string | null => (sealed[name] === undefined ? null : keyRing.open(sealed[name], authPlace(id, name)));
  const shown = auth === null ? null : (JSON.parse(auth) as StoredAuth);
  return {
    auth: shown && withSecret(shown, open(secretNameOf(shown)) ?? ''),
    tls: tls === null ? null : { ...(JSON.parse(tls) as StoredTls), key: open('key') },
  };
}
