import ts from 'typescript';
import { BUILT_IN_TYPES } from '../../src/domain/event-catalogue';
import { declareEventTypes, type DeclaredType } from '../../src/domain/type-declarations';

/** What the compiler says of a module with these declarations and this use of them. */
function faultsOf(declarations: string, use = ''): string[] {
  const name = '/declared.ts';
  const text = `${declarations}\n${use}`;
  const options: ts.CompilerOptions = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, exactOptionalPropertyTypes: true, types: [] };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (file, ...rest) => (file === name ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile.call(host, file, ...rest));
  return ts.getPreEmitDiagnostics(ts.createProgram([name], options, host)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

const custom = (type: string, schema: DeclaredType['schema'], description: string | null = null): DeclaredType => ({ type, schema, description });

test('a declaration says what a schema says, and no more', () => {
  expect(declareEventTypes([custom('invoice.paid', {
    type: 'object', required: ['invoice', 'lines'],
    properties: {
      invoice: { type: 'string', description: 'Its number. */ alert(1)' }, amount: { type: ['number', 'null'] }, 'odd key': { const: 1 }, lines: { type: 'array', items: { $ref: '#/$defs/line' } },
      status: { enum: ['open', 'paid'] }, either: { oneOf: [{ type: 'string' }, { type: 'integer' }] }, more: { type: 'object', additionalProperties: { type: 'boolean' } },
      pair: { prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
    },
    $defs: { line: { type: 'object', properties: { text: { type: 'string' }, within: { $ref: '#/$defs/line' } } } },
  }, 'An invoice was paid.')])).toBe(`/* Made from the catalogue of event types. Do not edit: make it anew. */

/** Data of \`invoice.paid\`. An invoice was paid. */
export type InvoicePaid = {
  /** Its number. *\u200b/ alert(1) */
  invoice: string;
  amount?: number | null;
  "odd key"?: 1;
  lines: InvoicePaidLine[];
  status?: "open" | "paid";
  either?: string | number;
  more?: { [key: string]: boolean };
  pair?: [string?, number?];
};

export type InvoicePaidLine = {
  text?: string;
  within?: InvoicePaidLine;
};

/** The \`data\` of each type of event. */
export interface EventData {
  "invoice.paid": InvoicePaid;
}

/** The body of an event in the dialect \`standard\`; \`type\` tells which. */
export type EventBody = { [K in keyof EventData]: { id: string; type: K; timestamp: string; data: EventData[K] } }[keyof EventData];
`);
});

test('what would drive a terminal, or show code in another order than it is read in, stands in no declaration', () => {
  const hostile = 'a\u001b[31m\u009b\u202eb';
  const text = declareEventTypes([custom('a', { properties: { [hostile]: { enum: [hostile, { [hostile]: 1 }], description: hostile } } }, hostile)]);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
  expect(faultsOf(text, `export const one: A = { ${JSON.stringify(hostile)}: ${JSON.stringify(hostile)} };`)).toEqual([]);
});

test('the compiler takes those of all built-in types and of odd ones, takes every example, and refuses what does not fit', () => {
  const odd = [
    custom('a.b', { $ref: '#' }), custom('a_b', true), custom('1', false), custom('---', null, 'two\nlines */'), custom('event.data', { anyOf: [{ $ref: '#/$defs/x' }, { type: 'null' }], $defs: { x: { $ref: '#/$defs/x' } } }),
    custom('knot', { anyOf: [{ properties: { x: { $ref: '#/$defs/b' } } }, { $ref: '#/$defs/b' }], $defs: { b: { anyOf: [{ $ref: '#' }, { type: 'string' }] } } }),
    custom('map', { additionalProperties: { $ref: '#' }, type: 'object' }), custom('list', { type: 'array', items: { enum: ['a', { b: ['\u2028'] }, null] } }), custom('both', { allOf: [{ properties: { a: { type: 'string' } } }, { anyOf: [{ required: ['a'] }, { type: 'object', properties: { b: {} } }] }] }),
    custom('record', { type: 'object', additionalProperties: false }), custom('event.body', null), custom('tree', { properties: { left: { $ref: '#' }, right: { $ref: '#' } } }), custom('ref', { properties: { a: { $ref: '#/properties/b' }, b: { type: 'integer' } } }),
  ];
  const text = declareEventTypes([...BUILT_IN_TYPES, ...odd]);
  expect(declareEventTypes([...odd, ...BUILT_IN_TYPES].reverse())).toBe(text);
  const examples = BUILT_IN_TYPES.map(({ type, example }) => `export const ${type.replace(/\W/g, '_')}: EventData[${JSON.stringify(type)}] = ${JSON.stringify(example)};`).join('\n');
  const told = 'export const f = (body: EventBody): string => body.type === "process:create" ? body.data.object.id : body.id;';
  expect(faultsOf(text, `${examples}\n${told}`)).toEqual([]);
  expect(faultsOf(text, 'export const bad: EventData["process:create"] = { objectKind: "record" };').join()).toContain('is not assignable');
});
