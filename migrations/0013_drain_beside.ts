import type { Knex } from 'knex';

/**
 * What waits for its first attempt by whether it is being drained or not, each in event order: what is new leaves beside a
 * drain, however long that is. Takes the place of the index of both in one order.
 * Locks: deliveries against writes, for as long as the index of what waits takes. Reversible: yes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create index deliveries_pending_by_drain on deliveries (endpoint_id, (case when reason = 'draining' then 1 else 0 end), event_id, id)
      where waiting and next_attempt_at is null and hold_until is null;
    drop index deliveries_pending;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    create index deliveries_pending on deliveries (endpoint_id, event_id, id) where waiting and next_attempt_at is null and hold_until is null;
    drop index deliveries_pending_by_drain;
  `);
}
