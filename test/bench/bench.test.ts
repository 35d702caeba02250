import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { processesWith } from '../support/processes';
import { askFor } from '../support/servers';

/** Two thousandths of each case: that the bench works, and nothing of the service. */
const SCALE = '0.002';

interface Results {
  readonly scale: number;
  readonly limitPerSecond: number;
  readonly cases: readonly { readonly name: string; readonly faults: readonly string[]; readonly figures: readonly { readonly figure: string; readonly value: number | null }[] }[];
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the bench on the run's servers, in a database and a namespace of its own. Its `main`: run.mjs would build. */
async function bench(words: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const harness = pathToFileURL(join(__dirname, 'harness.mjs')).href;
  const script = 'import(process.argv[1]).then(({ main }) => main(process.argv.slice(2))).then((code) => process.exit(code))';
  const child = spawn(process.execPath, ['-e', script, harness, ...words], {
    env: {
      PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'], BENCH_SCALE: SCALE, BENCH_RESULTS: join(folder, 'results.json'),
      DATABASE_URL: await askFor('postgres'), TEMPORAL_ADDRESS: await askFor('temporal'), POSTHORN_BENCH_TEST: folder,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

test('the bench measures, finds nothing wrong, and leaves no process behind', async () => {
  const { code, out, err } = await bench(['burst', 'isolation']);
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('Measuring isolation') });
  expect(out).toContain('Every event arrived once at each endpoint, signed and unchanged.');
  expect(out).toMatch(/^burst +acknowledged +[\d,.]+ \/s/m);

  const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as Results;
  expect(results.scale).toBe(Number(SCALE));
  expect(results.limitPerSecond).toBeGreaterThan(0);
  expect(results.cases.map(({ name, faults }) => ({ name, faults }))).toEqual(['limit', 'burst', 'isolation'].map((name) => ({ name, faults: [] })));
  for (const { figure, value } of results.cases.flatMap(({ figures }) => figures)) expect([figure, value]).toEqual([figure, expect.any(Number)]);
  expect(processesWith(folder)).toEqual([]);
}, 300_000);

test.each([
  [['bursts'], 'There is no bursts; there are all, limit, burst,'], [['--profiles'], 'There is no --profiles'],
] as const)('the bench does not understand %j, and says what it does', async (words, message) => {
  const { code, out, err } = await bench(words);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(message);
});

test('the README tells of every case', () => {
  const readme = readFileSync(join(__dirname, 'README.md'), 'utf8');
  const cases = readdirSync(join(__dirname, 'cases')).map((file) => file.replace('.mjs', ''));
  expect(cases.filter((name) => !readme.includes(`\n| \`${name}\` |`))).toEqual([]);
});
