import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rows, testsOf } from './support/promises';

const ROOT = join(__dirname, '..');
/** Rows that must be there: every invariant, every fault of our own parts, every kind of receiver. */
const NEEDED = Object.entries({ I: 11, F: 32, E: 21 }).flatMap(([letter, count]) => Array.from({ length: count }, (_, n) => `${letter}${n + 1}`));

test.each(rows().map((row) => [row.id, row] as const))('%s names tests that exist, in the tier that runs them', (_, row) => {
  expect(row.tests.length).toBeGreaterThan(0);
  for (const { file, title } of testsOf(row)) {
    expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
    expect(readFileSync(join(ROOT, file), 'utf8').includes(title) ? title : `${file} has no test "${title}"`).toBe(title);
  }
  // What is promised of every change is in the tier that every change runs.
  if (row.tier === 'P') expect(testsOf(row).map(({ file }) => file)).toContainEqual(expect.stringMatching(/\.test\.ts$/));
});

test('no promise is without a row, and none has two', () => {
  const ids = rows().map(({ id }) => id);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  expect(NEEDED.filter((id) => !ids.includes(id))).toEqual([]);
});

test('RELIABILITY.md has every promise, and names no machine', () => {
  const page = readFileSync(join(ROOT, 'RELIABILITY.md'), 'utf8');
  for (const { id, promise } of rows()) expect(page).toContain(`| ${id} | ${promise} |`);
  expect(page).not.toMatch(/\/(home|root|tmp|Users|work)\//);
  expect(page).not.toContain('**failed**');
});
