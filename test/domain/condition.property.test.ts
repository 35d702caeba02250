import fc from 'fast-check';
import { checkCondition, compileCondition, explainCondition, factsOf } from '../../src/domain/condition';
import type { Event } from '../../src/domain/event';
import type { Json, JsonObject } from '../../src/domain/json';
import { anEvent } from './samples';

const plain = fc.oneof(fc.constantFrom<Json>('a', 'b', '', 'OPEN', 0, 1, 2, true, false, null), fc.string(), fc.integer());
const key = fc.constantFrom('a', 'b', '0', 'a.b', '__proto__', 'constructor', 'state');
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    plain,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map((entries): Json => Object.fromEntries(entries)),
  ),
})).value;

const path = fc.constantFrom(
  'state', 'status', 'primaryKey', 'attributes', 'attributes.a', 'attributes.b', 'attributes.a.b', 'attributes.a.0', 'attributes.a.b.a', 'attributes.__proto__',
  'previous', 'previous.state', 'previous.attributes.a', 'changes', 'event.type', 'event.actor', 'event.actor.a', 'data', 'data.a', 'data.a.b', 'data.0',
);

const operators = fc.letrec<{ test: Json }>((tie) => ({
  test: fc.oneof(
    { depthSize: 'small' },
    plain,
    fc.constantFrom('$eq', '$ne', '$contains').chain((name) => json.map((value): Json => ({ [name]: value }))),
    fc.constantFrom('$gt', '$gte', '$lt', '$lte').chain((name) => fc.constantFrom<Json>('a', '', 0, 1.5).map((value): Json => ({ [name]: value }))),
    fc.constantFrom('$in', '$nin').chain((name) => fc.array(json, { maxLength: 4 }).map((values): Json => ({ [name]: values }))),
    fc.array(json, { minLength: 1, maxLength: 3 }).map((values): Json => ({ $all: values })),
    fc.constantFrom('$startsWith', '$endsWith').chain((name) => fc.constantFrom('', 'a').map((value): Json => ({ [name]: value }))),
    fc.boolean().map((value): Json => ({ $exists: value })),
    fc.nat({ max: 3 }).map((value): Json => ({ $size: value })),
    tie('test').map((test): Json => ({ $not: test })),
    tie('test').map((test): Json => ({ $elemMatch: { a: test } })),
  ),
})).test;

/** Conditions that are right by construction. */
const condition = fc.letrec<{ query: JsonObject }>((tie) => {
  const clauses = fc.array(tie('query'), { minLength: 1, maxLength: 3 });
  return {
    query: fc.oneof(
      { depthSize: 'small' },
      fc.array(fc.tuple(path, operators), { maxLength: 3 }).map((entries): JsonObject => Object.fromEntries(entries)),
      fc.constantFrom('$and', '$or', '$nor').chain((name) => clauses.map((list): JsonObject => ({ [name]: list }))),
      tie('query').map((query): JsonObject => ({ $not: query })),
    ),
  };
}).query.filter((query) => checkCondition(query).length === 0);

/** Events of any shape, parts that are no JSON among them. */
const text = fc.oneof({ weight: 6, arbitrary: json.map((value) => JSON.stringify(value)) }, { weight: 1, arbitrary: fc.string() }, { weight: 1, arbitrary: fc.constant(null) });
const object = fc.oneof(text, json.map((attributes) => JSON.stringify({ state: 'OPEN', attributes })));
const event: fc.Arbitrary<Event> = fc.record({ object, previous: text, changes: text, data: text, actor: text }).map(anEvent);

test('no JSON makes the check throw, and what it passes compiles, evaluates and is explained on any event', () => {
  // Keys that look like operators and paths, so that the check's every branch is reached.
  const wild = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.jsonValue(),
      plain,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(fc.oneof(path, key, fc.constantFrom('$and', '$or', '$nor', '$not', '$elemMatch', '$eq', '$in', '$size', '$all', '$where', '$', '')), tie('value')), { maxLength: 3 })
        .map((entries) => Object.fromEntries(entries) as object),
    ),
  })).value;
  fc.assert(fc.property(wild, event, (query, happened) => {
    if (checkCondition(query).length > 0) return;
    const facts = factsOf(happened);
    expect(typeof compileCondition(query as JsonObject)(facts)).toBe('boolean');
    expect(typeof explainCondition(query as JsonObject, facts)).toBe('string');
  }), { numRuns: 2_000 });
});

test('a checked condition compiles, evaluates and is explained on any event', () => {
  fc.assert(fc.property(condition, event, (query, happened) => {
    const facts = factsOf(happened);
    const matches = compileCondition(query)(facts);
    const explanation = explainCondition(query, facts);
    expect(explanation.length).toBeLessThanOrEqual(600);
    expect(explanation.startsWith('matches: ') || Object.keys(query).length === 0).toBe(matches);
  }), { numRuns: 2_000 });
});

test('$not and $nor negate, $and and $or join', () => {
  fc.assert(fc.property(condition, condition, event, (one, other, happened) => {
    const facts = factsOf(happened);
    const holds = (query: JsonObject): boolean => compileCondition(query)(facts);
    expect(holds({ $not: one })).toBe(!holds(one));
    expect(holds({ $nor: [one, other] })).toBe(!holds(one) && !holds(other));
    expect(holds({ $and: [one, other] })).toBe(holds(one) && holds(other));
    expect(holds({ $or: [one, other] })).toBe(holds(one) || holds(other));
  }), { numRuns: 1_000 });
});

test('a test after a path is negated by $not, $ne is not $eq, $nin is not $in', () => {
  fc.assert(fc.property(path, operators, fc.array(json, { maxLength: 4 }), event, (at, wanted, list, happened) => {
    const facts = factsOf(happened);
    const holds = (test: Json): boolean => compileCondition({ [at]: test })(facts);
    expect(holds({ $not: wanted })).toBe(!holds(wanted));
    expect(holds({ $ne: wanted })).toBe(!holds({ $eq: wanted }));
    expect(holds({ $nin: list })).toBe(!holds({ $in: list }));
    expect(holds({ $in: list })).toBe(list.some((value) => holds({ $eq: value })));
  }), { numRuns: 1_000 });
});

test('a missing path matches no operator but $exists: false, $ne, $nin and $not', () => {
  const facts = factsOf(anEvent({ object: '{"attributes":{}}' }));
  fc.assert(fc.property(operators, (wanted) => {
    const written = JSON.stringify(wanted);
    fc.pre(!/\$(exists|ne|nin|not)"/.test(written));
    expect(compileCondition({ 'attributes.gone': wanted })(facts)).toBe(false);
  }), { numRuns: 1_000 });
});
