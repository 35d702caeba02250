import type { RoutedChannel } from '../../src/domain/channel';
import { subscribesTo } from '../../src/domain/endpoint';
import { canBeOwed, DIALECT_NAMES, uselessPatterns, uselessSubscriptions } from '../../src/domain/dialect';
import { type Event, INBOUND_KINDS, INBOUND_TYPES, inboundType } from '../../src/domain/event';
import { compileRuleSet, type RoutedEndpoint } from '../../src/domain/rule-set';
import { aCustomEvent, anEndpoint, aRule } from './samples';

const received = (type: string, channelId = 'chn_1'): Event =>
  aCustomEvent({ event: type.slice('inbound.'.length), payload: { from: '91' } }, { type, received: { channelId, signature: null } });

const metaEndpoint = anEndpoint('ep_meta', { dialect: 'meta' });
const friendly = anEndpoint('ep_friendly', { dialect: 'chakra-inbound' });
const other = anEndpoint('ep_other');
const channel: RoutedChannel = { id: 'chn_1', passThroughEndpointId: 'ep_meta', friendlyEndpointId: 'ep_friendly', events: INBOUND_KINDS };
const endpoints: RoutedEndpoint[] = [metaEndpoint, friendly, other];

describe('what a channel received is owed', () => {
  test('to its two endpoints: the request to one, what was taken out of it to the other', () => {
    const rules = compileRuleSet([], endpoints, [channel]);
    expect(rules.owedTo(received('inbound.raw'))).toEqual(['ep_meta']);
    for (const kind of INBOUND_KINDS) expect(rules.owedTo(received(inboundType(kind)))).toEqual(['ep_friendly']);
  });

  test('only of the kinds that were chosen', () => {
    const rules = compileRuleSet([], endpoints, [{ ...channel, events: ['status'] }]);
    expect(INBOUND_TYPES.filter((type) => rules.owedTo(received(type)).length > 0)).toEqual(['inbound.raw', 'inbound.status']);
  });

  test('to nobody where the channel has no endpoint, or is another, or is gone, or its endpoint is', () => {
    const without = { ...channel, passThroughEndpointId: null, friendlyEndpointId: null };
    for (const type of INBOUND_TYPES) {
      expect(compileRuleSet([], endpoints, [without]).owedTo(received(type))).toEqual([]);
      expect(compileRuleSet([], endpoints, [channel]).owedTo(received(type, 'chn_2'))).toEqual([]);
      expect(compileRuleSet([], endpoints).owedTo(received(type))).toEqual([]);
      expect(compileRuleSet([], [other], [channel]).owedTo(received(type))).toEqual([]);
    }
  });

  test.each([['*'], ['inbound.*'], ['inbound.message']])('to no endpoint by its own subscription to %s', (pattern) => {
    const rules = compileRuleSet([], [{ ...other, events: [pattern] }]);
    expect(rules.owedTo(received('inbound.message'))).toEqual([]);
    expect(subscribesTo([pattern], 'inbound.message')).toBe(false);
  });

  test.each([['inbound.*', true], ['inbound.message', true], ['inbound.status', false], ['*', false]])('by a rule for %s: %s', (pattern, isOwed) => {
    const rules = compileRuleSet([aRule({ events: [pattern], endpointIds: ['ep_other'] })], endpoints, [channel]);
    expect(rules.owedTo(received('inbound.message'))).toEqual(isOwed ? ['ep_friendly', 'ep_other'] : ['ep_friendly']);
  });

  test('by the condition of a rule over its data, and never twice', () => {
    const rules = compileRuleSet([
      aRule({ events: ['inbound.*'], condition: { 'data.payload.from': '91' }, endpointIds: ['ep_other', 'ep_friendly'] }),
      aRule({ id: 'rul_2', events: ['inbound.*'], condition: { 'data.payload.from': '92' }, endpointIds: ['ep_meta'] }),
    ], endpoints, [channel]);
    expect(rules.owedTo(received('inbound.status'))).toEqual(['ep_friendly', 'ep_other']);
  });

  test('by a rule for all of it to each endpoint only in the shape that it takes', () => {
    const rules = compileRuleSet([aRule({ events: ['inbound.*'], endpointIds: ['ep_meta', 'ep_friendly', 'ep_other'] })], endpoints);
    expect(rules.owedTo(received('inbound.raw'))).toEqual(['ep_meta', 'ep_other']);
    expect(rules.owedTo(received('inbound.message'))).toEqual(['ep_friendly', 'ep_other']);
  });
});

test('endpoints of the inbound dialects are owed nothing else, whatever a rule says', () => {
  const rules = compileRuleSet([aRule({ events: ['*', 'order.paid'], endpointIds: ['ep_meta', 'ep_friendly', 'ep_other'] })],
    endpoints.map((endpoint) => ({ ...endpoint, events: ['*'] })), [channel]);
  expect(rules.owedTo(aCustomEvent({}))).toEqual(['ep_other']);
});

test('the patterns that are of no use to an inbound dialect are all that cover none of its types', () => {
  expect(uselessPatterns('meta', ['*', 'inbound.*', 'inbound.raw', 'inbound.message', 'process:*'])).toEqual(['*', 'inbound.message', 'process:*']);
  expect(uselessPatterns('chakra-inbound', ['*', 'inbound.*', 'inbound.raw', 'inbound.message'])).toEqual(['*', 'inbound.raw']);
  expect(uselessSubscriptions('meta', ['inbound.*', 'inbound.raw'])).toEqual(['inbound.*', 'inbound.raw']);
  expect(uselessSubscriptions('standard', ['*', 'inbound.*', 'inbound.raw'])).toEqual(['inbound.raw']);
  const takers = DIALECT_NAMES.filter((dialect) => canBeOwed(dialect, received('inbound.raw')));
  expect(takers).toEqual(expect.arrayContaining(['standard', 'chakra', 'meta']));
  expect(takers).not.toContain('chakra-inbound');
});
