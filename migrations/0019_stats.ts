import type { Knex } from 'knex';

/**
 * Counts by hour, of each endpoint and of each workspace as a whole, so that nobody has to count deliveries.
 * Locks: none held (new table). Reversible: yes, losing the counts.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table stats (
      workspace_id text collate "C" not null,
      -- Empty: the workspace as a whole.
      endpoint_id text collate "C" not null,
      hour timestamptz(0) not null,
      events integer not null default 0,
      owed integer not null default 0,
      delivered integer not null default 0,
      failed_attempts integer not null default 0,
      exhausted integer not null default 0,
      -- How many took as long as each bucket of src/domain/stats.ts says; what is missing at the end is 0.
      latencies integer[] not null default '{}',
      durations integer[] not null default '{}',
      primary key (workspace_id, endpoint_id, hour)
    ) with (fillfactor = 70);
    -- read by the sweep of what is too old
    create index stats_by_hour on stats (hour);
    select isolate_workspace('stats', rights => 'select');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table stats');
}
