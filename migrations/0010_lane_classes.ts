import type { Knex } from 'knex';

/**
 * What waits for an endpoint, by why it waits: for its first attempt, for the time of its next one, or held. Each row that
 * waits is in exactly one of the three indexes, so that a look for one kind never passes through the others, of which a
 * dead endpoint may have hundreds of thousands. They take the place of the one index of all that waits.
 * A row that waits is PENDING without a time, RETRYING with `next_attempt_at`, or HELD with `hold_until`: the status itself
 * is in no index, so that a first attempt that succeeds changes none.
 * Locks: deliveries against writes while the indexes of what waits are made, then against everything, readers too (ACCESS
 * EXCLUSIVE), from the drop of the old index to the end: for an update of what was held, and for the scan of every partition
 * that the constraint takes. Reversible: yes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- read by the endpoint lane, in event order
    create index deliveries_pending on deliveries (endpoint_id, event_id, id) where waiting and next_attempt_at is null and hold_until is null;
    -- read by the endpoint lane, what is due first; and by the count of an endpoint's workflows
    create index deliveries_retrying on deliveries (endpoint_id, way, next_attempt_at, event_id, id) where waiting and next_attempt_at is not null;
    -- read by the probe and the drain, in event order
    create index deliveries_kept on deliveries (endpoint_id, event_id, id) where waiting and hold_until is not null;
    drop index deliveries_waiting;

    -- What was held to its end is not held any more: the reconciler need not pass it each time.
    update deliveries set hold_until = null where hold_until is not null and not waiting;
    alter table deliveries add constraint what_waits_says_what_for
      check (not waiting or ((status = 'HELD') = (hold_until is not null) and (status = 'RETRYING') = (next_attempt_at is not null)));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table deliveries drop constraint what_waits_says_what_for;
    create index deliveries_waiting on deliveries (endpoint_id, way, event_id, id) where waiting;
    drop index deliveries_kept, deliveries_retrying, deliveries_pending;
  `);
}
