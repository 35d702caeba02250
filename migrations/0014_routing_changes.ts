import type { Knex } from 'knex';

/**
 * What each of a workspace's newest routing revisions has changed, so that a worker reads that alone and not everything.
 * Locks: none held (new table). Reversible: yes: without it everything is read at each change.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table routing_changes (
      workspace_id text collate "C" not null references workspaces,
      revision bigint not null,
      -- The rule, endpoint or channel that was made, changed or deleted.
      subject_id text collate "C" not null,
      -- Tells the revision from another of the same number, where a failover to a replica has lost the one that was read.
      mark uuid not null default gen_random_uuid(),
      primary key (workspace_id, revision)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table routing_changes');
}
