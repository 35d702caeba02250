import type { Knex } from 'knex';

/**
 * How requests to an endpoint show who sends them (`auth`), and what its TLS has of its own (`tls`); the secrets of both apart.
 * Locks: endpoints for an instant (a constant default rewrites nothing). Reversible: yes, losing all of it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table endpoints
      -- Without their secrets; null: none.
      add column auth json,
      add column tls json,
      -- Their secrets by name, each sealed for its own place.
      add column auth_secrets json not null default '{}';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table endpoints drop column auth, drop column tls, drop column auth_secrets');
}
