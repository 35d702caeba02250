import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Settings } from '../src/config';
import { openDb } from '../src/store/db';
import { migrate } from '../src/store/migrate';
import { requireWorkspaceRole } from '../src/store/workspace-role';
import { makeEndpoint, makeWorkspace } from './support/make';
import { administer, emptyDatabase } from './support/postgres';
import { askFor } from './support/servers';
import { SEARCH_ATTRIBUTES } from '../workflows/contract';

const ROOT = join(__dirname, '..');
const page = readFileSync(join(ROOT, 'docs', 'operating.md'), 'utf8');

test('docs/operating.md: what an administrator runs is enough for a user who may make no roles, and without it the migration says so', async () => {
  const server = await askFor('postgres');
  const { url, drop } = await emptyDatabase();
  const user = `u_${randomBytes(6).toString('hex')}`;
  const own = new URL(url);
  Object.assign(own, { username: user, password: 'p' });
  try {
    await administer(server, `create role ${user} login password 'p'`);
    await administer(server, `alter database ${own.pathname.slice(1)} owner to ${user}`);
    await expect(migrate(own.href)).rejects.toThrow(new RegExp(`^The user ${user} may not (create roles|take the role).*Have an administrator run: .*grant posthorn_workspace to ${user};`));

    const statements = /```sql\n([^]*?)```/.exec(page)?.[1]?.trim().split('\n') ?? [];
    expect(statements).toHaveLength(2);
    // The server's other databases have the role already.
    await administer(server, statements[0] ?? '').catch((error: Error) => expect(error.message).toContain('already exists'));
    await administer(server, (statements[1] ?? '').replace(/ posthorn;$/, ` ${user};`));
    expect((await migrate(own.href)).length).toBeGreaterThan(10);
    const db = openDb(own.href, 2);
    try {
      await requireWorkspaceRole(db);
      const [workspaceId, other] = [await makeWorkspace(db), await makeWorkspace(db)];
      await makeEndpoint(db, other);
      expect(await db.within(workspaceId).read((sql) => sql.query({ text: 'select id from endpoints' }))).toEqual([]);
      await administer(server, `revoke posthorn_workspace from ${user}`);
      await expect(requireWorkspaceRole(db)).rejects.toThrow(`grant posthorn_workspace to ${user}`);
    } finally {
      await db.close();
    }
  } finally {
    await drop();
    await administer(server, `drop role if exists ${user}`);
  }
});

test('docs/operating.md names metrics, settings and search attributes that there are, and its links lead somewhere', () => {
  const metrics = readFileSync(join(ROOT, 'src', 'metrics', 'metrics.ts'), 'utf8');
  const named = [...page.matchAll(/\bposthorn_(?!workspace\b)[a-z_]+/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !metrics.includes(`'${name}'`))).toEqual([]);
  const settings = [...page.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, name = '']) => name);
  expect(settings.filter((name) => !Object.hasOwn(Settings.shape, name))).toEqual([]);
  for (const name of Object.values(SEARCH_ATTRIBUTES)) expect(page).toContain(`\`${name}\``);
  const files = [...page.matchAll(/\]\(([\w./-]+)\)|`(test\/[\w./-]+\.ts)`/g)].map(([, link, file]) => (link ? join('docs', link) : file ?? ''));
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
