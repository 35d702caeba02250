import type { Knex } from 'knex';

const PARTITIONED = ['events', 'plans', 'deliveries', 'attempts'];

/** Makes the weekly partitions of these tables, as the function of migration 0004 does. */
const ensurePartitions = (tables: readonly string[]): string => `
  create or replace function ensure_partitions(since timestamptz, until timestamptz) returns void language plpgsql as $$
  declare
    week timestamptz := date_trunc('week', since, 'UTC');
    parent text;
  begin
    perform pg_advisory_xact_lock(hashtext('posthorn.partitions'));
    while week <= until loop
      foreach parent in array array[${tables.map((table) => `'${table}'`).join(', ')}] loop
        if to_regclass(format('%I', parent || '_' || to_char(week at time zone 'UTC', 'YYYYMMDD'))) is null then
          -- Room in each page for the changes that a row goes through.
          execute format('create table %I partition of %I for values from (%L) to (%L) with (fillfactor = 80)',
            parent || '_' || to_char(week at time zone 'UTC', 'YYYYMMDD'), parent,
            id_floor('evt', week), id_floor('evt', week + interval '7 days'));
        end if;
      end loop;
      week := week + interval '7 days';
    end loop;
  end $$;`;

/**
 * What an endpoint's expression made of an event is kept from before its first request on, so that every retry sends the same
 * bytes, whatever becomes of the expression. The rows go with their event's week.
 * Locks: endpoints exclusively, for an instant. Reversible: yes, losing all transforms and what they made.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table endpoints
      add column transform json,
      -- It has, or had one: what was made by it is looked for before a retry.
      add column has_transformed boolean not null default false;

    create table transformed_bodies (
      event_id text collate "C" not null,
      delivery_id text collate "C" not null,
      workspace_id text collate "C" not null,
      body text not null,
      made_at timestamptz(3) not null default now(),
      primary key (event_id, delivery_id)
    ) partition by range (event_id);
    select isolate_workspace('transformed_bodies');

    ${ensurePartitions([...PARTITIONED, 'transformed_bodies'])}

    -- From the oldest week that there is: deliveries of its events may still be retried.
    select ensure_partitions(
      coalesce((select min(to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') from pg_inherits i join pg_class c on c.oid = i.inhrelid
                where i.inhparent = 'events'::regclass and c.relname ~ '_[0-9]{8}$'), now()),
      now() + interval '56 days');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    ${ensurePartitions(PARTITIONED)}
    drop table transformed_bodies;
    alter table endpoints drop column transform, drop column has_transformed;
  `);
}
