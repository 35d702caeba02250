import type { Knex } from 'knex';

/**
 * What grows must not be walked through: the claim of starts and signals passed over every event that waits.
 * Locks: the outbox against writes, for as long as its small index takes. Reversible: yes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- read by the claim of starts, signals and jobs, in their order; events are not in it and do not pay for it
    create index outbox_wakes on outbox (id) where claimed_by is null and kind <> 'event';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index outbox_wakes');
}
