import fc from 'fast-check';
import { idOf } from '../../src/api/schemas/shared';
import { formatId, ID_PREFIXES, type IdKind } from '../../src/domain/ids';
import { isJsonList, isJsonObject, jsonEqual, type Json } from '../../src/domain/json';
import { OBJECT_KINDS, presentObject } from '../../src/domain/object';
import { anObject } from './samples';

test.each([
  ['record', ['id', 'kind', 'type', 'primaryKey', 'attributes', 'version', 'createdAt', 'updatedAt']],
  ['process', ['id', 'kind', 'type', 'primaryKey', 'recordId', 'state', 'status', 'attributes', 'version', 'createdAt', 'updatedAt']],
  ['task', ['id', 'kind', 'type', 'primaryKey', 'processId', 'recordId', 'status', 'attributes', 'version', 'createdAt', 'updatedAt']],
] as const)('a %s is shown with its own fields, and nothing of its workspace', (kind, fields) => {
  expect(Object.keys(presentObject(anObject({ kind })))).toEqual(fields);
});

test('times are shown in UTC with milliseconds', () => {
  expect(presentObject(anObject())).toMatchObject({ createdAt: '2026-01-02T03:04:05.678Z' });
});

test('a kind refers only to kinds before it', () => {
  expect(OBJECT_KINDS).toEqual(['record', 'process', 'task']);
});

describe('JSON values', () => {
  test.each<[Json | undefined, Json | undefined, boolean]>([
    [1, 1, true], [0, -0, true], [1, '1', false], [null, null, true], [null, undefined, false], [undefined, undefined, true], [null, {}, false], [null, 0, false],
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, true], [{ a: 1 }, { a: 1, b: 1 }, false], [[1, 2], [2, 1], false], [[], {}, false], [{}, {}, true],
    [{ a: null }, { b: null }, false],
    [{}, JSON.parse('{"__proto__": {}}') as Json, false],
    [JSON.parse('{"__proto__": {"a": 1}}') as Json, JSON.parse('{"__proto__": {"a": 1}}') as Json, true],
    [JSON.parse('{"toString": 1}') as Json, { a: 1 }, false],
  ])('%j and %j are equal: %s', (a, b, expected) => {
    expect(jsonEqual(a, b)).toBe(expected);
    expect(jsonEqual(b, a)).toBe(expected);
  });

  test('are equal to what is read from their own text', () => {
    fc.assert(fc.property(fc.jsonValue() as fc.Arbitrary<Json>, (value) => {
      expect(jsonEqual(value, JSON.parse(JSON.stringify(value)) as Json)).toBe(true);
    }));
  });

  test('are objects, lists or plain', () => {
    expect([{}, [], null, 'a', 1].map(isJsonObject)).toEqual([true, false, false, false, false]);
    expect([{}, [], null, 'a', 1].map(isJsonList)).toEqual([false, true, false, false, false]);
  });
});

describe('ids', () => {
  const kinds = Object.keys(ID_PREFIXES) as IdKind[];
  const ulid = '01KA2B3C4D5E6F7G8H9JKMNPQR';
  /** As the API takes them. */
  const isId = (kind: IdKind, text: string): boolean => idOf(kind).safeParse(text).success;

  test('have a prefix of their own for each kind', () => {
    expect(new Set(Object.values(ID_PREFIXES)).size).toBe(kinds.length);
    for (const kind of kinds) expect(kinds.filter((other) => isId(other, formatId(kind, ulid)))).toEqual([kind]);
  });

  test.each(['', 'evt_', `evt_${ulid}`, `EVT_${ulid.toLowerCase()}`, `evt_${ulid.toLowerCase()}x`, `evt_${ulid.toLowerCase().replace('k', 'i')}`,
    `ep_${ulid.toLowerCase()}`, ` evt_${ulid.toLowerCase()}`, `evt_${ulid.toLowerCase()}\n`])('%j is no event id', (text) => {
    expect(isId('event', text)).toBe(false);
  });

  test('sort as their ULIDs do', () => {
    const body = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    fc.assert(fc.property(body, body, (a, b) => {
      expect(formatId('event', a) < formatId('event', b)).toBe(a < b);
      expect(isId('event', formatId('event', a))).toBe(true);
    }));
  });
});
