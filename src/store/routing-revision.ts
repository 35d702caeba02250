import type { Sql } from './db';

/**
 * Says that a rule, an endpoint or a secret of a workspace has changed: what was compiled from them is stale. The last
 * statement of its transaction, since it holds the workspace's row until the commit.
 */
export async function bumpRouting(sql: Sql, workspaceId: string): Promise<void> {
  await sql.query({
    name: 'routing-bump',
    text: 'update workspaces set routing_revision = routing_revision + 1 where id = $1',
    values: [workspaceId],
  });
}

/** Waits until no other transaction holds the turn of this name; kept to the end of this one. For counts that must not be passed. */
export async function takeRoutingTurn(sql: Sql, name: string): Promise<void> {
  await sql.query({ name: 'routing-turn', text: `select pg_advisory_xact_lock(hashtextextended('posthorn.routing|' || $1, 0))`, values: [name] });
}
