import type { Knex } from 'knex';

/**
 * Events, what was planned for them, deliveries and attempts, all partitioned by week on the event's id, which sorts
 * by time; and the outbox. A partition's bounds are ids: the prefix and the first ten characters of a ULID, which are
 * its milliseconds in Crockford's base 32. There are no foreign keys between them, so that a week can be dropped.
 * Locks: none held (new tables). Reversible: yes, losing all events and deliveries.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table events (
      id text collate "C" not null,
      workspace_id text collate "C" not null,
      type text not null,
      external_id text,
      sequence bigint,
      caused_by text collate "C",
      object_kind text,
      object_id text collate "C",
      -- All four are JSON text as it was written: text, since json would be parsed again at each read.
      object text,
      previous text,
      changes text,
      data text,
      actor text,
      occurred_at timestamptz(3) not null,
      created_at timestamptz(3) not null default now(),
      primary key (id),
      constraint an_event_has_an_object_or_data check (object is not null or data is not null)
    ) partition by range (id);
    create index events_by_workspace on events (workspace_id, id);
    create index events_by_object on events (object_id, id) where object_id is not null;

    -- That an event was planned, and what became of it; apart from it because an event never changes and this does. An
    -- event is planned once: whoever inserts the row has planned it.
    create table plans (
      event_id text collate "C" not null,
      workspace_id text collate "C" not null,
      planned_at timestamptz(3) not null default now(),
      owed integer not null,
      workflow_id text,
      run_id text,
      primary key (event_id)
    ) partition by range (event_id);

    create table deliveries (
      event_id text collate "C" not null,
      id text collate "C" not null,
      workspace_id text collate "C" not null,
      endpoint_id text collate "C" not null,
      status text not null,
      reason text,
      way text not null,
      attempt_count integer not null default 0,
      failures integer not null default 0,
      next_attempt_at timestamptz(3),
      -- When a HELD delivery is given up.
      hold_until timestamptz(3),
      first_sent_at timestamptz(3),
      resend_of text collate "C",
      -- It waits for a retry, in a lane, or held. No index looks at the status itself: a first attempt that succeeds
      -- changes no indexed value, and so no index.
      waiting boolean not null generated always as (way <> 'fast' and status in ('PENDING', 'RETRYING', 'HELD')) stored,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      primary key (event_id, id),
      constraint delivery_status_is_known check (status in ('PENDING', 'RETRYING', 'HELD', 'DELIVERED', 'EXHAUSTED', 'CANCELLED')),
      constraint delivery_way_is_known check (way in ('fast', 'retry', 'lane')),
      constraint a_retrying_delivery_knows_when check (status <> 'RETRYING' or next_attempt_at is not null)
    ) partition by range (event_id);
    create unique index deliveries_once_an_endpoint on deliveries (event_id, endpoint_id) where resend_of is null;
    create index deliveries_by_workspace on deliveries (workspace_id, id);
    create index deliveries_by_endpoint on deliveries (endpoint_id, id);
    -- read by the endpoint lane, in event order, and by every change of an endpoint's status
    create index deliveries_waiting on deliveries (endpoint_id, way, event_id, id) where waiting;
    -- read by the reconciler
    create index deliveries_due on deliveries (next_attempt_at) where next_attempt_at is not null;
    create index deliveries_held on deliveries (hold_until) where hold_until is not null;

    create table attempts (
      event_id text collate "C" not null,
      id text collate "C" not null,
      delivery_id text collate "C" not null,
      workspace_id text collate "C" not null,
      endpoint_id text collate "C" not null,
      number integer not null,
      started_at timestamptz(3) not null default now(),
      -- Until then only the process that began it may say what came of it.
      lease_until timestamptz(3) not null,
      duration_ms integer,
      -- Null while it is under way.
      outcome text,
      status_code smallint,
      error text,
      request_url text,
      request_headers text,
      body_sha256 text,
      response_headers text,
      response_body text,
      response_truncated boolean,
      primary key (event_id, delivery_id, number)
    ) partition by range (event_id);
    -- read by the reconciler
    create index attempts_open on attempts (lease_until) where outcome is null;
    -- read by an endpoint's health: the newest first, by time
    create index attempts_by_endpoint on attempts (endpoint_id, id);

    -- Dedupe of the ids that callers give their events, for as long as events are kept.
    create table external_ids (
      workspace_id text collate "C" not null,
      external_id text not null,
      event_id text collate "C" not null,
      created_at timestamptz(3) not null default now(),
      primary key (workspace_id, external_id)
    );
    create index external_ids_by_age on external_ids (created_at);

    create table outbox (
      id bigint generated always as identity primary key,
      kind text not null,
      workspace_id text collate "C" not null,
      event_id text collate "C",
      delivery_id text collate "C",
      endpoint_id text collate "C",
      signal text,
      -- The first of the events that share a workflow; written before its start, so that a second start is of the same ones.
      fold_id text collate "C",
      claimed_by integer,
      claimed_until timestamptz(3),
      created_at timestamptz(3) not null default now(),
      constraint outbox_kind_is_known check (kind in ('event', 'retry', 'signal'))
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, fillfactor = 80);
    -- read by the claim, workspace by workspace
    create index outbox_waiting on outbox (kind, workspace_id, id) where claimed_by is null;
    create index outbox_claimed on outbox (claimed_by, claimed_until) where claimed_by is not null;

    -- A worker's number: the key of the session advisory lock that says that it lives.
    create sequence worker_numbers as integer cycle;

    create function id_floor(prefix text, at timestamptz) returns text language plpgsql immutable as $$
    declare
      alphabet constant text := '0123456789abcdefghjkmnpqrstvwxyz';
      ms bigint := floor(extract(epoch from at) * 1000);
      result text := '';
    begin
      for i in 1..10 loop
        result := substr(alphabet, (ms % 32)::int + 1, 1) || result;
        ms := ms / 32;
      end loop;
      return prefix || '_' || result;
    end $$;

    -- Makes the weekly partitions from the week of "since" to that of "until"; those that are there stay.
    create function ensure_partitions(since timestamptz, until timestamptz) returns void language plpgsql as $$
    declare
      week timestamptz := date_trunc('week', since, 'UTC');
      parent text;
    begin
      perform pg_advisory_xact_lock(hashtext('posthorn.partitions'));
      while week <= until loop
        foreach parent in array array['events', 'plans', 'deliveries', 'attempts'] loop
          if to_regclass(format('%I', parent || '_' || to_char(week at time zone 'UTC', 'YYYYMMDD'))) is null then
            -- Room in each page for the changes that a row goes through.
            execute format('create table %I partition of %I for values from (%L) to (%L) with (fillfactor = 80)',
              parent || '_' || to_char(week at time zone 'UTC', 'YYYYMMDD'), parent,
              id_floor('evt', week), id_floor('evt', week + interval '7 days'));
          end if;
        end loop;
        week := week + interval '7 days';
      end loop;
    end $$;

    select ensure_partitions(now() - interval '7 days', now() + interval '56 days');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function ensure_partitions(timestamptz, timestamptz);
    drop function id_floor(text, timestamptz);
    drop sequence worker_numbers;
    drop table outbox, external_ids, attempts, deliveries, plans, events;
  `);
}
