import type { Knex } from 'knex';

/** What is of one workspace without naming it: it belongs to the row that it refers to. */
const BY_REFERENCE: readonly (readonly [table: string, condition: string])[] = [
  ['workspaces', `id = current_setting('posthorn.workspace')`],
  ['endpoint_secrets', 'exists (select from endpoints e where e.id = endpoint_id)'],
  ['endpoint_health', 'exists (select from endpoints e where e.id = endpoint_id)'],
  ['job_entries', 'exists (select from jobs j where j.id = job_id)'],
];

/**
 * A second wall between workspaces: the role `posthorn_workspace`, which the API takes for a request, sees the rows of the
 * workspace that the transaction's setting `posthorn.workspace` names, and none without it. The tables' owner (workers,
 * migrations, what the API does across workspaces) sees all. A later migration calls `isolate_workspace('a_table')` for each
 * table that it makes. Partitions have neither rights nor policies: the role reaches them through their parents alone.
 * Locks: each table exclusively, for an instant. Reversible: yes; the role stays, since other databases of the cluster use it.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    do $do$
    declare
      before text := current_setting('role');
      may_take boolean := false;
    begin
      if not exists (select from pg_roles where rolname = 'posthorn_workspace') then
        begin
          create role posthorn_workspace nologin;
        exception
          when duplicate_object or unique_violation then null; -- another database of the cluster made it at the same time
          when insufficient_privilege then
            raise exception 'The user % may not create roles. Have an administrator run: create role posthorn_workspace nologin; grant posthorn_workspace to %;',
              current_user, quote_ident(current_user);
        end;
      end if;

      for try in 1..20 loop
        begin
          perform from pg_roles where rolname = 'posthorn_workspace'; -- hears of a role that another made meanwhile
          set local role posthorn_workspace;
          perform set_config('role', before, true);
          may_take := true;
        exception
          when insufficient_privilege then null;
          when invalid_parameter_value or undefined_object then
            perform pg_sleep(0.05);
            continue;
        end;
        exit when may_take;
        begin
          execute format('grant posthorn_workspace to %I', current_user);
        exception
          when insufficient_privilege then
            raise exception 'The user % may not take the role posthorn_workspace. Have an administrator run: grant posthorn_workspace to %;',
              current_user, quote_ident(current_user);
          when unique_violation or internal_error then perform pg_sleep(0.05); -- granted at the same time elsewhere
        end;
      end loop;
      if not may_take then
        raise exception 'The role posthorn_workspace was made or granted by others all the time. Run the migration again.';
      end if;
    end $do$;

    -- Shuts a table to the role, but for the rows for which the condition holds.
    create function isolate_workspace(
      target regclass,
      condition text default $c$workspace_id = current_setting('posthorn.workspace')$c$,
      rights text default 'select, insert, update, delete'
    ) returns void language plpgsql as $$
    begin
      execute format('alter table %s enable row level security', target);
      execute format('create policy own_workspace on %s to posthorn_workspace using (%s) with check (%s)', target, condition, condition);
      execute format('grant %s on %s to posthorn_workspace', rights, target);
    end $$;

    -- What the trail tells is added, never changed.
    select isolate_workspace('audit', rights => 'select, insert');
  `);
  await knex.raw(`
    select isolate_workspace(c.oid) from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attname = 'workspace_id' and not a.attisdropped and not c.relrowsecurity
  `);
  for (const [table, condition] of BY_REFERENCE) await knex.raw('select isolate_workspace(?, ?)', [table, condition]);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    do $do$
    declare
      target regclass;
    begin
      for target in select polrelid from pg_policy where polname = 'own_workspace' loop
        execute format('drop policy own_workspace on %s', target);
        execute format('alter table %s disable row level security', target);
        execute format('revoke all on %s from posthorn_workspace', target);
      end loop;
    end $do$;
    drop function isolate_workspace(regclass, text, text);
  `);
}
