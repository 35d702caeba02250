import type { Knex } from 'knex';

/**
 * Records, processes and tasks in one table: they differ in which of four columns they use, and refer to one another.
 * Locks: none held (new table). Reversible: yes, losing all objects.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table objects (
      id text collate "C" primary key,
      workspace_id text collate "C" not null references workspaces,
      kind text not null,
      type text not null,
      primary_key text,
      record_id text collate "C",
      process_id text collate "C",
      state text,
      status text,
      -- json, not jsonb: the order of keys is the caller's.
      attributes json not null,
      version integer not null default 1,
      -- The sequence of the newest event of this object.
      sequence bigint not null default 0,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      unique (workspace_id, id),
      constraint reference_is_in_the_workspace_record foreign key (workspace_id, record_id) references objects (workspace_id, id),
      constraint reference_is_in_the_workspace_process foreign key (workspace_id, process_id) references objects (workspace_id, id),
      constraint kind_is_known check (kind in ('record', 'process', 'task')),
      constraint a_record_refers_to_nothing check (kind <> 'record' or (record_id is null and process_id is null)),
      constraint only_a_task_has_a_process check (kind = 'task' or process_id is null),
      constraint a_task_belongs_to_something check (kind <> 'task' or record_id is not null or process_id is not null),
      constraint only_a_process_has_a_state check (kind = 'process' or state is null),
      constraint all_but_records_have_a_status check ((kind = 'record') = (status is null))
    );
    create unique index objects_primary_key on objects (workspace_id, kind, type, primary_key) where primary_key is not null;
    -- read by the lists, newest first
    create index objects_by_kind on objects (workspace_id, kind, id);
    create index objects_by_type on objects (workspace_id, kind, type, id);
    -- read by the lists of what refers to an object, and by the check of a delete
    create index objects_by_record on objects (workspace_id, record_id, id) where record_id is not null;
    create index objects_by_process on objects (workspace_id, process_id, id) where process_id is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table objects');
}
