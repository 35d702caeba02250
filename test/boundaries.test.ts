import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '..');
/** Composition roots: they put the parts together, so they may import any of them. */
const ROOTS = new Set([
  'src/cli', 'src/cli.ts', 'src/serve.ts', 'src/work.ts', 'src/create-deps.ts', 'src/supervise.ts', 'src/welcome.ts', 'src/bundle.ts', 'src/embedded', 'src/console',
]);

interface Import {
  readonly specifier: string;
  readonly isType: boolean;
}

/** A row of the table: what may be imported as a value, and what as a type alone. */
interface Row {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

const table = readTable(readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8'));
const files = ['src', 'workflows', 'activities', 'migrations'].flatMap(filesBelow).sort();

test('the table of CONTRIBUTING.md has a row for every file that is no composition root', () => {
  const without = files.filter((file) => layerOf(file) === null);
  expect(without).toEqual([]);
});

test('every import of every file is one that the table allows', () => {
  const slips = files.flatMap((file) => {
    const layer = layerOf(file);
    if (layer === null || ROOTS.has(layer)) return [];
    return importsOf(file)
      .filter((found) => !isAllowed(layer, file, found))
      .map(({ specifier, isType }) => `${file} may not import ${isType ? 'type ' : ''}'${specifier}': see the row of ${layer}`);
  });
  expect(slips).toEqual([]);
});

test('the rows name layers that exist, or packages that package.json names', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const strangers = [...table.values()].flatMap(({ values, types }) => [...values, ...types])
    .filter((name) => name !== 'node:*' && !table.has(name) && !Object.hasOwn(dependencies, name));
  expect(strangers).toEqual([]);
});

test('the layers have no cycle', () => {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (layer: string, path: readonly string[]): void => {
    if (path.includes(layer)) cycles.push([...path.slice(path.indexOf(layer)), layer].join(' -> '));
    if (path.includes(layer) || done.has(layer)) return;
    for (const next of table.get(layer)?.values ?? []) if (table.has(next)) visit(next, [...path, layer]);
    done.add(layer);
  };
  for (const layer of table.keys()) visit(layer, []);
  expect(cycles).toEqual([]);
});

test('an import that crosses a boundary is found, by value, by type and by require', () => {
  const found = parseImports('x.ts', [
    "import { a } from './a';", "import type { b } from '../store/b';", "import { type c } from 'pg';",
    "export { d } from './d';", "const e = require('./e') as typeof import('./f');", "const g = import('./g');",
  ].join('\n'));
  expect(found).toEqual([
    { specifier: './a', isType: false }, { specifier: '../store/b', isType: true }, { specifier: 'pg', isType: true },
    { specifier: './d', isType: false }, { specifier: './e', isType: false }, { specifier: './f', isType: true },
    { specifier: './g', isType: false },
  ]);
  expect(isAllowed('src/domain', 'src/domain/rule.ts', { specifier: '../store/db', isType: true })).toBe(false);
  expect(isAllowed('src/domain', 'src/domain/rule.ts', { specifier: './event', isType: false })).toBe(true);
  expect(isAllowed('workflows', 'workflows/deliver.ts', { specifier: '../activities', isType: false })).toBe(false);
  expect(isAllowed('workflows', 'workflows/deliver.ts', { specifier: '../activities', isType: true })).toBe(true);
});

function readTable(markdown: string): Map<string, Row> {
  const part = /<!-- imports -->([^]*?)<!-- \/imports -->/.exec(markdown)?.[1] ?? '';
  const rows = part.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(rows.map((line) => {
    const [, layer = '', allowed = ''] = line.split('|');
    const names = [...allowed.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    return [layer.replaceAll('`', '').trim(), {
      values: names.filter((name) => !name.startsWith('type ')),
      types: names.filter((name) => name.startsWith('type ')).map((name) => name.slice('type '.length)),
    }] as const;
  }));
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** The layer that a file belongs to: the longest name that is the file or a folder above it; null where there is none. */
function layerOf(file: string): string | null {
  const names = [...table.keys(), ...ROOTS].filter((name) => file === name || file.startsWith(`${name}/`));
  return names.sort((a, b) => b.length - a.length)[0] ?? null;
}

function importsOf(file: string): Import[] {
  return parseImports(file, readFileSync(join(ROOT, file), 'utf8'));
}

function parseImports(file: string, text: string): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const read = readImport(node);
    if (read) found.push(read);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

function readImport(node: ts.Node): Import | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, isType: isTypeClause(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, isType: node.isTypeOnly };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, isType: true };
  }
  const argument = ts.isCallExpression(node) && isLoad(node.expression) ? node.arguments[0] : undefined;
  return argument && ts.isStringLiteral(argument) ? { specifier: argument.text, isType: false } : null;
}

const isLoad = (called: ts.Expression): boolean =>
  called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require')
  || (ts.isPropertyAccessExpression(called) && called.getText() === 'require.resolve');

function isTypeClause(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  return !clause.name && named !== undefined && ts.isNamedImports(named) && named.elements.every((element) => element.isTypeOnly);
}

function isAllowed(layer: string, file: string, { specifier, isType }: Import): boolean {
  const row = table.get(layer);
  const allowed = [...(row?.values ?? []), ...(isType ? (row?.types ?? []) : [])];
  if (!specifier.startsWith('.')) {
    return isBuiltin(specifier) ? allowed.includes('node:*') : allowed.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  }
  const target = relative(ROOT, join(ROOT, dirname(file), specifier));
  const targetLayer = layerOf(`${target}.ts`) ?? layerOf(target);
  return targetLayer !== null && (targetLayer === layer || allowed.includes(targetLayer));
}
