import type { Knex } from 'knex';

/**
 * The audit trail is added to and never changed, whoever asks: its lines go after a year (`AUDIT_DAYS`), as a whole, by the
 * housekeeper. Only the tables' owner could take the trigger away.
 * Locks: audit exclusively, for an instant. Reversible: yes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function refuse_audit_change() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' then
        if old.id < id_floor('aud', now() - interval '365 days') then
          return old;
        end if;
      end if;
      raise exception 'The audit trail is not changed: % of % is refused', lower(tg_op), tg_table_name using errcode = 'insufficient_privilege';
    end $$;
    create trigger audit_is_append_only before update or delete on audit for each row execute function refuse_audit_change();
    create trigger audit_is_not_emptied before truncate on audit for each statement execute function refuse_audit_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger audit_is_not_emptied on audit;
    drop trigger audit_is_append_only on audit;
    drop function refuse_audit_change();
  `);
}
