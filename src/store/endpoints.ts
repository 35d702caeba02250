import type { DialectName } from '../domain/dialect';
import type { Endpoint, EndpointStatus, StatusReason } from '../domain/endpoint';
import type { StoredAuth, StoredTls } from '../domain/endpoint-auth';
import type { FamilyName } from '../domain/family';
import type { JsonObject } from '../domain/json';
import type { PolicyOverrides } from '../domain/policy';
import type { Transform } from '../domain/transform';
import type { KeyRing } from '../seal';
import type { Sql } from './db';
import type { ListBounds } from './lists';
import { authPlace, verifyTokenPlace } from './sealed-places';

/** An endpoint's row: what everybody may see, and what only sending and switching need. */
export interface StoredEndpoint extends Endpoint {
  /** Reactivated with `drain: false`, or its drain was paused: what is held stays held. */
  readonly drainPaused: boolean;
  /** Header values, each sealed for its own place, by name. */
  readonly sealedHeaders: Readonly<Record<string, string>>;
  /** The secrets of `auth` and `tls` by name, each sealed for its own place. */
  readonly sealedAuth: Readonly<Record<string, string>>;
  /** Sealed for its place; null where none is set. */
  readonly sealedVerifyToken: string | null;
}

/** What a caller decides of an endpoint. */
export interface EndpointContent {
  readonly name: string | null;
  readonly url: string;
  readonly events: readonly string[];
  readonly scope: string | null;
  readonly sealedHeaders: Readonly<Record<string, string>>;
  readonly auth: StoredAuth | null;
  readonly tls: StoredTls | null;
  readonly sealedAuth: Readonly<Record<string, string>>;
  readonly sealedVerifyToken: string | null;
  readonly policyOverrides: PolicyOverrides;
  readonly metadata: JsonObject;
  readonly transform: Transform | null;
}

interface EndpointRow {
  id: string; workspace_id: string; name: string | null; url: string; dialect: DialectName; events: string[]; scope: string | null;
  status: EndpointStatus; status_reason: StatusReason | null; status_since: Date; drain_paused: boolean;
  headers: string; verify_token: string | null; policy: string; metadata: string; transform: string | null; created_at: Date; updated_at: Date;
  auth: string | null; tls: string | null; auth_secrets: string;
}

const COLUMNS = `id, workspace_id, name, url, dialect, events, scope, status, status_reason, status_since, drain_paused,
  headers, verify_token, policy, metadata, transform, created_at, updated_at, auth, tls, auth_secrets`;

/** Stores an endpoint, ACTIVE, with a health of its own. */
export async function insertEndpoint(
  trx: Sql, key: { readonly id: string; readonly workspaceId: string; readonly dialect: DialectName }, content: EndpointContent,
): Promise<StoredEndpoint> {
  const [row] = await trx.query<EndpointRow>({
    text: `insert into endpoints (id, workspace_id, dialect, name, url, events, scope, headers, policy, metadata, verify_token, transform, has_transformed,
             auth, tls, auth_secrets)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12::json is not null, $13, $14, $15) returning ${COLUMNS}`,
    values: [key.id, key.workspaceId, key.dialect, ...valuesOf(content)],
  });
  // A statement of its own: the row's policy looks for its endpoint, and one statement does not see what it inserts itself.
  await trx.query({ text: 'insert into endpoint_health (endpoint_id) values ($1)', values: [key.id] });
  if (!row) throw new Error('A stored endpoint was not told of');
  return toEndpoint(row);
}

/** Writes all that a caller may change of an endpoint. */
export async function updateEndpoint(sql: Sql, workspaceId: string, id: string, content: EndpointContent): Promise<StoredEndpoint> {
  const [row] = await sql.query<EndpointRow>({
    text: `update endpoints set name = $3, url = $4, events = $5, scope = $6, headers = $7, policy = $8, metadata = $9, verify_token = $10, transform = $11,
             has_transformed = has_transformed or $11::json is not null, auth = $12, tls = $13, auth_secrets = $14, updated_at = now()
           where workspace_id = $2 and id = $1 returning ${COLUMNS}`,
    values: [id, workspaceId, ...valuesOf(content)],
  });
  return locked(row, id);
}

const valuesOf = (content: EndpointContent): readonly unknown[] => [
  content.name, content.url, content.events, content.scope, JSON.stringify(content.sealedHeaders),
  JSON.stringify(content.policyOverrides), JSON.stringify(content.metadata), content.sealedVerifyToken, content.transform && JSON.stringify(content.transform),
  content.auth && JSON.stringify(content.auth), content.tls && JSON.stringify(content.tls), JSON.stringify(content.sealedAuth),
];

/** Writes an endpoint's status, since now. Its row must be locked. */
export async function setEndpointStatus(
  sql: Sql, id: string, status: EndpointStatus, reason: StatusReason | null, drainPaused: boolean,
): Promise<StoredEndpoint> {
  const [row] = await sql.query<EndpointRow>({
    name: 'endpoint-status',
    text: `update endpoints set status = $2, status_reason = $3, status_since = now(), drain_paused = $4, updated_at = now()
           where id = $1 returning ${COLUMNS}`,
    values: [id, status, reason, drainPaused],
  });
  return locked(row, id);
}

/** Writes whether what is held stays held. */
export async function setDrainPaused(sql: Sql, id: string, drainPaused: boolean): Promise<StoredEndpoint> {
  const [row] = await sql.query<EndpointRow>({
    text: `update endpoints set drain_paused = $2 where id = $1 returning ${COLUMNS}`, values: [id, drainPaused],
  });
  return locked(row, id);
}

/** Removes an endpoint with its secrets and health. */
export async function deleteEndpoint(sql: Sql, workspaceId: string, id: string): Promise<void> {
  await sql.query({ text: 'delete from endpoints where workspace_id = $1 and id = $2', values: [workspaceId, id] });
}

