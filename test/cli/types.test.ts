import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { BUILT_IN_TYPES } from '../../src/domain/event-catalogue';
import { startApi, type TestApi } from '../support/api';
import { snippet } from '../support/snippets';
import { type Ran, run } from './run-cli';

const ROOT = join(__dirname, '..', '..');
const KIT = join(ROOT, 'src', 'receiver');
/** More than a page of the API has, even of the largest. */
const MANY = 251;

let folder: string;
let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  folder = mkdtempSync(join(tmpdir(), 'posthorn-generate-'));
  mkdirSync(join(folder, 'src'));
  const installed = join(folder, 'node_modules', 'posthorn');
  cpSync(KIT, join(installed, 'receiver'), { recursive: true });
  writeFileSync(join(installed, 'package.json'), '{ "name": "posthorn", "exports": { "./receiver": "./receiver/index.ts" } }');
  cpSync(KIT, join(folder, 'src', 'receiver'), { recursive: true });
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const generate = (args: readonly string[]): Promise<Ran> => run(args, { env: { POSTHORN_URL: api.url, POSTHORN_KEY: api.rootKey } });

/** The lines, from 0, of a receiver in which the compiler finds mistakes; -1: in another file. */
function mistakes(use: readonly string[], files: readonly string[] = []): number[] {
  const file = join(folder, 'src', 'receive.ts');
  writeFileSync(file, use.join('\n'));
  const program = ts.createProgram([file, ...files], {
    strict: true, noEmit: true, exactOptionalPropertyTypes: true, target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16,
    skipLibCheck: true, lib: ['lib.es2023.d.ts'], types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')],
  });
  const lines = ts.getPreEmitDiagnostics(program).map(({ file: at, start = 0 }) => (at?.fileName === file ? at.getLineAndCharacterOfPosition(start).line : -1));
  return [...new Set(lines)];
}

const receiver = (module: string): string[] => [
  `import { fetchReceiver, type ChakraBody } from '${module}';`,
  "export const receive = fetchReceiver({ dialect: 'standard', secrets: 's' }, ({ body }) => {",
  "  if (body.type === 'invoice.paid') body.data.amount.toFixed(2);",
  "  if (body.type === 'invoice.paid') body.data.lost;",
  "  if (body.type === 'invoice.lost') return;",
  "  if (body.type === 'chakra.body') body.data.mine.trim();",
  "  if (body.type === 'process:create') body.data.objectId.trim();",
  '});',
  "export const ofChakra = (body: ChakraBody): number => (body.type === 'invoice.paid' ? body.data.amount : 0);",
];

test('where nothing of one’s own is in the catalogue, what Posthorn makes is declared, and the receiver is left alone', async () => {
  const { code, out } = await generate(['types', 'generate', '--json']);
  const { types, own, declarations } = JSON.parse(out[0] ?? '') as { types: number; own: number; declarations: string };
  expect({ code, types, own }).toEqual({ code: 0, types: BUILT_IN_TYPES.length, own: 0 });
  expect(declarations).not.toContain('declare module');
});

describe('with types of one’s own', () => {
  beforeAll(async () => {
    const put = async (type: string, properties: object): Promise<void> => {
      const reply = await api.call('PUT', `/v1/event-types/${type}`, { schema: { type: 'object', required: Object.keys(properties), properties } });
      if (reply.status !== 201) throw new Error(reply.text);
    };
    await put('invoice.paid', { amount: { type: 'number' } });
    // By its name it might be taken for what the receiver exports.
    await put('chakra.body', { mine: { type: 'string' } });
    await api.db.query({
      text: `insert into event_types select many.* from event_types one, generate_series(3, $1::int) n,
        jsonb_populate_record(one, jsonb_build_object('type', 'many.' || n)) many where one.type = 'invoice.paid'`,
      values: [MANY],
    });
  });

  test('the receiver that is installed knows what the command of docs/receiving.md has declared', async () => {
    const [name, ...args] = snippet('docs/receiving.md', 'generate').trim().split(' ');
    const file = join(folder, args.at(-1) ?? '');
    expect(name).toBe('posthorn');
    expect(await generate([...args.slice(0, -1), file])).toEqual({
      code: 0, err: [], out: [`${file} declares ${BUILT_IN_TYPES.length + MANY} types of event, ${MANY} of them your own`],
    });
    expect(mistakes(receiver('posthorn/receiver'), [file])).toEqual([3, 4]);
  });

  test('a copy of the receiver does, too, and without one the declarations stand alone', async () => {
    const file = join(folder, 'src', 'of-copy.ts');
    await generate(['types', 'generate', '--out', file, '--receiver', './receiver']);
    const alone = await generate(['types', 'generate', '--receiver', 'none']);
    expect(readFileSync(file, 'utf8').startsWith(`${alone.out.join('\n')}\n`)).toBe(true);
    writeFileSync(join(folder, 'src', 'alone.ts'), alone.out.join('\n'));
    expect(mistakes([
      ...receiver('./receiver'),
      "import type { EventBody } from './alone';",
      "export const paid = (body: EventBody): number => (body.type === 'invoice.paid' ? body.data.amount : 0);",
    ], [file])).toEqual([3, 4]);
  });

  test.each([
    [['--out', ''], /--out must be the name of a file/],
    [['--receiver', ''], /--receiver must be the name of a module, or none/],
    [['--out', join(tmpdir(), 'no-such-folder', 'x.ts')], /--out can not be written: .*ENOENT/],
  ])('%j is refused with what is wrong', async (args, message) => {
    const ran = await generate(['types', 'generate', ...args]);
    expect(ran).toMatchObject({ code: 2, out: [] });
    expect(ran.err[0]).toMatch(message);
  });
});
