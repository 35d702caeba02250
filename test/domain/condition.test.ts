import { compileCondition, factsOf, type Facts } from '../../src/domain/condition';
import type { JsonObject } from '../../src/domain/json';
import { aCustomEvent, anEvent, factsWith } from './samples';

const holds = (condition: JsonObject, facts: Facts = factsOf(anEvent())): boolean => compileCondition(condition)(facts);

describe('what a path reads', () => {
  test.each<[string, JsonObject]>([
    ['a field of the object', { state: 'CONVERTED', status: 'OPEN', type: 'lead', kind: 'process' }],
    ['a field that is null', { primaryKey: null }],
    ['an attribute', { 'attributes.city': 'Pune' }],
    ['all attributes, in any order of keys', { attributes: { amount: 500, city: 'Pune' } }],
    ['an old value', { 'previous.state': 'NEW' }],
    ['an old attribute', { 'previous.attributes.amount': { $lt: 500 } }],
    ['the list of changes', { changes: 'attributes.amount' }],
    ['the event', { 'event.type': 'process:state-change', 'event.sequence': 7, 'event.objectKind': 'process', 'event.objectId': 'prc_01' }],
    ['what of the event is null', { 'event.externalId': null, 'event.causedBy': null }],
    ['when it happened, in ISO text', { 'event.occurredAt': { $gte: '2026-01-02T03:04:05.678Z', $lt: '2026-01-03' } }],
    ['who did it', { 'event.actor.userId': 'u-1' }],
  ])('%s', (_, condition) => {
    expect(holds(condition)).toBe(true);
  });

  test('the data of a custom event, in depth and by index', () => {
    const facts = factsOf(aCustomEvent({ lines: [{ sku: 'A' }, { sku: 'B' }], total: 12.5 }));
    expect(holds({ 'data.lines.1.sku': 'B', 'data.total': 12.5 }, facts)).toBe(true);
    expect(holds({ 'data.lines.2.sku': { $exists: false } }, facts)).toBe(true);
    expect(holds({ data: 5 }, factsOf(aCustomEvent(5)))).toBe(true);
  });

  test('a key that looks like an index', () => {
    expect(holds({ 'attributes.sizes.0': 'S' }, factsWith({ sizes: { 0: 'S' } }))).toBe(true);
  });

  test.each(['-1', '01', '1.0', 'length', '1e0', ' 0'])('a list has no element "%s"', (segment) => {
    expect(holds({ [`attributes.list.${segment}`]: { $exists: true } }, factsWith({ list: ['a', 'b'] }))).toBe(false);
  });

  test('keys that hold dots, after keys one by one', () => {
    expect(holds({ 'attributes.a.b.c': 1 }, factsWith({ 'a.b.c': 1 }))).toBe(true);
    expect(holds({ 'attributes.a.b.c': 1 }, factsWith({ a: { 'b.c': 1 } }))).toBe(true);
    expect(holds({ 'attributes.a.b.c': 1 }, factsWith({ 'a.b': { c: 1 }, a: { b: 2 } }))).toBe(true);
    expect(holds({ 'attributes.a.b': 2 }, factsWith({ 'a.b': 1, a: { b: 2 } }))).toBe(true);
  });

  test('lists on the way are not walked through', () => {
    const facts = factsWith({ lines: [{ sku: 'A' }] });
    expect(holds({ 'attributes.lines.sku': 'A' }, facts)).toBe(false);
    expect(holds({ 'attributes.lines': { $elemMatch: { sku: 'A' } } }, facts)).toBe(true);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__proto__.polluted', 'constructor.name'])(
    'no inherited key: attributes.%s', (key) => {
      expect(holds({ [`attributes.${key}`]: { $exists: true } }, factsWith({ a: 1 }))).toBe(false);
    });

  test('a key of its own that is called __proto__', () => {
    const facts = factsOf(anEvent({ object: '{"attributes":{"__proto__":{"admin":true}}}' }));
    expect(holds({ 'attributes.__proto__.admin': true }, facts)).toBe(true);
    expect(holds({ 'attributes.admin': { $exists: true } }, facts)).toBe(false);
  });
});

describe('what is not there', () => {
  const custom = factsOf(aCustomEvent({ a: 1 }));

  test('a custom event of no object has no object, previous or changes', () => {
    expect(holds({ state: { $exists: false }, previous: { $exists: false }, changes: { $exists: false } }, custom)).toBe(true);
    expect(holds({ state: null }, custom)).toBe(false);
  });

  test('a lifecycle event has no data', () => {
    expect(holds({ data: { $exists: false } })).toBe(true);
  });

  test('previous of a creation is an empty object', () => {
    expect(holds({ previous: {} }, factsOf(anEvent({ type: 'process:create', previous: '{}', changes: '[]' })))).toBe(true);
  });

  test('a part that is no JSON reads as missing', () => {
    const facts = factsOf(anEvent({ object: '{', previous: 'x', changes: '', data: '\0', actor: '[' }));
    expect(holds({ state: { $exists: true } }, facts)).toBe(false);
    expect(holds({ 'event.actor': null, data: { $exists: false }, previous: { $exists: false } }, facts)).toBe(true);
  });
});

describe('what joins conditions', () => {
  const yes = { state: 'CONVERTED' };
  const no = { state: 'NEW' };

  test.each<[JsonObject, boolean]>([
    [{}, true],
    [{ state: 'CONVERTED', status: 'CANCELLED' }, false],
    [{ $and: [yes, yes] }, true],
    [{ $and: [yes, no] }, false],
    [{ $or: [no, yes] }, true],
    [{ $or: [no, no] }, false],
    [{ $nor: [no, no] }, true],
    [{ $nor: [no, yes] }, false],
    [{ $not: no }, true],
    [{ $not: yes }, false],
    [{ $not: {} }, false],
    [{ $or: [{ $and: [yes, { $not: no }] }, no], status: 'OPEN' }, true],
    [{ status: 'OPEN', $nor: [{ $or: [yes, no] }] }, false],
  ])('%j is %s', (condition, expected) => {
    expect(holds(condition)).toBe(expected);
  });

  test('an operator that there is not can not be compiled', () => {
    expect(() => compileCondition({ state: { $where: '1' } })).toThrow('"$where" is no operator');
    expect(() => compileCondition({ $where: '1' })).toThrow('"$where" is no operator');
    expect(() => compileCondition({ state: { $constructor: '1' } })).toThrow('is no operator');
  });
});

test('each part of an event is parsed once at most, and only when it is looked at', () => {
  const parse = jest.spyOn(JSON, 'parse');
  try {
    const facts = factsOf(anEvent());
    expect(parse).not.toHaveBeenCalled();
    const matches = compileCondition({ $and: [{ state: 'CONVERTED' }, { 'attributes.city': 'Pune' }, { type: 'lead' }] });
    expect(matches(facts) && matches(facts)).toBe(true);
    expect(parse).toHaveBeenCalledTimes(1);
    expect(compileCondition({ data: { $exists: false } })(facts)).toBe(true);
    expect(parse).toHaveBeenCalledTimes(1);
    expect(compileCondition({ 'previous.state': 'NEW', changes: 'state', previous: { $exists: true } })(facts)).toBe(true);
    expect(parse).toHaveBeenCalledTimes(3);
  } finally {
    parse.mockRestore();
  }
});