/** One endpoint; null where the workspace has none of this id. */
export const findEndpoint = (sql: Sql, workspaceId: string, id: string): Promise<StoredEndpoint | null> => find(sql, workspaceId, id, '');

/** The same, locked until the end of the transaction; `for update` also keeps rules from naming it meanwhile, `for share` keeps its status. */
export const lockEndpoint = (
  sql: Sql, workspaceId: string, id: string, lock: 'for update' | 'for no key update' | 'for share' = 'for no key update',
): Promise<StoredEndpoint | null> => find(sql, workspaceId, id, lock);

async function find(sql: Sql, workspaceId: string, id: string, lock: string): Promise<StoredEndpoint | null> {
  const [row] = await sql.query<EndpointRow>({
    text: `select ${COLUMNS} from endpoints where workspace_id = $1 and id = $2 ${lock}`, values: [workspaceId, id],
  });
  return row ? toEndpoint(row) : null;
}

/** Which dialects these endpoints of the workspace speak, by id; that never changes, so nothing is locked. */
export async function dialectsOf(sql: Sql, workspaceId: string, ids: readonly string[]): Promise<ReadonlyMap<string, DialectName>> {
  const rows = await sql.query<{ id: string; dialect: DialectName }>({
    text: 'select id, dialect from endpoints where workspace_id = $1 and id = any($2)', values: [workspaceId, ids],
  });
  return new Map(rows.map(({ id, dialect }) => [id, dialect]));
}

/** Which families the workspace has endpoints of. The condition is spelled as the index is that serves it. */
export async function familiesOf(sql: Sql, workspaceId: string): Promise<ReadonlySet<FamilyName>> {
  const rows = await sql.query<{ dialect: FamilyName }>({
    name: 'endpoint-families',
    text: `select distinct dialect from endpoints where workspace_id = $1 and dialect in ('spektr', 'flow')`,
    values: [workspaceId],
  });
  return new Set(rows.map(({ dialect }) => dialect));
}

/** Those of these ids that are endpoints of the workspace; none of them can be removed before the end of the transaction. */
export async function keepEndpoints(sql: Sql, workspaceId: string, ids: readonly string[]): Promise<StoredEndpoint[]> {
  const rows = await sql.query<EndpointRow>({
    text: `select ${COLUMNS} from endpoints where workspace_id = $1 and id = any($2) order by id for key share`, values: [workspaceId, ids],
  });
  return rows.map(toEndpoint);
}

/** What a list of endpoints is cut down to; null: all. */
export interface EndpointFilter {
  readonly scope: string | null;
  readonly status: EndpointStatus | null;
}

/** A page of a workspace's endpoints, newest first. */
export async function listEndpoints(sql: Sql, workspaceId: string, bounds: ListBounds, filter: EndpointFilter): Promise<StoredEndpoint[]> {
  const rows = await sql.query<EndpointRow>({
    text: `select ${COLUMNS} from endpoints
           where workspace_id = $1 and id < $2 and id >= $3 and ($5::text is null or scope = $5) and ($6::text is null or status = $6)
           order by id desc limit $4`,
    values: [workspaceId, bounds.below, bounds.from, bounds.limit + 1, filter.scope, filter.status],
  });
  return rows.map(toEndpoint);
}

/** How many endpoints a workspace has, in all and in one scope. */
export async function countEndpoints(sql: Sql, workspaceId: string, scope: string | null): Promise<{ total: number; inScope: number }> {
  const [row] = await sql.query<{ total: number; in_scope: number }>({
    text: `select (select count(*) from endpoints where workspace_id = $1) as total,
                  (select count(*) from endpoints where workspace_id = $1 and scope = $2) as in_scope`,
    values: [workspaceId, scope],
  });
  return { total: row?.total ?? 0, inScope: row?.in_scope ?? 0 };
}

/** An endpoint's verify token in the clear; null where none is set. */
export const openVerifyToken = (keyRing: KeyRing, { id, sealedVerifyToken }: StoredEndpoint): string | null =>
  sealedVerifyToken === null ? null : keyRing.open(sealedVerifyToken, verifyTokenPlace(id));

/** The private key of an endpoint's own certificate, in the clear; null where none is set. */
export const openTlsKey = (keyRing: KeyRing, { id, sealedAuth }: StoredEndpoint): string | null =>
  sealedAuth['key'] === undefined ? null : keyRing.open(sealedAuth['key'], authPlace(id, 'key'));

function locked(row: EndpointRow | undefined, id: string): StoredEndpoint {
  if (!row) throw new Error(`The endpoint ${id} was removed while it was locked`);
  return toEndpoint(row);
}

function toEndpoint(row: EndpointRow): StoredEndpoint {
  const sealedHeaders = JSON.parse(row.headers) as Record<string, string>;
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    name: row.name,
    url: row.url,
    dialect: row.dialect,
    events: row.events,
    scope: row.scope,
    status: row.status,
    statusReason: row.status_reason,
    statusSince: row.status_since,
    drainPaused: row.drain_paused,
    headerNames: Object.keys(sealedHeaders),
    sealedHeaders,
    auth: row.auth === null ? null : (JSON.parse(row.auth) as StoredAuth),
    tls: row.tls === null ? null : (JSON.parse(row.tls) as StoredTls),
    sealedAuth: JSON.parse(row.auth_secrets) as Record<string, string>,
    sealedVerifyToken: row.verify_token,
    policyOverrides: JSON.parse(row.policy) as PolicyOverrides,
    metadata: JSON.parse(row.metadata) as JsonObject,
    transform: row.transform === null ? null : (JSON.parse(row.transform) as Transform),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
