import fc from 'fast-check';
import { ClauseIndex, type Clause } from '../../src/domain/clause-index';
import { compileCondition, factsOf } from '../../src/domain/condition';
import { pivotsOf } from '../../src/domain/condition-pivot';
import { subscribesTo } from '../../src/domain/endpoint';
import type { Event } from '../../src/domain/event';
import type { Json, JsonObject } from '../../src/domain/json';
import { ruleCovers } from '../../src/domain/rule';
import { compileRuleSet, isInScope, type CompiledConditions } from '../../src/domain/rule-set';
import { aCustomEvent, anEndpoint, anEvent, aRule, factsWith } from './samples';

const ep1 = anEndpoint('ep_1');
const ep2 = anEndpoint('ep_2');

describe('an event is owed', () => {
  test('to the endpoints of the rules that cover its type and whose condition matches', () => {
    const rules = compileRuleSet([
      aRule({ events: ['process:state-change'], condition: { state: 'CONVERTED' }, endpointIds: ['ep_1'] }),
      aRule({ events: ['process:state-change'], condition: { state: 'LOST' }, endpointIds: ['ep_2'] }),
      aRule({ events: ['process:update'], condition: { state: 'CONVERTED' }, endpointIds: ['ep_2'] }),
    ], [ep1, ep2]);
    expect(rules.owedTo(anEvent())).toEqual(['ep_1']);
  });

  test.each([[['process:state-change']], [['process:*']], [['*']], [['record:create', 'process:*']]])('by the patterns %j', (events) => {
    expect(compileRuleSet([aRule({ events })], [ep1]).owedTo(anEvent())).toEqual(['ep_1']);
    expect(compileRuleSet([], [{ ...ep1, events }]).owedTo(anEvent())).toEqual(['ep_1']);
  });

  test.each<[string[]]>([[['process:update']], [['record:*']], [['process.*']], [[]]])('not by the patterns %j', (events) => {
    expect(compileRuleSet([aRule({ events })], [{ ...ep1, events }]).owedTo(anEvent())).toEqual([]);
  });

  test('once to an endpoint, however often it is matched, in the order of ids', () => {
    const rules = compileRuleSet([
      aRule({ events: ['*', 'process:*', 'process:state-change'], endpointIds: ['ep_2', 'ep_1', 'ep_2'] }),
      aRule({ condition: { type: 'lead' }, endpointIds: ['ep_2'] }),
    ], [{ ...ep2, events: ['*'] }, { ...ep1, events: ['process:*'] }]);
    expect(rules.owedTo(anEvent())).toEqual(['ep_1', 'ep_2']);
  });

  test('not by a rule that is switched off, nor to an endpoint that is gone', () => {
    expect(compileRuleSet([aRule({ enabled: false })], [ep1]).owedTo(anEvent())).toEqual([]);
    expect(compileRuleSet([aRule({ endpointIds: ['ep_gone', 'ep_1'] }), aRule({ endpointIds: ['ep_gone'] })], [ep1]).owedTo(anEvent())).toEqual(['ep_1']);
    expect(compileRuleSet([], []).owedTo(anEvent())).toEqual([]);
  });

  test('to both of two rules that differ in nothing but their endpoints', () => {
    const condition = { 'attributes.city': 'Pune' };
    expect(compileRuleSet([aRule({ condition, endpointIds: ['ep_2'] }), aRule({ condition, endpointIds: ['ep_1'] })], [ep1, ep2]).owedTo(anEvent()))
      .toEqual(['ep_1', 'ep_2']);
  });
});

describe('an operational event', () => {
  const failing = (endpointId: string): Event => aCustomEvent({ endpointId }, { type: 'endpoint.failing' });
  const watching = { ...ep1, events: ['endpoint.*'] };

  test('is owed to who named it, not to who asked for everything', () => {
    expect(compileRuleSet([], [watching, { ...ep2, events: ['*'] }]).owedTo(failing('ep_9'))).toEqual(['ep_1']);
  });

  test('is never owed to the endpoint that it is about', () => {
    const rules = compileRuleSet([aRule({ events: ['endpoint.failing'] })], [watching, { ...ep2, events: ['endpoint.failing'] }]);
    expect(rules.owedTo(failing('ep_1'))).toEqual(['ep_2']);
  });

  test('differs from a custom event whose data names an endpoint', () => {
    expect(compileRuleSet([], [{ ...ep1, events: ['*'] }]).owedTo(aCustomEvent({ endpointId: 'ep_1' }))).toEqual(['ep_1']);
  });
});

