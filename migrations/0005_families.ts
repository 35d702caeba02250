import type { Knex } from 'knex';

/**
 * What the families need: an endpoint's verify token (sealed), a quick look whether a workspace has endpoints of a family,
 * and files that their events link to.
 * Locks: `endpoints` for as long as its small index takes. Reversible: yes, losing verify tokens and files.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table endpoints add column verify_token text;
    -- read by each change that could be a family's event: is there anybody to tell
    create index endpoints_of_families on endpoints (workspace_id, dialect) where dialect in ('spektr', 'flow');

    create table files (
      id text collate "C" primary key,
      workspace_id text collate "C" not null references workspaces,
      name text,
      content_type text not null,
      size integer not null,
      content bytea not null,
      created_at timestamptz(3) not null default now()
    );
    create index files_by_workspace on files (workspace_id, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table files; drop index endpoints_of_families; alter table endpoints drop column verify_token');
}
