import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi, type TestApi } from '../support/api';
import { findSchemathesis } from './install';

/** Requests that are made up for each operation, beside those that its document calls for; CONTRIBUTING.md says when there are more. */
const EXAMPLES = Number(process.env['POSTHORN_SCHEMATHESIS_EXAMPLES'] ?? 10);
/** The same requests each time, so that a change is judged by what it changes. Others are found by another seed. */
const SEED = process.env['POSTHORN_SEED'] || '1';
const PATIENCE_MS = 2_400_000;

let api: TestApi;
let python: string;
let folder: string;
beforeAll(async () => {
  python = findSchemathesis();
  folder = await mkdtemp(join(tmpdir(), 'posthorn-schemathesis-'));
  api = await startApi();
}, PATIENCE_MS);
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

test(`The API keeps to its OpenAPI document in ${EXAMPLES} made-up requests of each operation, and in chains of them`, async () => {
  const { workspaceId } = await api.tenant();
  const { code, output } = await run([
    '-m', 'schemathesis.cli', '--config-file', join(__dirname, 'schemathesis.toml'), 'run', `${api.url}/openapi.json`,
    '--max-examples', String(EXAMPLES), '--checks', 'all', '--no-color', '--seed', SEED,
  ], { POSTHORN_WORKSPACE: workspaceId, POSTHORN_KEY: api.rootKey });
  if (code !== 0) throw new Error(`Schemathesis found mistakes:\n${output}`);
  expect(output).toMatch(/[1-9]\d{3,} generated/);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}, PATIENCE_MS);

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, {
      cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: folder, PYTHONPATH: __dirname, PYTHONDONTWRITEBYTECODE: '1', ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('exit', (code) => resolve({ code, output }));
  });
}