describe('a scoped endpoint is owed what is of its scope alone', () => {
  const inFlow = (flow: string): Event => anEvent({ object: JSON.stringify({ attributes: { flow } }) });
  const rules = compileRuleSet([], [anEndpoint('ep_1', { events: ['*'], scope: 'flow:onboarding' })]);

  test('by the attribute that the scope names', () => {
    expect(rules.owedTo(inFlow('onboarding'))).toEqual(['ep_1']);
    expect(rules.owedTo(inFlow('other'))).toEqual([]);
    expect(rules.owedTo(anEvent())).toEqual([]);
  });

  test('by the data of a custom event', () => {
    expect(rules.owedTo(aCustomEvent({ flow: 'onboarding' }))).toEqual(['ep_1']);
    expect(rules.owedTo(aCustomEvent(null))).toEqual([]);
  });

  test.each<[string, JsonObject, boolean]>([
    ['customer:a:b', { customer: 'a:b' }, true],
    ['customer:', { customer: '' }, true],
    ['eu', { scope: 'eu' }, true],
    ['eu', { scope: ['us', 'eu'] }, true],
    ['customer:42', { customer: 42 }, false],
    ['constructor:x', {}, false],
  ])('%s of %j is %s', (scope, attributes, expected) => {
    expect(isInScope(scope, factsWith(attributes))).toBe(expected);
  });
});

test('a stored condition that can not be compiled is told by its rule', () => {
  expect(() => compileRuleSet([aRule({ id: 'rul_7', condition: { state: { $gone: 1 } } })], [ep1]))
    .toThrow('The condition of rule rul_7 can not be compiled: save it again.');
});

describe('many rules', () => {
  test('of which few can match: only those are looked at', () => {
    const clauses = Array.from({ length: 5_000 }, (_, index) => clause({ type: 'lead', state: `S${index}` }));
    const index = new ClauseIndex(clauses);
    const looked = index.candidates(factsOf(anEvent({ object: '{"type":"lead","state":"S42"}' })));
    expect(looked.map(({ condition }) => condition.text)).toEqual(['{"type":"lead","state":"S42"}']);
    expect(index.candidates(factsOf(aCustomEvent({})))).toEqual([]);
  });

  test('whose equalities stand in lists, in $in and under $and', () => {
    const index = new ClauseIndex([
      clause({ 'attributes.tags': 'vip' }), clause({ state: { $in: ['A', 'B'] } }), clause({ $and: [{ state: 'C' }] }),
      clause({ state: { $eq: null } }), clause({ state: { $gt: 'A' } }), clause({ $or: [{ state: 'A' }] }), clause({}),
    ]);
    const looked = (object: Json): number => index.candidates(factsOf(anEvent({ object: JSON.stringify(object) }))).length;
    const always = 3;
    expect(looked({ state: 'A', attributes: { tags: ['new', 'vip', 'vip'] } })).toBe(always + 2);
    expect(looked({ state: 'C' })).toBe(always + 1);
    expect(looked({ state: null })).toBe(always + 1);
    expect(looked({ state: { a: 1 } })).toBe(always);
    expect(looked({})).toBe(always);
  });

  test('with the same condition under several patterns: it is evaluated once', () => {
    let looks = 0;
    const event = new Proxy(anEvent(), { get: (target, name) => { looks += name === 'previous' ? 1 : 0; return Reflect.get(target, name) as unknown; } });
    const rules = Array.from({ length: 1_000 }, (_, index) =>
      aRule({ id: `rul_${index}`, events: ['*', 'process:*', 'process:state-change'], condition: { 'previous.state': { $ne: 'LOST' } } }));
    expect(compileRuleSet(rules, [ep1]).owedTo(event)).toEqual(['ep_1']);
    expect(looks).toBe(1);
  });

  test('of which one is changed: only that one is compiled', () => {
    let looks = 0;
    const watched = (json: JsonObject): JsonObject => new Proxy(json, { ownKeys: (target) => { looks += 1; return Reflect.ownKeys(target); } });
    const rules = Array.from({ length: 100 }, (_, index) => aRule({ id: `rul_${index}`, condition: watched({ state: `S${index}` }) }));
    const compiled: CompiledConditions = new WeakMap();
    compileRuleSet(rules, [ep1, ep2], [], compiled);
    const first = looks;
    const changed = [...rules.slice(1), aRule({ id: 'rul_0', condition: watched({ state: 'CONVERTED' }), endpointIds: ['ep_2'] })];
    expect(compileRuleSet(changed, [ep1, ep2], [], compiled).owedTo(anEvent())).toEqual(['ep_2']);
    expect(looks - first).toBe(first / rules.length);
  });

  const clause = (json: JsonObject): Clause =>
    ({ condition: { text: JSON.stringify(json), pivots: pivotsOf(json), matches: compileCondition(json) }, endpointIds: ['ep_1'] });
});

