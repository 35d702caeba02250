import { compileCondition } from '../../src/domain/condition';
import type { Json } from '../../src/domain/json';
import { factsWith } from './samples';

/** Stands for a key that is not there. */
const MISSING = Symbol('missing');

function holds(test: Json, value: Json | typeof MISSING): boolean {
  return compileCondition({ 'attributes.value': test })(factsWith(value === MISSING ? {} : { value }));
}

type Row = readonly [test: Json, matching: readonly (Json | typeof MISSING)[], failing: readonly (Json | typeof MISSING)[]];

const TABLE: readonly Row[] = [
  ['a', ['a', ['a'], ['b', 'a']], ['A', 'ab', null, 1, true, {}, [], [['a']], MISSING]],
  [1, [1, 1.0, [0, 1]], ['1', true, null, 2, [], [[1]], {}, MISSING]],
  [true, [true, [true]], [1, 'true', false, null, MISSING]],
  [null, [null, [null], ['a', null]], [0, '', false, [], {}, MISSING]],
  [{ a: 1, b: 2 }, [{ a: 1, b: 2 }, { b: 2, a: 1 }, [{ b: 2, a: 1 }]], [{ a: 1 }, { a: 1, b: 2, c: 3 }, { a: 1, b: '2' }, [], null, MISSING]],
  [{}, [{}, [{}]], [[], { a: 1 }, null, MISSING]],
  [[], [[], [[]]], [{}, ['a'], null, MISSING]],
  [['a', 'b'], [['a', 'b'], [['a', 'b']]], [['b', 'a'], ['a'], 'a', ['a', 'b', 'c'], MISSING]],

  [{ $eq: 'a' }, ['a', ['a']], ['b', null, MISSING]],
  [{ $eq: { $gt: 1 } }, [{ $gt: 1 }], [2, MISSING]],
  [{ $ne: 'a' }, ['b', null, 1, [], ['b'], {}, MISSING], ['a', ['a', 'b']]],
  [{ $ne: null }, ['a', 0, MISSING], [null, [null]]],

  [{ $gt: 5 }, [6, 5.1, [1, 6]], [5, 4, '6', null, true, {}, [], [5], MISSING]],
  [{ $gte: 5 }, [5, 6, [5]], [4, '5', null, [], MISSING]],
  [{ $lt: 5 }, [4, -1, [9, 4]], [5, '4', null, false, [], MISSING]],
  [{ $lte: 5 }, [5, 4], [6, '5', null, MISSING]],
  [{ $gt: 'b' }, ['c', 'ba', ['c']], ['b', 'a', 'B', 9, null, MISSING]],
  [{ $lte: 'b' }, ['b', 'a', 'Z', ''], ['c', 0, null, MISSING]],
  [{ $gte: '2026-01-01' }, ['2026-01-01T00:00:00.000Z', '2027'], ['2025-12-31', 2027, MISSING]],
  [{ $gt: 1, $lt: 5 }, [3, [0, 9]], [1, 5, null, MISSING]],

  [{ $in: ['a', 1, null] }, ['a', 1, null, ['z', 'a'], [null]], ['b', '1', true, [], {}, MISSING]],
  [{ $in: [{ a: 1 }, ['x']] }, [{ a: 1 }, ['x'], [{ a: 1 }], [['x']]], [{ a: 2 }, 'x', MISSING]],
  [{ $in: [] }, [], ['a', null, [], MISSING]],
  [{ $nin: ['a', 1] }, ['b', '1', null, [], ['b'], MISSING], ['a', 1, ['b', 'a']]],
  [{ $nin: [] }, ['a', null, MISSING], []],

  [{ $exists: true }, ['a', null, false, 0, '', [], {}], [MISSING]],
  [{ $exists: false }, [MISSING], ['a', null, false, 0, '', [], {}]],

  [{ $startsWith: 'ab' }, ['ab', 'abc', ['x', 'abc']], ['a', 'xab', 'AB', 1, null, [], {}, MISSING]],
  [{ $endsWith: 'ab' }, ['ab', 'xab', ['xab']], ['abx', 'b', 1, null, MISSING]],
  [{ $startsWith: '' }, ['', 'a'], [1, null, [], MISSING]],
  [{ $contains: 'b' }, ['b', 'abc', ['a', 'b']], ['a', ['abc'], 1, null, { b: 1 }, [['b']], MISSING]],
  [{ $contains: 1 }, [[1, 2]], ['1', 1, ['1'], null, MISSING]],
  [{ $contains: { a: 1 } }, [[{ a: 1 }]], [{ a: 1 }, 'a', MISSING]],

  [{ $all: ['a', 'b'] }, [['a', 'b'], ['b', 'x', 'a']], [['a'], 'a', [], null, MISSING]],
  [{ $all: ['a'] }, ['a', ['a', 'b']], ['b', [], MISSING]],
  [{ $size: 2 }, [['a', 'b'], [[], []]], [['a'], 'ab', 2, { a: 1, b: 2 }, [['a', 'b']], null, MISSING]],
  [{ $size: 0 }, [[]], ['', {}, null, MISSING]],

  [{ $elemMatch: { $gte: 5, $lt: 10 } }, [[1, 7], [5]], [[1, 20], 7, [], null, MISSING]],
  [{ $elemMatch: { sku: 'A', count: { $gt: 1 } } }, [[{ sku: 'A', count: 2 }]], [[{ sku: 'A', count: 1 }, { sku: 'B', count: 9 }], { sku: 'A', count: 2 }, ['A'], MISSING]],
  [{ $elemMatch: { $or: [{ sku: 'A' }, { 'size.width': 3 }] } }, [[{ sku: 'A' }], [{ size: { width: 3 } }]], [[{ sku: 'B' }], [], MISSING]],
  [{ $elemMatch: { $not: { $lt: 5 } } }, [[1, 6], ['x']], [[1, 2], [], 6, MISSING]],
  [{ $elemMatch: { $not: { sku: 'A' } } }, [[{ sku: 'B' }], ['x']], [[{ sku: 'A' }], [], MISSING]],
  [{ $elemMatch: { lines: { $elemMatch: { $eq: 1 } } } }, [[{ lines: [0, 1] }]], [[{ lines: [0] }], [[1]], MISSING]],
  [{ $elemMatch: {} }, [['a'], [null]], [[], 'a', MISSING]],

  [{ $not: { $gt: 5 } }, [5, '6', null, [], MISSING], [6, [1, 6]]],
  [{ $not: { $exists: true } }, [MISSING], [null, 'a']],
  [{ $not: 'a' }, ['b', null, MISSING], ['a', ['a']]],
  [{ $not: { $not: { $eq: 'a' } } }, ['a'], ['b', MISSING]],
  [{ $exists: true, $ne: 'a' }, ['b', null], ['a', MISSING]],
];

const write = (value: Json | typeof MISSING): string => (value === MISSING ? 'a missing key' : JSON.stringify(value));

const CASES = TABLE.flatMap(([test, matching, failing]) => [
  ...matching.map((value) => [JSON.stringify(test), 'matches', write(value), test, value, true] as const),
  ...failing.map((value) => [JSON.stringify(test), 'does not match', write(value), test, value, false] as const),
]);

test.each(CASES)('%s %s %s', (_test, _verb, _value, condition, value, expected) => {
  expect(holds(condition, value)).toBe(expected);
});
