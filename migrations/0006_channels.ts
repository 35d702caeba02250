import type { Knex } from 'knex';

/**
 * Channels: where events come in from outside; and, of an event that came in, from which channel and signed how.
 * Locks: events for an instant (new columns without a default rewrite nothing). Reversible: yes, losing the channels.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table channels (
      id text collate "C" primary key,
      workspace_id text collate "C" not null references workspaces,
      kind text not null,
      -- Sealed, each for its own place.
      verify_token text not null,
      -- Null: requests are taken unsigned.
      app_secret text,
      pass_through_endpoint_id text collate "C" references endpoints on delete set null,
      friendly_endpoint_id text collate "C" references endpoints on delete set null,
      events text[] not null,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      constraint channel_kind_is_known check (kind in ('whatsapp'))
    );
    create index channels_by_workspace on channels (workspace_id, id);
    -- read when an endpoint is deleted
    create index channels_by_pass_through on channels (pass_through_endpoint_id) where pass_through_endpoint_id is not null;
    create index channels_by_friendly on channels (friendly_endpoint_id) where friendly_endpoint_id is not null;

    -- No foreign key: events stay when their channel goes.
    alter table events add column channel_id text collate "C", add column received_signature text;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table events drop column channel_id, drop column received_signature;
    drop table channels;
  `);
}
