import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { emptyDatabase } from '../support/postgres';
import { run } from './run-cli';

const KEYS = `k1:${Buffer.alloc(32).toString('base64')}`;
const names = readdirSync(join(__dirname, '..', '..', 'migrations')).map((file) => file.replace(/\.ts$/, '')).sort();

test('migrate makes all tables, says which migrations it ran, and does nothing the second time; --down undoes the newest', async () => {
  const { url, drop } = await emptyDatabase();
  const env = { DATABASE_URL: url, POSTHORN_ENCRYPTION_KEYS: KEYS };
  try {
    expect(await run(['migrate'], { env })).toMatchObject({ code: 0, out: names.map((name) => `done  ${name}`) });
    expect(await run(['migrate'], { env })).toMatchObject({ code: 0, out: ['nothing to do'] });
    expect(await run(['migrate', '--down'], { env })).toMatchObject({ code: 0, out: [`undone  ${names.at(-1)}`] });
    expect(await run(['migrate'], { env })).toMatchObject({ code: 0, out: [`done  ${names.at(-1)}`] });
  } finally {
    await drop();
  }
});

test('a database that can not be reached is told: exit code 3, and no password', async () => {
  const { code, err } = await run(['migrate'], { env: { DATABASE_URL: 'postgres://x:c4nary@127.0.0.1:1/x', POSTHORN_ENCRYPTION_KEYS: KEYS } });
  expect(code).toBe(3);
  expect(err.join()).toMatch(/ECONNREFUSED/);
  expect(err.join()).not.toContain('c4nary');
});
