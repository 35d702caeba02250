import type { Sql } from './db';

/** Of how many of its newest revisions a workspace remembers what they changed; who has missed more reads everything. */
export const REVISIONS_KEPT = 1_000;

/**
 * Says that a rule, an endpoint (with its secrets) or a channel of a workspace was made, changed or deleted: what was
 * compiled from it is stale. The last statement of its transaction, since it holds the workspace's row until the commit;
 * so revisions are committed in their order, and whoever sees one sees all changes up to it.
 */
export async function bumpRouting(sql: Sql, workspaceId: string, subjectId: string): Promise<void> {
  await sql.query({
    name: 'routing-bump',
    text: `with bumped as (
             update workspaces set routing_revision = routing_revision + 1 where id = $1 returning routing_revision as revision
           ), forgotten as (
             delete from routing_changes where workspace_id = $1 and revision <= (select revision from bumped) - ${REVISIONS_KEPT}
           )
           insert into routing_changes (workspace_id, revision, subject_id) select $1, revision, $2 from bumped`,
    values: [workspaceId, subjectId],
  });
}

/** What a reader has of a workspace's routing. */
export interface RoutingVersion {
  readonly revision: number;
  /** Tells this revision from another of its number that took its place; null where nobody noted what it changed. */
  readonly mark: string | null;
}

/** The version as it is now, and what has changed since the one that a reader has. */
export interface RoutingNews extends RoutingVersion {
  /** The ids of all rules, endpoints and channels that may differ, each once; null where that is not known: read everything. */
  readonly changed: readonly string[] | null;
}

/** Reads what has changed since a version, null: since ever. Null where there is no such workspace. One statement, one snapshot. */
export async function readRoutingNews(sql: Sql, workspaceId: string, since: RoutingVersion | null): Promise<RoutingNews | null> {
  const rows = await sql.query<{ latest: number; revision: number | null; subject_id: string; mark: string }>({
    name: 'routing-news',
    text: `select w.routing_revision as latest, c.revision, c.subject_id, c.mark
           from workspaces w left join routing_changes c on c.workspace_id = w.id and c.revision >= coalesce($2, w.routing_revision)
           where w.id = $1`,
    values: [workspaceId, since?.revision ?? null],
  });
  const [first] = rows;
  if (!first) return null;
  const markOf = (revision: number): string | null => rows.find((row) => row.revision === revision)?.mark ?? null;
  const version = { revision: first.latest, mark: markOf(first.latest) };
  if (!since || markOf(since.revision) !== since.mark) return { ...version, changed: null };
  const newer = rows.filter(({ revision }) => revision !== null && revision > since.revision);
  // A gap: a process of before this table has raised the revision, or what is missing is forgotten.
  const isWhole = newer.length === first.latest - since.revision;
  return { ...version, changed: isWhole ? [...new Set(newer.map((row) => row.subject_id))] : null };
}

/** The routing revisions of workspaces, by id. */
export async function readRoutingRevisions(sql: Sql, workspaceIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.query<{ id: string; revision: number }>({
    name: 'routing-revisions', text: 'select id, routing_revision as revision from workspaces where id = any($1)', values: [workspaceIds],
  });
  return new Map(rows.map(({ id, revision }) => [id, revision]));
}

/** Waits until no other transaction holds the turn of this name; kept to the end of this one. For counts that must not be passed. */
export async function takeRoutingTurn(sql: Sql, name: string): Promise<void> {
  await sql.query({ name: 'routing-turn', text: `select pg_advisory_xact_lock(hashtextextended('posthorn.routing|' || $1, 0))`, values: [name] });
}
