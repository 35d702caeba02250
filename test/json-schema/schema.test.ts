import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Json } from '../../src/domain/json';
import { sampleOf } from '../../src/json-schema/sample';
import { readSchema, type Schema } from '../../src/json-schema/schema';

type Group = readonly [about: string, schema: Json, tests: readonly (readonly [about: string, data: Json, isValid: boolean])[]];

/** The tests of json-schema-org/JSON-Schema-Test-Suite (MIT, Copyright (c) 2012 Julian Berman), draft 2020-12, but for `$dynamicRef` and remote schemas. */
const suite = JSON.parse(readFileSync(join(__dirname, 'suite-2020-12.json'), 'utf8')) as Record<string, readonly Group[]>;

const schemaOf = (schema: Json): Schema => {
  const read = readSchema(schema);
  if ('mistakes' in read) throw new Error(JSON.stringify(read.mistakes));
  return read.schema;
};
const refusal = (schema: Json) => {
  const read = readSchema(schema);
  return 'mistakes' in read ? read.mistakes.map(({ path, message }) => `${path}: ${message}`) : [];
};
const mistakes = (schema: Json, value: Json): string[] => schemaOf(schema).mistakes(value, 'data').map(({ path, message }) => `${path} ${message}`);

test('every test of the official suite is answered as it says, but for schemas that it puts elsewhere, which are refused', () => {
  const wrong: string[] = [];
  let [answered, refused] = [0, 0];
  for (const [file, groups] of Object.entries(suite)) {
    for (const [about, schema, tests] of groups) {
      const read = readSchema(schema);
      if ('mistakes' in read) {
        refused += 1;
        const isExpected = read.mistakes.every(({ path, message }) => /\$(id|ref|dynamicRef|dynamicAnchor)$/.test(path) || message.includes('\\p{Letter}'));
        if (!isExpected) wrong.push(`${file}: ${about} was refused: ${JSON.stringify(read.mistakes)}`);
        continue;
      }
      for (const [what, data, isValid] of tests) {
        answered += 1;
        if ((read.schema.mistakes(data, '').length === 0) !== isValid) wrong.push(`${file}: ${about}: ${what}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(answered).toBeGreaterThan(1_000);
  expect(refused).toBeLessThan(30);
});

test('each mistake is told with its path, in words', () => {
  const schema = {
    type: 'object', required: ['id', 'lines'], additionalProperties: false,
    properties: { id: { type: 'string', pattern: '^in_[0-9]+$' }, amount: { type: 'integer', minimum: 0 }, lines: { type: 'array', minItems: 1, items: { enum: ['a', 'b'] } } },
  };
  expect(mistakes(schema, { id: 'x', amount: -1.5, lines: ['a', 'c'], when: 1 })).toEqual([
    'data.id must match the pattern ^in_[0-9]+$', 'data.amount must be a whole number', 'data.amount must be at least 0',
    'data.lines.1 must be one of "a", "b"', 'data.when is not known here; known are id, amount, lines',
  ]);
  expect(mistakes(schema, [])).toEqual(['data must be an object']);
  expect(mistakes(schema, {})).toEqual(['data.id must be given', 'data.lines must be given']);
});

test('a schema that is none is refused with every mistake and its path', () => {
  expect(refusal({
    type: 'text', properties: { a: 1, b: { minLength: -1 }, c: { pattern: '(?=x)y' }, d: { pattern: '(a)\\1' }, e: { $ref: 'https://example.com/s' }, f: { $ref: '#/nowhere' } },
    items: [{}], $schema: 'http://json-schema.org/draft-07/schema#', $dynamicRef: '#x', required: 'a', enum: 1,
  }).map((line) => line.split(':')[0]).sort()).toEqual([
    '$dynamicRef', '$schema', 'type', 'enum', 'required', 'properties.b.minLength', 'properties.c.pattern', 'properties.d.pattern', 'properties.e.$ref', 'properties.f.$ref',
    'properties.a', 'items',
  ].sort());
  expect(refusal({ $ref: 'https://example.com/s' })).toEqual(['$ref: must begin with "#": schemas elsewhere are not read']);
  expect(refusal({ description: 'x'.repeat(70_000) })).toEqual([': may have at most 65536 characters as JSON']);
  expect(refusal({ allOf: Array.from({ length: 6_000 }, () => ({})) })[0]).toContain('one schema too many');
  expect(refusal({ pattern: 'x'.repeat(501) })).toEqual(['pattern: may have at most 500 characters']);
  expect(refusal({ pattern: '(x{1000}){1000}' })[0]).toContain('pattern: can not be used');
});

describe('What could take for ever', () => {
  const tooMuch = ['data would take too much work to check: make it smaller, send fewer at once, or make the schema simpler'];

  test.each<[string, Json, Json]>([
    ['a schema that is itself', { $ref: '#' }, 1],
    ['two that refer to one another', { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }, 1],
    ['one that doubles with each reference', {
      $defs: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`d${n}`, n === 39 ? {} : { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] }])), $ref: '#/$defs/d0',
    }, 1],
    ['one that doubles with each level of the value', { properties: { a: { anyOf: [{ allOf: [{ $ref: '#' }, false] }, { allOf: [{ $ref: '#' }, false] }] } } },
      JSON.parse('{"a":'.repeat(50) + '1' + '}'.repeat(50)) as Json],
    ['many patterns over a long text', { allOf: Array.from({ length: 300 }, () => ({ pattern: '^(a+)+$' })) }, `${'a'.repeat(60_000)}!`],
    ['many lengths of a long text', { allOf: Array.from({ length: 2_000 }, () => ({ maxLength: 1_000_000 })) }, 'a'.repeat(200_000)],
    ['many looks for what stands twice', { allOf: Array.from({ length: 1_000 }, () => ({ uniqueItems: true })) }, Array.from({ length: 10_000 }, (_, n) => ({ n }))],
    ['many counts of keys', { allOf: Array.from({ length: 2_000 }, () => ({ maxProperties: 100_000 })) }, Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n]))],
    ['many keys that must be there', { items: { not: { required: Array.from({ length: 5_000 }, (_, n) => `k${n}`) } } }, Array.from({ length: 5_000 }, () => ({}))],
  ])('ends, and is refused: %s', (_, schema, value) => {
    expect(mistakes(schema, value).slice(-1)).toEqual(tooMuch);
    // The same again: it depends on nothing but schema and value.
    expect(mistakes(schema, value).slice(-1)).toEqual(tooMuch);
  });

  test('a large value by an ordinary schema is far from that', () => {
    const row = { id: 'in_123', at: '2025-01-01T00:00:00Z', amount: 12, tags: ['a', 'b'], customer: { name: 'Ada', email: 'a@example.com' } };
    const schema = {
      type: 'array', items: {
        type: 'object', required: Object.keys(row), additionalProperties: false,
        properties: {
          id: { type: 'string', pattern: '^in_[0-9]{3}$' }, at: { type: 'string', format: 'date-time' }, amount: { type: 'integer', minimum: 0 },
          tags: { type: 'array', items: { type: 'string', maxLength: 20 }, uniqueItems: true },
          customer: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 }, email: { type: 'string' } } },
        },
      },
    };
    const value = Array.from({ length: 2_000 }, () => row);
    expect(JSON.stringify(value).length).toBeGreaterThan(240_000);
    expect(mistakes(schema, value)).toEqual([]);
  });

  test('what several values may take together is bounded too', () => {
    const schema = schemaOf({ items: { type: 'integer' } });
    const steps = { left: 5_000 };
    const value = Array.from({ length: 200 }, (_, n) => n);
    const first = Array.from({ length: 10 }, () => schema.mistakes(value, 'data', steps).length);
    expect([first[0], first.at(-1)]).toEqual([0, 1]);
  });
});

test('no value and no schema reaches a prototype', () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (schema, value) => {
    const read = readSchema(schema as Json);
    if ('schema' in read) read.schema.mistakes(value as Json, 'data');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  }), { numRuns: 300 });
  const hostile = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}') as Json;
  expect(mistakes({ properties: { constructor: { type: 'string' }, toString: { type: 'string' } }, required: ['toString'] }, {})).toEqual(['data.toString must be given']);
  mistakes({ properties: hostile, default: hostile }, hostile);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

describe('A sample', () => {
  test.each<[Json, Json | undefined]>([
    [{ type: 'object', properties: { id: { type: 'string' }, amount: { type: 'integer', minimum: 10, multipleOf: 4 }, at: { format: 'date-time' } }, required: ['id'] },
      { id: 'text', amount: 12, at: '2025-01-31T12:00:00Z' }],
    [{ type: 'array', items: { enum: ['a', 'b'] }, minItems: 2 }, ['a', 'a']],
    [{ $defs: { money: { type: 'object', properties: { currency: { const: 'EUR' } }, required: ['currency'] } }, properties: { price: { $ref: '#/$defs/money' } } }, { price: { currency: 'EUR' } }],
    [{ oneOf: [{ type: 'string', maxLength: 2 }, { type: 'number' }] }, 'te'],
    [{ allOf: [{ properties: { a: { type: 'boolean' } } }, { required: ['a', 'b'] }], properties: { b: { examples: [7] } } }, { b: 7, a: true }],
    [{ type: 'string', pattern: '^in_[0-9]+$' }, undefined],
    [{ type: 'string', pattern: '^in_[0-9]+$', examples: ['in_1'] }, 'in_1'],
    [false, undefined],
    [{ type: ['null', 'integer'], exclusiveMaximum: 0 }, -1],
  ])('of %j is %j', (schema, sample) => {
    expect(sampleOf(schema)).toEqual(sample);
  });

  test('of any schema fits it, is always the same, and is small', () => {
    const wide = { $defs: { n: { type: 'object', properties: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, { $ref: '#/$defs/n' }])) } }, $ref: '#/$defs/n' };
    expect(JSON.stringify(sampleOf(wide) ?? null).length).toBeLessThan(20_000);
    for (const [, schema] of Object.values(suite).flat()) {
      const sample = sampleOf(schema);
      expect(sampleOf(schema)).toEqual(sample);
      if (sample !== undefined) expect(schemaOf(schema).mistakes(sample, '')).toEqual([]);
    }
  });
});
