import type { Knex } from 'knex';

/**
 * Rules and endpoints: who is owed what. Health is its own narrow table, since it changes with attempts and the
 * endpoint's row does not.
 * Locks: none held (new tables). Reversible: yes, losing all of it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table endpoints (
      id text collate "C" primary key,
      workspace_id text collate "C" not null references workspaces,
      name text,
      url text not null,
      dialect text not null,
      events text[] not null default '{}',
      scope text,
      status text not null default 'ACTIVE',
      status_reason text,
      status_since timestamptz(3) not null default now(),
      -- Reactivated with "drain: false": what is held stays held until the drain is started.
      drain_paused boolean not null default false,
      -- Names in the clear, values sealed: a JSON object of name to sealed text.
      headers json not null default '{}',
      policy json not null default '{}',
      metadata json not null default '{}',
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now(),
      unique (workspace_id, id),
      constraint endpoint_status_is_known check (status in ('ACTIVE', 'FAILING', 'DEACTIVATED'))
    );
    create index endpoints_by_scope on endpoints (workspace_id, scope, id) where scope is not null;
    -- read by the reconciler: whose watchers come first
    create index endpoints_unwell on endpoints (status, id) where status <> 'ACTIVE';

    create table endpoint_secrets (
      id text collate "C" primary key,
      endpoint_id text collate "C" not null references endpoints on delete cascade,
      sealed text not null,
      created_at timestamptz(3) not null default now(),
      -- Null for the current secret; an older one signs beside it until then.
      expires_at timestamptz(3)
    );
    create index endpoint_secrets_by_endpoint on endpoint_secrets (endpoint_id, id);
    create unique index endpoints_have_one_current_secret on endpoint_secrets (endpoint_id) where expires_at is null;

    create table endpoint_health (
      endpoint_id text collate "C" primary key references endpoints on delete cascade,
      consecutive_failures integer not null default 0,
      -- Failures in a row that were timeouts or connect errors.
      consecutive_unreachable integer not null default 0,
      -- Deliveries given up since the last success.
      exhausted integer not null default 0,
      -- The first failure since the last success.
      failing_since timestamptz(3),
      last_failure_at timestamptz(3),
      last_failure text,
      last_success_at timestamptz(3)
    ) with (fillfactor = 50);

    create table rules (
      id text collate "C" primary key,
      workspace_id text collate "C" not null references workspaces,
      name text not null,
      events text[] not null,
      condition json not null default '{}',
      endpoint_ids text[] not null,
      enabled boolean not null default true,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now()
    );
    create index rules_by_workspace on rules (workspace_id, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table rules, endpoint_health, endpoint_secrets, endpoints');
}
