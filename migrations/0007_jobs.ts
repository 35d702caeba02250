import type { Knex } from 'knex';

/**
 * Jobs, their entries, and a kind of outbox row that has the relay start or wake a job's workflow.
 * Locks: the outbox exclusively, for as long as it takes to check its rows against the new constraint (it holds what waits
 * for a workflow, so few). Reversible: yes, losing all jobs; what they did stays.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table jobs (
      id text collate "C" primary key,
      workspace_id text collate "C" not null references workspaces,
      kind text not null,
      status text not null default 'QUEUED',
      parameters json not null,
      total integer not null,
      done integer not null default 0,
      failed integer not null default 0,
      error text,
      created_at timestamptz(3) not null default now(),
      -- Of the newest sign of life: what has none for a while is woken again.
      updated_at timestamptz(3) not null default now(),
      finished_at timestamptz(3),
      constraint job_status_is_known check (status in ('QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED')),
      constraint counts_fit check (done >= 0 and failed >= 0 and done + failed <= total),
      constraint what_is_over_has_an_end check ((status in ('COMPLETED', 'FAILED', 'CANCELLED')) = (finished_at is not null))
    ) with (fillfactor = 50);
    create index jobs_by_workspace on jobs (workspace_id, id);
    -- read by the reconciler, and by the limit of open jobs
    create index jobs_open on jobs (workspace_id) where status in ('QUEUED', 'RUNNING', 'PAUSED');

    -- read by the removal of old ones
    create index jobs_over on jobs (finished_at) where finished_at is not null;

    create table job_entries (
      job_id text collate "C" not null references jobs on delete cascade,
      -- Place in the request, from 0.
      index integer not null,
      status text not null default 'pending',
      -- What is to be done, as JSON text; null once it is done.
      item text,
      -- What was made or changed.
      subject_id text collate "C",
      -- Why it failed, as JSON text.
      error text,
      primary key (job_id, index),
      constraint entry_status_is_known check (status in ('pending', 'done', 'failed')),
      constraint what_failed_says_why check ((status = 'failed') = (error is not null))
    );
    -- read by each page: what is next
    create index job_entries_pending on job_entries (job_id, index) where status = 'pending';
    -- read by the list of what failed
    create index job_entries_failed on job_entries (job_id, index) where status = 'failed';

    alter table outbox add column job_id text collate "C";
    alter table outbox drop constraint outbox_kind_is_known;
    alter table outbox add constraint outbox_kind_is_known check (kind in ('event', 'retry', 'signal', 'job'));
    -- read by the reconciler: is there a row for it already
    create index outbox_by_job on outbox (job_id) where job_id is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from outbox where kind = 'job';
    alter table outbox drop constraint outbox_kind_is_known;
    alter table outbox add constraint outbox_kind_is_known check (kind in ('event', 'retry', 'signal'));
    alter table outbox drop column job_id;
    drop table job_entries, jobs;
  `);
}
