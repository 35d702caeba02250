import type { Knex } from 'knex';

/**
 * The trace that an event belongs to, as a `traceparent`: what is done for it, also days later and by another process,
 * continues it. Null where nothing is traced.
 * Locks: events exclusively, for an instant (no row is written). Reversible: yes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table events add column traceparent text');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table events drop column traceparent');
}