test('whatever the rules and the event, the answer is that of asking each rule', () => {
  const type = fc.constantFrom('process:update', 'process:state-change', 'record:create', 'order.paid', 'order.paid.late', 'endpoint.failing', ':', 'a..b');
  const pattern = fc.oneof(type, fc.constantFrom('*', 'process:*', 'order.*', 'order.paid.*', 'endpoint.*', ':*', 'a.*', 'a..*'));
  const value = fc.constantFrom<Json>('A', 'B', 1, null, true, ['A'], { a: 1 });
  const test_ = fc.oneof(
    value, value.map((wanted): Json => ({ $ne: wanted })), fc.array(value, { maxLength: 3 }).map((list): Json => ({ $in: list })),
    value.map((wanted): Json => ({ $eq: wanted, $exists: true })), fc.constant<Json>({ $exists: false }),
  );
  const entries = fc.array(fc.tuple(fc.constantFrom('state', 'attributes.a', 'data.a', 'event.sequence'), test_), { maxLength: 3 });
  const condition = fc.oneof(
    entries.map((list): JsonObject => Object.fromEntries(list)),
    entries.map((list): JsonObject => ({ $and: [Object.fromEntries(list), { state: 'A' }] })),
    entries.map((list): JsonObject => ({ $nor: [Object.fromEntries(list)] })),
  );
  const id = fc.constantFrom('ep_1', 'ep_2', 'ep_3', 'ep_gone');
  const rule = fc.record({ events: fc.array(pattern, { maxLength: 3 }), condition, endpointIds: fc.array(id, { maxLength: 3 }), enabled: fc.boolean() }).map(aRule);
  const endpoints = fc.tuple(...['ep_1', 'ep_2', 'ep_3'].map((name) => fc.array(pattern, { maxLength: 2 }).map((events) => anEndpoint(name, { events }))));
  const part = fc.oneof(value, fc.array(value, { maxLength: 3 }));
  const event = fc.record({ type, state: part, a: part, about: id }).map(({ type: named, state, a, about }) =>
    anEvent({ type: named, object: JSON.stringify({ state, attributes: { a } }), data: JSON.stringify({ a, endpointId: about }) }));

  fc.assert(fc.property(fc.array(rule, { maxLength: 8 }), endpoints, event, (rules, all, happened) => {
    const facts = factsOf(happened);
    const about = happened.type === 'endpoint.failing' ? (facts.data as { endpointId: string }).endpointId : null;
    const matching = rules.filter((one) => one.enabled && ruleCovers(one, happened.type) && compileCondition(one.condition)(facts));
    const owed = all.filter((endpoint) => endpoint.id !== about
      && (subscribesTo(endpoint.events, happened.type) || matching.some((one) => one.endpointIds.includes(endpoint.id))));
    expect(compileRuleSet(rules, all).owedTo(happened)).toEqual(owed.map((endpoint) => endpoint.id));
  }), { numRuns: 2_000 });
});
