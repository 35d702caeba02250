import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { countLeft, rekey } from '../../src/commands/rekey';
import { createKeyRing } from '../../src/seal';
import type { Sql } from '../../src/store/db';
import { SEALED_COLUMNS } from '../../src/store/sealed-columns';
import * as places from '../../src/store/sealed-places';
import { secretPlace } from '../../src/store/sealed-places';
import { startApi, type TestApi } from '../support/api';
import { makeEndpoint, makeWorkspace, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { killAll, spawnCli } from '../support/processes';
import { run } from './run-cli';

const key = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const [K1, K2] = [key('k1'), key('k2')];
const [old, both, fresh] = [createKeyRing([K1]), createKeyRing([K2, K1]), createKeyRing([K2])];

afterEach(killAll);

describe('the table of sealed columns', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await freshDatabase()));
  afterAll(() => database.drop());

  it('names columns that there are, by the primary keys that there are', async () => {
    for (const { table, column, key: names } of SEALED_COLUMNS) {
      const columns = await database.db.query<{ name: string }>({ text: 'select column_name as name from information_schema.columns where table_name = $1', values: [table] });
      expect(columns.map(({ name }) => name)).toContain(column);
      const [primary] = await database.db.query<{ names: string[] }>({
        text: `select array(select a.attname::text from unnest(i.indkey) with ordinality k(n, place) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n order by k.place) as names
               from pg_index i where i.indrelid = $1::regclass and i.indisprimary`,
        values: [table],
      });
      expect([table, primary?.names]).toEqual([table, names]);
    }
  });

  it('uses every place that anything is sealed for, and nothing is sealed for a place of its own making', () => {
    const source = readFileSync(join(__dirname, '..', '..', 'src', 'store', 'sealed-columns.ts'), 'utf8');
    const used = source.slice(source.indexOf('SEALED_COLUMNS'));
    for (const name of Object.keys(places)) expect(used).toContain(`${name}(`);
    const made = SEALED_COLUMNS.map(({ placeOf }) => placeOf(['a', 'b'], 'n').split('|')[0]);
    expect(new Set(made).size).toBe(SEALED_COLUMNS.length);
  });
});

describe('after a service has sealed all that it seals', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi({ POSTHORN_ENCRYPTION_KEYS: K1 });
    const { headers } = await api.tenant();
    const ok = async (path: string, body: object, more: Record<string, string> = {}): Promise<{ id: string }> => {
      const reply = await api.call('POST', path, body, { ...headers, ...more });
      expect([path, reply.status]).toEqual([path, 201]);
      return reply.body;
    };
    const { id } = await ok('/v1/endpoints', { url: 'http://127.0.0.1:9/', headers: { 'x-one': 'one', 'x-two': 'two' } }, { 'idempotency-key': 'once' });
    await api.call('POST', `/v1/endpoints/${id}/rotate-secret`, {}, headers);
    await ok('/v1/endpoints', { url: 'https://127.0.0.1:9/', dialect: 'chative', verifyToken: 'token' });
    await ok('/v1/endpoints', { url: 'http://127.0.0.1:9/', auth: { type: 'basic', username: 'u', password: 'p' } });
    await ok('/v1/channels', { kind: 'whatsapp', verifyToken: 'v', appSecret: 's' });
  }, 60_000);
  afterAll(() => api.close());

  /** Every column of every table with how many texts in it look sealed, at any depth. */
  const looksSealed = async (): Promise<Record<string, number>> => {
    const columns = await api.db.query<{ name: string; column: string }>({
      text: `select c.table_name as name, c.column_name as column from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
             where table_schema = 'public' and t.table_type = 'BASE TABLE' and c.data_type in ('text', 'json', 'jsonb', 'ARRAY')`,
    });
    const found: Record<string, number> = {};
    for (const { name, column } of columns) {
      // A sealed text: a key's id, and base64 of an IV and a tag at least.
      const [row] = await api.db.query<{ n: number }>({
        text: `select count(*) as n from "${name}", regexp_matches("${column}"::text, '(?:^|["{,])[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{38,}={0,2}(?:$|["},])', 'g')`,
      });
      if (row && row.n > 0) found[`${name}.${column}`] = row.n;
    }
    return found;
  };

  it('everything in the database that looks sealed is in the table, and everything in the table is there', async () => {
    const found = await looksSealed();
    expect(Object.keys(found).sort()).toEqual(SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort());
    const left = await countLeft(api.db, fresh);
    expect(Object.fromEntries(left.map(({ column, count }) => [column, count]))).toEqual(found);
    expect(new Set(left.map((one) => one.key))).toEqual(new Set(['k1']));
  });

  it('a dry run tells what is left and changes nothing; a run seals it anew, and the old key opens nothing any more', async () => {
    const env = { DATABASE_URL: api.databaseUrl, POSTHORN_ENCRYPTION_KEYS: `${K2},${K1}` };
    const before = await countLeft(api.db, both);
    const total = before.reduce((sum, { count }) => sum + count, 0);
    const rowsBefore = await api.db.query({ text: 'select id, updated_at from endpoints order by id' });

    const dry = await run(['rekey', '--dry-run'], { env });
    expect(dry).toMatchObject({ code: 0, err: [] });
    expect(dry.out).toContain('k1  2  endpoints.headers');
    expect(dry.out.at(-1)).toBe(`${total} texts are sealed with another key than "k2": keep the others in POSTHORN_ENCRYPTION_KEYS.`);
    expect(await countLeft(api.db, both)).toEqual(before);

    const done = await run(['rekey'], { env });
    expect(done.code).toBe(0);
    expect(done.out.at(-1)).toBe('Nothing is sealed with another key than "k2": the others may be removed from POSTHORN_ENCRYPTION_KEYS.');
    expect(await countLeft(api.db, both)).toEqual([]);
    expect(await api.db.query({ text: 'select id, updated_at from endpoints order by id' })).toEqual(rowsBefore);
    expect(JSON.parse((await run(['rekey', '--dry-run', '--json'], { env: { ...env, POSTHORN_ENCRYPTION_KEYS: K2 } })).out.join(''))).toEqual({ activeKey: 'k2', dryRun: true, rows: 0, left: [], failed: [] });

    for (const { table, column, key: names, holds, where = 'true', placeOf } of SEALED_COLUMNS) {
      const rows = await api.db.query<{ key: string[]; text: string }>({ text: `select array[${names.join(', ')}]::text[] as key, ${column}::text as text from ${table} where ${column} is not null and ${where}` });
      for (const row of rows) {
        const texts = holds === 'map' ? Object.entries(JSON.parse(row.text) as Record<string, string>) : [['', row.text] as const];
        for (const [name, text] of texts) {
          expect(fresh.open(text, placeOf(row.key, name))).not.toBe('');
          expect(() => old.open(text, placeOf(row.key, name))).toThrow();
        }
      }
    }
  });
});

