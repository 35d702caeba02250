import { Client } from 'pg';
import { migrate } from '../../src/store/migrate';
import { emptyDatabase, freshDatabase, type TestDatabase } from '../support/postgres';

/** Every column, index, constraint, function, trigger and policy, as PostgreSQL writes them. */
const SCHEMA = `
  select 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') as line
    from information_schema.columns where table_schema = 'public'
  union all select 'index ' || indexdef from pg_indexes where schemaname = 'public'
  union all select 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
  union all select 'function ' || pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
  union all select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'public'::regnamespace and not t.tgisinternal
  union all select 'policy ' || tablename || ' ' || policyname || ' ' || roles::text || ' ' || qual || ' ' || with_check from pg_policies where schemaname = 'public'
  union all select 'grant ' || table_name || ' ' || privilege_type from information_schema.role_table_grants where grantee = 'posthorn_workspace'
  order by line`;

const linesOf = async (url: string, text: string): Promise<string[]> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ line: string }>(text)).rows.map(({ line }) => line);
  } finally {
    await client.end();
  }
};
/** The schema, with weeks by their order: one may begin between two migrations. */
const schemaOf = async (url: string): Promise<string[]> => {
  const lines = await linesOf(url, SCHEMA);
  const weeks = [...new Set(lines.flatMap((line) => line.match(WEEK) ?? []))].sort();
  return lines.map((line) => line.replace(WEEK, (week) => `_week${weeks.indexOf(week)}`));
};
const WEEK = /_\d{8}(?!\d)/g;
const withoutKnex = (lines: readonly string[]): string[] => lines.filter((line) => !line.includes('knex_migrations'));

describe('The schema', () => {
  let database: TestDatabase;
  let empty: Awaited<ReturnType<typeof emptyDatabase>>;
  beforeAll(async () => {
    database = await freshDatabase();
    empty = await emptyDatabase();
  });
  afterAll(async () => {
    await database.drop();
    await empty.drop();
  });

  it('has partitions for this week and the eight that follow', async () => {
    for (const parent of ['events', 'plans', 'deliveries', 'attempts', 'transformed_bodies']) {
      const rows = await database.db.query<{ name: string }>({
        text: 'select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass',
        values: [parent],
      });
      expect(rows.length).toBeGreaterThanOrEqual(9);
    }
  });

  it('is made once by eight that migrate at the same time', async () => {
    const done = await Promise.all(Array.from({ length: 8 }, () => migrate(empty.url)));
    const ran = done.filter((names) => names.length > 0);
    expect(ran).toHaveLength(1);
    expect(ran[0]?.[0]).toBe('0001_workspaces');
    expect(await schemaOf(empty.url)).toEqual(await schemaOf(database.url));
  });

  it('goes down to nothing, one migration at a time, and up again to the same', async () => {
    const all = (await linesOf(database.url, 'select name as line from knex_migrations order by id')).reverse();
    for (const name of all) expect(await migrate(database.url, 'down')).toEqual([name]);
    expect(await migrate(database.url, 'down')).toEqual([]);
    expect(withoutKnex(await linesOf(database.url, SCHEMA))).toEqual([]);

    expect(await migrate(database.url)).toEqual([...all].reverse());
    expect(await migrate(database.url)).toEqual([]);
    await migrate(empty.url);
    expect(await schemaOf(database.url)).toEqual(await schemaOf(empty.url));
  });

  it('is migrated where a process was killed with the lock of knex', async () => {
    await migrate(empty.url);
    await migrate(empty.url, 'down');
    await linesOf(empty.url, 'update knex_migrations_lock set is_locked = 1 returning index::text as line');
    expect(await migrate(empty.url)).toHaveLength(1);
  });
});
