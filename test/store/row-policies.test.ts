import { openDb, type Sql } from '../../src/store/db';
import { WORKSPACE_ROLE } from '../../src/store/workspace-role';
import { makeEndpoint, makeEvents, makeWorkspace, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';

/** What knex keeps of itself: of no workspace, and not for the role. */
const OF_NOBODY: ReadonlySet<string> = new Set(['knex_migrations', 'knex_migrations_lock']);

let database: TestDatabase;
let tables: string[];
let mine: string;
let theirs: string;

beforeAll(async () => {
  database = await freshDatabase();
  tables = (await database.db.query<{ name: string }>({
    text: `select table_name as name from information_schema.tables t where table_schema = 'public' and table_type = 'BASE TABLE'
             and not exists (select from pg_inherits where inhrelid = format('%I', t.table_name)::regclass) order by 1`,
  })).map(({ name }) => name).filter((name) => !OF_NOBODY.has(name));
  mine = await makeWorkspace(database.db);
  theirs = await makeWorkspace(database.db);
  for (const workspaceId of [mine, theirs]) await fill(database.db, workspaceId);
}, 60_000);
afterAll(() => database.drop());

/** One row at least in every table that a workspace has anything in. */
async function fill(sql: Sql, workspaceId: string): Promise<void> {
  const endpointId = await makeEndpoint(sql, workspaceId);
  const [eventId = ''] = await makeEvents(sql, workspaceId, 1);
  const [jobId, deliveryId] = [newId('job'), newId('delivery')];
  const statements: readonly (readonly [text: string, ...values: unknown[]])[] = [
    [`insert into api_keys (id, workspace_id, name, role, hash) values ($1, $2, 'k', 'read', sha256(gen_random_uuid()::text::bytea))`, newId('key'), workspaceId],
    [`insert into idempotency_keys (workspace_id, key, fingerprint, status) values ($1, 'k', '\\x00', 204)`, workspaceId],
    [`insert into audit (id, workspace_id, actor, action, subject_id, detail) values ($1, $2, 'root', 'x.y', 's', '{}')`, newId('audit'), workspaceId],
    [`insert into objects (id, workspace_id, kind, type, attributes) values ($1, $2, 'record', 't', '{}')`, newId('record'), workspaceId],
    [`insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, 'k1:x')`, newId('secret'), endpointId],
    [`insert into rules (id, workspace_id, name, events, endpoint_ids) values ($1, $2, 'r', '{*}', array[$3])`, newId('rule'), workspaceId, endpointId],
    [`insert into plans (event_id, workspace_id, owed) values ($1, $2, 1)`, eventId, workspaceId],
    [`insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way) values ($1, $2, $3, $4, 'PENDING', 'lane')`, eventId, deliveryId, workspaceId, endpointId],
    [`insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until) values ($1, $2, $3, $4, $5, 1, now())`,
      eventId, newId('attempt'), deliveryId, workspaceId, endpointId],
    [`insert into external_ids (workspace_id, external_id, event_id) values ($1, 'x', $2)`, workspaceId, eventId],
    [`insert into files (id, workspace_id, content_type, size, content) values ($1, $2, 'text/plain', 1, 'x')`, newId('file'), workspaceId],
    [`insert into channels (id, workspace_id, kind, verify_token, events) values ($1, $2, 'whatsapp', 'k1:x', '{}')`, newId('channel'), workspaceId],
    [`insert into jobs (id, workspace_id, kind, parameters, total) values ($1, $2, 'bulk_create', '{}', 1)`, jobId, workspaceId],
    [`insert into job_entries (job_id, index) values ($1, 0)`, jobId],
    [`insert into event_types (workspace_id, type, enforce) values ($1, 't', 'off')`, workspaceId],
    [`insert into transformed_bodies (event_id, delivery_id, workspace_id, body) values ($1, $2, $3, '1')`, eventId, deliveryId, workspaceId],
    [`insert into catalogues (workspace_id, revision, is_enforced) values ($1, 1, false)`, workspaceId],
    [`insert into stats (workspace_id, endpoint_id, hour) values ($1, '', now())`, workspaceId],
    [`insert into routing_changes (workspace_id, revision, subject_id) values ($1, 2, 's')`, workspaceId],
  ];
  for (const [text, ...values] of statements) await sql.query({ text, values });
}

const may = async (table: string, right: string): Promise<boolean> =>
  (await database.db.query<{ may: boolean }>({ text: 'select has_table_privilege($1, $2, $3) as may', values: [WORKSPACE_ROLE, table, right] }))[0]?.may === true;
const countOf = async (sql: Sql, table: string): Promise<number> => (await sql.query<{ n: number }>({ text: `select count(*) as n from ${table}` }))[0]?.n ?? -1;
const taken = new Error('taken back');
/** Runs as the role for a workspace, and takes it back. */
const as = async <T>(workspaceId: string, work: (sql: Sql) => Promise<T>): Promise<T> => {
  let result: { readonly value: T } | undefined;
  await database.db.within(workspaceId).transaction(async (trx) => {
    result = { value: await work(trx) };
    throw taken;
  }).catch((error: unknown) => {
    if (error !== taken) throw error;
  });
  if (!result) throw new Error('nothing was answered');
  return result.value;
};

it('every table has a policy; a migration that makes one calls isolate_workspace', async () => {
  const guarded = await database.db.query<{ name: string }>({
    text: `select c.relname as name from pg_class c join pg_policy p on p.polrelid = c.oid
           where c.relrowsecurity and p.polpermissive and p.polroles = array[$1::regrole::oid] and p.polcmd = '*' group by 1 having count(*) = 1`,
    values: [WORKSPACE_ROLE],
  });
  const names = new Set(guarded.map(({ name }) => name));
  expect(tables.filter((name) => !names.has(name))).toEqual([]);
  expect(tables.length).toBeGreaterThan(15);
});

it('every table has a row of each workspace, so that what follows means something', async () => {
  const empty: string[] = [];
  for (const table of tables) if ((await countOf(database.db, table)) < 2) empty.push(table);
  expect(empty).toEqual([]);
});

it('a workspace reads, changes and deletes its own rows alone, in every table', async () => {
  for (const table of tables) {
    const all = await countOf(database.db, table);
    const seen = await as(mine, (sql) => countOf(sql, table));
    expect([table, seen > 0, seen < all]).toEqual([table, true, true]);
    const [column] = await database.db.query<{ name: string }>({
      text: `select column_name as name from information_schema.columns where table_name = $1 and is_generated = 'NEVER' and is_identity = 'NO' order by ordinal_position limit 1`, values: [table],
    });
    const name = column?.name ?? '';
    if (await may(table, 'update')) {
      const changed = await as(mine, (sql) => sql.query({ text: `update ${table} set ${name} = ${name} returning 1` }));
      expect([table, changed.length]).toEqual([table, seen]);
    }
    if (await may(table, 'delete')) {
      // The others' rows are still there when all that can be seen is gone; what refers to the row may hinder it.
      const deleted = await as(mine, async (sql) => {
        const gone = await sql.query({ text: `delete from ${table} returning 1` });
        return gone.length;
      }).catch((error: Error & { code?: string }) => (error.code === '23503' ? seen : Promise.reject(error)));
      expect([table, deleted]).toEqual([table, seen]);
    }
    expect([table, await countOf(database.db, table)]).toEqual([table, all]);
  }
});

it('a row of another workspace can not be inserted, nor an own one given away', async () => {
  for (const table of tables.filter((name) => name !== 'workspaces')) {
    const rows = await database.db.query<{ row: string }>({ text: `select row_to_json(t)::text as row from ${table} t` });
    const ids = await as(theirs, (sql) => sql.query<{ row: string }>({ text: `select row_to_json(t)::text as row from ${table} t` }));
    const row = ids[0]?.row ?? '';
    expect(rows.map((one) => one.row)).toContain(row);
    const columns = (await database.db.query<{ name: string }>({
      text: `select quote_ident(column_name) as name from information_schema.columns where table_name = $1 and is_generated = 'NEVER' and is_identity = 'NO'`, values: [table],
    })).map(({ name }) => name).join(', ');
    const insert = (workspaceId: string): Promise<unknown> =>
      as(workspaceId, (sql) => sql.query({ text: `insert into ${table} (${columns}) select ${columns} from json_populate_record(null::${table}, $1)`, values: [row] }));
    // Refused by the policy before its key is looked at; its own workspace gets as far as the key, or may have it twice.
    await expect(insert(mine).catch((error: Error & { code?: string }) => `${table} ${error.code}`)).resolves.toBe(`${table} 42501`);
    const own = await insert(theirs).then(() => 'inserted', (error: Error & { code?: string }) => error.code);
    expect([table, own]).toEqual([table, (await may(table, 'insert')) ? expect.stringMatching(/^(inserted|23505)$/) : '42501']);
  }
  await expect(as(mine, (sql) => sql.query({ text: 'update endpoints set workspace_id = $1', values: [theirs] }))).rejects.toThrow(/row-level security/);
  await expect(as(mine, (sql) => sql.query({ text: `insert into workspaces (id, name) values ('wsp_x', 'x')` }))).rejects.toThrow(/row-level security/);
});

it('without a workspace nothing is there', async () => {
  for (const table of tables) expect([table, await as('', (sql) => countOf(sql, table))]).toEqual([table, 0]);
  const fresh = openDb(database.url, 1);
  try {
    await expect(fresh.transaction(async (trx) => {
      await trx.query({ text: `set local role ${WORKSPACE_ROLE}` });
      return countOf(trx, 'events');
    })).rejects.toThrow(/posthorn\.workspace/);
  } finally {
    await fresh.close();
  }
});

it('a workspace reaches no partition but through its parent, and no table of knex', async () => {
  const partitions = await database.db.query<{ name: string }>({ text: 'select inhrelid::regclass::text as name from pg_inherits i join pg_class c on c.oid = inhparent where c.relkind = $1', values: ['p'] });
  expect(partitions.length).toBeGreaterThan(30);
  for (const name of [...partitions.map((one) => one.name), ...OF_NOBODY]) {
    await expect(as(mine, (sql) => sql.query({ text: `select from ${name}` }))).rejects.toThrow(/permission denied/);
  }
});

it('reads can not write', async () => {
  await expect(database.db.within(mine).read((sql) => sql.query({ text: 'delete from rules' }))).rejects.toThrow(/read-only/);
});

it('a connection takes no workspace along: 1,000 turns of two workspaces on one, failed ones too, and the owner in between', async () => {
  const one = openDb(database.url, 1);
  try {
    const idsOf = new Map<string, string>();
    for (const workspaceId of [mine, theirs]) {
      const [row] = await one.within(workspaceId).read((sql) => sql.query<{ id: string }>({ text: 'select id from events' }));
      idsOf.set(workspaceId, row?.id ?? '');
    }
    for (let turn = 0; turn < 1_000; turn++) {
      const workspaceId = turn % 2 === 0 ? mine : theirs;
      const own = one.within(workspaceId);
      if (turn % 7 === 0) await expect(own.transaction((trx) => trx.query({ text: 'select 1 / 0' }))).rejects.toThrow(/division/);
      const rows = await (turn % 3 === 0 ? own.transaction : own.read)((sql) => sql.query<{ id: string }>({ name: 'every-event', text: 'select id from events' }));
      expect(rows).toEqual([{ id: idsOf.get(workspaceId) }]);
      if (turn % 5 === 0) {
        const [owner] = await one.query<{ n: number; role: string }>({ name: 'every-event', text: `select count(*) as n, current_setting('role') as role from events` });
        expect(owner).toEqual({ n: 2, role: 'none' });
      }
    }
  } finally {
    await one.close();
  }
});

it('a name that would end the setting is only a name', async () => {
  const nasty = `x', true); reset role; select ('`;
  expect(await as(nasty, (sql) => countOf(sql, 'events'))).toBe(0);
  expect(await as(nasty, async (sql) => (await sql.query<{ now: string }>({ text: `select current_setting('posthorn.workspace') as now` }))[0]?.now)).toBe(nasty);
});

it('what is asked for after the end of a transaction is refused, since it would run as the owner', async () => {
  let kept: Sql | undefined;
  await database.db.within(mine).read((sql) => Promise.resolve(void (kept = sql)));
  await expect(kept?.query({ text: 'select 1' })).rejects.toThrow(/after the end/);
});

it('the audit trail is only added to, whoever asks', async () => {
  await expect(as(mine, (sql) => sql.query({ text: `update audit set actor = 'me'` }))).rejects.toThrow(/permission denied/);
  await expect(as(mine, (sql) => sql.query({ text: 'delete from audit' }))).rejects.toThrow(/permission denied/);
  for (const text of [`update audit set actor = 'me'`, 'delete from audit', 'truncate audit']) {
    await expect(database.db.query({ text })).rejects.toThrow(/audit trail is not changed/);
  }
  const old = `aud_${'0'.repeat(26)}`;
  await database.db.query({ text: `insert into audit (id, workspace_id, actor, action, subject_id, detail) values ($1, $2, 'root', 'x.y', 's', '{}')`, values: [old, mine] });
  await expect(database.db.query({ text: `update audit set actor = 'me' where id = $1`, values: [old] })).rejects.toThrow(/not changed/);
  expect(await database.db.query({ text: 'delete from audit where id = $1 returning id', values: [old] })).toEqual([{ id: old }]);
});
