import { canBeOwed, DIALECT_NAMES, DIALECTS, effectivePolicy, effectivePolicyView, isFamilyEvent, uselessPatterns } from '../../src/domain/dialect';
import { FLOW_TYPES } from '../../src/domain/family-flow';
import { SPEKTR_TYPES } from '../../src/domain/family-spektr';
import { compileRuleSet } from '../../src/domain/rule-set';
import { aCustomEvent, anEndpoint, anEvent, aRule } from './samples';

const derived = (type: string, data: object = {}) => anEvent({ type, causedBy: 'evt_0', data: JSON.stringify(data) });

test('chative has six attempts five seconds apart, takes 200 alone, is deactivated by one exhausted delivery and never probed', () => {
  const policy = effectivePolicy('chative', {});
  expect(policy).toMatchObject({
    success: [200], delaysMs: [5_000, 5_000, 5_000, 5_000, 5_000], jitter: 0, respectRetryAfter: false, overloadFloorMs: 0, probe: null,
    deactivate: { afterFailingForMs: null, afterExhausted: 1, afterConsecutiveFailures: null },
  });
  expect(DIALECTS.chative).toMatchObject({ httpsOnly: true, signature: 'none', generatesSecret: false });
});

test.each(['spektr', 'flow'] as const)('%s has the default policy and standard signatures', (name) => {
  expect(effectivePolicyView(name, {})).toEqual(effectivePolicyView('standard', {}));
  expect(DIALECTS[name]).toMatchObject({ signature: 'standard-webhooks', generatesSecret: true, httpsOnly: false });
});

test('an event that was made for a family is owed to that family alone', () => {
  for (const type of [...SPEKTR_TYPES, ...FLOW_TYPES]) {
    const family = (FLOW_TYPES as readonly string[]).includes(type) ? 'flow' : 'spektr';
    expect(isFamilyEvent(derived(type))).toBe(true);
    expect(DIALECT_NAMES.filter((name) => canBeOwed(name, derived(type)))).toEqual([family]);
  }
});

test('a custom event of a family\'s type is anybody\'s', () => {
  const posted = aCustomEvent({}, { type: 'flow.start' });
  expect(isFamilyEvent(posted)).toBe(false);
  expect(DIALECT_NAMES.filter((name) => canBeOwed(name, posted))).toEqual(['standard', 'chakra', 'chative', 'flow']);
});

test('* of an endpoint of a family is all of the family\'s, and nothing else', () => {
  const rules = compileRuleSet([aRule({ events: ['*'], endpointIds: ['ep_1'] })], [anEndpoint('ep_1', { dialect: 'flow' }), anEndpoint('ep_2', { dialect: 'spektr', events: ['*'] })]);
  expect(rules.owedTo(anEvent())).toEqual([]);
  expect(rules.owedTo(derived('flow.end'))).toEqual(['ep_1']);
  expect(rules.owedTo(derived('alert_created'))).toEqual(['ep_2']);
});

test('the scope of a technology is its session\'s flow, whatever its own attributes say', () => {
  const rules = compileRuleSet([], [anEndpoint('ep_1', { dialect: 'flow', events: ['technology.*'], scope: 'flow:onboarding' })]);
  const technology = (flow: string | null, own: string) => ({ ...derived('technology.start', { flow }), object: JSON.stringify({ attributes: { flow: own } }) });
  expect(rules.owedTo(technology('onboarding', 'other'))).toEqual(['ep_1']);
  expect(rules.owedTo(technology('other', 'onboarding'))).toEqual([]);
  expect(rules.owedTo(technology(null, 'onboarding'))).toEqual([]);
});

test('chative is owed events of records and custom events', () => {
  const of = (objectKind: 'record' | 'process' | 'task') => canBeOwed('chative', anEvent({ objectKind }));
  expect([of('record'), of('process'), of('task'), canBeOwed('chative', aCustomEvent({}))]).toEqual([true, false, false, true]);
});

test('patterns that cover nothing that a dialect is owed are named', () => {
  expect(uselessPatterns('flow', ['*', 'flow.*', 'flow.start', 'process:*', 'invoice.paid'])).toEqual(['process:*', 'invoice.paid']);
  expect(uselessPatterns('spektr', ['*', 'alert_created', 'record:create', 'flow.*'])).toEqual(['record:create', 'flow.*']);
  expect(uselessPatterns('chative', ['*', 'record:*', 'mine', 'task:create'])).toEqual(['task:create']);
  expect(uselessPatterns('standard', ['*', 'anything'])).toEqual([]);
});
