import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeEndpoint, makeWorkspace, newId } from './support/make';
import { freshDatabase } from './support/postgres';
import { Settings } from '../src/config';
import { SEARCH_ATTRIBUTES } from '../workflows/contract';

const ROOT = join(__dirname, '..');
const page = readFileSync(join(ROOT, 'docs', 'operating.md'), 'utf8');

test('docs/operating.md: the statement that tells which keys are in use counts all that is sealed', async () => {
  const database = await freshDatabase();
  try {
    const endpointId = await makeEndpoint(database.db, await makeWorkspace(database.db));
    await database.db.query({ text: 'insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, $3)', values: [newId('secret'), endpointId, 'k1:AAAA'] });
    await database.db.query({ text: `update endpoints set headers = '{"x-a": "k2:AAAA"}', verify_token = 'k3:AAAA' where id = $1`, values: [endpointId] });
    const statement = /```sql\n([^]*?)```/.exec(page)?.[1] ?? '';
    expect(await database.db.query({ text: statement })).toEqual(expect.arrayContaining([
      { what: 'endpoint secrets', key: 'k1', count: 1 }, { what: 'headers', key: 'k2', count: 1 }, { what: 'verify tokens', key: 'k3', count: 1 },
    ]));
  } finally {
    await database.drop();
  }
});

test('docs/operating.md names metrics, settings and search attributes that there are, and its links lead somewhere', () => {
  const metrics = readFileSync(join(ROOT, 'src', 'metrics', 'metrics.ts'), 'utf8');
  const named = [...page.matchAll(/\bposthorn_[a-z_]+/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !metrics.includes(`'${name}'`))).toEqual([]);
  const settings = [...page.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, name = '']) => name);
  expect(settings.filter((name) => !Object.hasOwn(Settings.shape, name))).toEqual([]);
  for (const name of Object.values(SEARCH_ATTRIBUTES)) expect(page).toContain(`\`${name}\``);
  const files = [...page.matchAll(/\]\(([\w./-]+)\)|`(test\/[\w./-]+\.ts)`/g)].map(([, link, file]) => (link ? join('docs', link) : file ?? ''));
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
