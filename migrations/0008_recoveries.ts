import type { Knex } from 'knex';

/**
 * Jobs that walk through what is there (recover, backfill) instead of doing entries: where they are, and what came of it.
 * Locks: jobs for an instant (new columns without a default rewrite nothing). Reversible: yes, ending such jobs where they are.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The id behind which the job goes on; null where it looks at nothing more, and for what has entries.
    alter table jobs add column cursor text collate "C";
    -- What came of what was looked at, as counts; null until that is counted, and for what has entries.
    alter table jobs add column result json;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from jobs where kind in ('recover', 'backfill');
    alter table jobs drop column cursor, drop column result;
  `);
}
