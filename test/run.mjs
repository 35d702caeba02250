/**
 * `npm test`: installs and builds what is missing, sees to it that there is a Temporal to test against, and runs jest with the
 * arguments it was given; `--long` asks the long tier for all it has. What the tests showed is kept for `npm run reliability`.
 * The last line says how many tests passed and failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from '../src/prepare.mjs';
import { keepEvidence } from './evidence.mjs';

const say = (line) => process.stderr.write(`${line}\n`);

prepare(say, { withDev: true });
const { findTemporalCli } = await import(pathToFileURL(join(root, 'dist', 'src', 'embedded', 'temporal-cli.js')).href);
const cli = await findTemporalCli({ path: process.env.TEMPORAL_CLI, progress: say }).catch((error) => {
  say(`${error.message}\nThe tests that need Temporal will fail.`);
  return undefined;
});

const folder = mkdtempSync(join(tmpdir(), 'posthorn-results-'));
const results = join(folder, 'results.json');
const args = process.argv.slice(2).filter((arg) => arg !== '--long');
const isLong = args.length < process.argv.length - 2;
const jest = spawn(process.execPath, [
  join(root, 'node_modules', 'jest', 'bin', 'jest.js'), '--json', `--outputFile=${results}`, '--testLocationInResults=false', ...args,
], {
  cwd: root, stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, ...(cli && { TEMPORAL_CLI: cli }), ...(isLong && { POSTHORN_LONG: '1' }), POSTHORN_FIGURES: folder },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal));

jest.on('exit', (code) => {
  const { numPassedTests: passed = 0, numFailedTests = 0, numRuntimeErrorTestSuites: broken = 0, testResults = [] } = read(results);
  keepEvidence(testResults, folder);
  rmSync(folder, { recursive: true, force: true });
  // A file that could not be run counts as one that failed.
  const failed = numFailedTests + broken;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = code ?? 1;
});

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // Jest ended before it could write them.
    return { numRuntimeErrorTestSuites: 1 };
  }
}
