import type { Knex } from 'knex';

/**
 * Tenants, their keys, stored answers of idempotent requests, and the audit trail.
 * Locks: none held (new tables). Reversible: yes, losing all of it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table workspaces (
      id text collate "C" primary key,
      name text not null unique,
      -- One more with every change of a rule, an endpoint or a secret: what was compiled from them is stale when it differs.
      routing_revision bigint not null default 1,
      created_at timestamptz(3) not null default now()
    );

    create table api_keys (
      id text collate "C" primary key,
      -- Null for the root key, which is admin of every workspace.
      workspace_id text collate "C" references workspaces,
      name text not null,
      role text not null,
      hash bytea not null unique,
      created_at timestamptz(3) not null default now(),
      last_used_at timestamptz(3),
      revoked_at timestamptz(3),
      constraint api_key_role_is_known check (role in ('root', 'admin', 'write', 'read', 'publish')),
      constraint only_the_root_key_has_no_workspace check ((role = 'root') = (workspace_id is null)),
      constraint api_key_hash_is_sha256 check (octet_length(hash) = 32)
    );
    create index api_keys_by_workspace on api_keys (workspace_id, id);

    create table idempotency_keys (
      workspace_id text collate "C" not null references workspaces,
      key text not null,
      fingerprint bytea not null,
      status smallint not null,
      -- Sealed when the answer holds a secret, else JSON text.
      response text,
      sealed boolean not null default false,
      created_at timestamptz(3) not null default now(),
      primary key (workspace_id, key)
    );
    -- read by the sweep of keys older than 24 h
    create index idempotency_keys_by_age on idempotency_keys (created_at);

    create table audit (
      id text collate "C" primary key,
      workspace_id text collate "C" not null references workspaces,
      actor text not null,
      action text not null,
      subject_id text collate "C" not null,
      detail json not null,
      created_at timestamptz(3) not null default now()
    );
    create index audit_by_workspace on audit (workspace_id, id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table audit, idempotency_keys, api_keys, workspaces');
}
