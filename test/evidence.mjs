/** What the last runs of the tests have shown: one file for each test file, in `.evidence/`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../src/prepare.mjs';

const FOLDER = join(root, '.evidence');

/** Keeps what jest says of each test file, and the figures that its tests have told into `folder`. Earlier runs of the same files are forgotten. */
export function keepEvidence(testResults, folder) {
  const figures = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)).map((line) => JSON.parse(line));
  mkdirSync(FOLDER, { recursive: true });
  for (const { name, assertionResults, endTime } of testResults) {
    const file = relative(root, name).replaceAll('\\', '/');
    const tests = assertionResults.filter(({ status }) => status === 'passed' || status === 'failed').map(({ title, fullName, status }) => ({
      title, status, figures: figures.filter((one) => one.file === file && one.test === fullName).map(({ name: what, value }) => [what, value]),
    }));
    // A run of some tests of a file says nothing of the others.
    if (tests.length === 0) continue;
    const known = readEvidence(file)?.tests.filter(({ title }) => !tests.some((test) => test.title === title)) ?? [];
    const titles = new Set(assertionResults.map(({ title }) => title));
    const evidence = { file, at: new Date(endTime).toISOString(), tests: [...known.filter(({ title }) => titles.has(title)), ...tests] };
    writeFileSync(pathOf(file), `${JSON.stringify(evidence, null, 1)}\n`);
  }
}

/** What is known of a test file; null: nothing. */
export function readEvidence(file) {
  try {
    return JSON.parse(readFileSync(pathOf(file), 'utf8'));
  } catch {
    return null;
  }
}

const pathOf = (file) => join(FOLDER, `${file.replaceAll('/', '__')}.json`);
