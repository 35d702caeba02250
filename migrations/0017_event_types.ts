import type { Knex } from 'knex';

/**
 * The catalogue of a workspace's own types of event. Its revision tells processes that hold schemas of it that one has
 * changed; a workspace without a row there has no catalogue, and nobody looks for one when it publishes.
 * Locks: none held (new tables). Reversible: yes, losing all catalogues.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table event_types (
      workspace_id text collate "C" not null references workspaces,
      type text collate "C" not null,
      description text,
      -- JSON Schema 2020-12 of an event's data, and what that may look like; null: none.
      schema json,
      example json,
      enforce text not null,
      archived boolean not null default false,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      primary key (workspace_id, type),
      constraint enforcement_is_known check (enforce in ('off', 'warn', 'reject')),
      constraint only_a_schema_is_enforced check (enforce = 'off' or schema is not null)
    );

    create table catalogues (
      workspace_id text collate "C" primary key references workspaces,
      revision bigint not null,
      -- Whether any of its types is enforced: else nobody needs to know of it when events are published.
      is_enforced boolean not null,
      changed_at timestamptz(3) not null default now()
    );
    -- read by each API process, every second, and by one that starts
    create index catalogues_by_change on catalogues (changed_at);
    create index catalogues_enforced on catalogues (workspace_id) where is_enforced;

    select isolate_workspace('event_types'), isolate_workspace('catalogues');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table catalogues, event_types');
}
