import type { RoutedChannel } from '../domain/channel';
import { effectivePolicy, type DialectName } from '../domain/dialect';
import type { EndpointStatus, EndpointTarget, SigningSecret } from '../domain/endpoint';
import type { JsonObject } from '../domain/json';
import type { PolicyOverrides } from '../domain/policy';
import type { Rule } from '../domain/rule';
import type { KeyRing } from '../seal';
import { routedChannels } from './channels';
import type { Sql } from './db';
import { headerPlace, secretPlace, verifyTokenPlace } from './sealed-places';

/** An endpoint with all that routing and sending need of it. Holds secrets in the clear: never logged, never answered. */
export interface RoutedEndpoint extends EndpointTarget {
  readonly events: readonly string[];
  readonly scope: string | null;
}

/** What a workspace's events are routed by, as of one revision. */
export interface Routing {
  readonly revision: number;
  readonly rules: readonly Rule[];
  readonly endpoints: readonly RoutedEndpoint[];
  readonly channels: readonly RoutedChannel[];
}

interface EndpointRow {
  id: string; workspace_id: string; url: string; dialect: DialectName; events: string[]; scope: string | null;
  status: EndpointStatus; headers: string; policy: string; verify_token: string | null; secrets: string;
}

// The secrets ride along as JSON text, newest first: one query for an endpoint and all that signs for it.
const ENDPOINT = `
  select e.id, e.workspace_id, e.url, e.dialect, e.events, e.scope, e.status, e.headers, e.policy, e.verify_token,
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

/** Reads all enabled rules, all endpoints and all channels of a workspace; null where there is no such workspace. */
export async function loadRouting(sql: Sql, keyRing: KeyRing, workspaceId: string): Promise<Routing | null> {
  // The revision is read first: a change that lands between the queries makes what was read newer than its number, which is harmless.
  const revision = await readRevision(sql, workspaceId);
  if (revision === 0) return null;
  const [rules, endpoints, channels] = await Promise.all([
    sql.query<{ id: string; name: string; events: string[]; condition: string; endpoint_ids: string[]; created_at: Date; updated_at: Date }>({
      name: 'routing-rules',
      text: 'select id, name, events, condition, endpoint_ids, created_at, updated_at from rules where workspace_id = $1 and enabled',
      values: [workspaceId],
    }),
    sql.query<EndpointRow>({ name: 'routing-endpoints', text: `${ENDPOINT} where e.workspace_id = $1`, values: [workspaceId] }),
    routedChannels(sql, workspaceId),
  ]);
  return {
    revision,
    rules: rules.map((rule) => ({
      id: rule.id, workspaceId, name: rule.name, events: rule.events, condition: JSON.parse(rule.condition) as JsonObject,
      endpointIds: rule.endpoint_ids, enabled: true, createdAt: rule.created_at, updatedAt: rule.updated_at,
    })),
    endpoints: endpoints.map((row) => toRouted(row, keyRing)),
    channels,
  };
}

/** Reads one endpoint live, for one attempt; null where it is gone. */
export async function loadTarget(sql: Sql, keyRing: KeyRing, endpointId: string): Promise<RoutedEndpoint | null> {
  const [row] = await sql.query<EndpointRow>({ name: 'routing-endpoint', text: `${ENDPOINT} where e.id = $1`, values: [endpointId] });
  return row ? toRouted(row, keyRing) : null;
}

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
    verifyToken: row.verify_token === null ? null : keyRing.open(row.verify_token, verifyTokenPlace(row.id)),
    secrets: secrets.map(({ id, sealed, expiresAt }): SigningSecret => ({
      secret: keyRing.open(sealed, secretPlace(id)), expiresAt: expiresAt === null ? null : new Date(expiresAt),
    })),
  };
}