describe('sealing anew', () => {
  let database: TestDatabase;
  let endpointId: string;
  beforeEach(async () => {
    database = await freshDatabase();
    endpointId = await makeEndpoint(database.db, await makeWorkspace(database.db));
  });
  afterEach(() => database.drop());

  const secrets = async (count: number, sealedBy = old): Promise<string[]> => {
    const ids = Array.from({ length: count }, () => newId('secret'));
    await database.db.query({
      text: 'insert into endpoint_secrets (id, endpoint_id, sealed, expires_at) select id, $1, sealed, now() from unnest($2::text[], $3::text[]) s(id, sealed)',
      values: [endpointId, ids, ids.map((id) => sealedBy.seal(`secret of ${id}`, secretPlace(id)))],
    });
    return ids;
  };
  const stored = (): Promise<{ id: string; sealed: string }[]> => database.db.query({ text: 'select id, sealed from endpoint_secrets order by id' });

  it('may be killed half way: both keys open what is there, and a second run finishes', async () => {
    const ids = await secrets(450);
    const env = { DATABASE_URL: database.url, POSTHORN_ENCRYPTION_KEYS: `${K2},${K1}` };
    expect(await spawnCli(['rekey'], { ...env, POSTHORN_FAILPOINT: 'after-rekeyed-batch@2' }).end).toBe('SIGKILL');
    expect(await countLeft(database.db, both)).toEqual([{ key: 'k1', column: 'endpoint_secrets.sealed', count: 50 }]);
    for (const { id, sealed } of await stored()) expect(both.open(sealed, secretPlace(id))).toBe(`secret of ${id}`);

    const again = spawnCli(['rekey'], env);
    expect(await again.end).toBe(0);
    expect(again.output()).toContain('50 rows were sealed anew with "k2"');
    const rows = await stored();
    expect(rows.map(({ id }) => id)).toEqual([...ids].sort());
    for (const { id, sealed } of rows) expect(fresh.open(sealed, secretPlace(id))).toBe(`secret of ${id}`);
  });

  it('leaves a row alone that somebody changes between its reading and its writing', async () => {
    const [id = ''] = await secrets(1);
    const changing: Sql = {
      query: async (statement) => {
        if (statement.text.startsWith('update endpoint_secrets')) {
          await database.db.query({ text: 'update endpoint_secrets set sealed = $2 where id = $1', values: [id, both.seal('newer', secretPlace(id))] });
        }
        return database.db.query(statement);
      },
    };
    expect(await rekey(changing, both)).toEqual({ rows: 0, failed: [] });
    expect(both.open((await stored())[0]?.sealed ?? '', secretPlace(id))).toBe('newer');
  });

  it('tells what it can not open, goes on with the rest, and ends with 1', async () => {
    const [lost = ''] = await secrets(1, createKeyRing([key('k0')]));
    const [kept = ''] = await secrets(1);
    const { code, out, err } = await run(['rekey'], { env: { DATABASE_URL: database.url, POSTHORN_ENCRYPTION_KEYS: `${K2},${K1}` } });
    expect(code).toBe(1);
    expect(err).toContain(`endpoint_secrets.sealed of ${lost}: The encryption key "k0" is not among POSTHORN_ENCRYPTION_KEYS; add it back to open what it sealed`);
    expect(out).toEqual(expect.arrayContaining(['1 rows were sealed anew with "k2"', 'k0  1  endpoint_secrets.sealed']));
    const row = (await stored()).find(({ id }) => id === kept);
    expect(fresh.open(row?.sealed ?? '', secretPlace(kept))).toBe(`secret of ${kept}`);
  });
});
