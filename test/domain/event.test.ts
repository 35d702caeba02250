import fc from 'fast-check';
import { coveringPatterns, EVENT_PATTERN, EVENT_TYPE, INBOUND_TYPES, isInbound, isOperational, LIFECYCLE_TYPES, OPERATIONAL_TYPES, patternCovers } from '../../src/domain/event';

test.each<[string, string, boolean]>([
  ['*', 'process:update', true],
  ['*', 'order.paid', true],
  ['*', 'endpoint.failing', false],
  ['*', 'endpoint.of-mine', true],
  ['endpoint.*', 'endpoint.failing', true],
  ['delivery.*', 'delivery.exhausted', true],
  ['endpoint.failing', 'endpoint.failing', true],
  ['*', 'inbound.raw', false],
  ['*', 'inbound.of-mine', true],
  ['inbound.*', 'inbound.raw', true],
  ['inbound.message', 'inbound.message', true],
  ['inbound.message', 'inbound.message_echo', false],
  ['process:*', 'process:state-change', true],
  ['process:*', 'process', false],
  ['process:*', 'processes:update', false],
  ['process:*', 'process:', true],
  ['order.*', 'order.paid.late', true],
  ['order.paid', 'order.paid.late', false],
  ['order.paid', 'order.paid', true],
  ['Order.paid', 'order.paid', false],
])('%s covers %s: %s', (pattern, type, expected) => {
  expect(patternCovers(pattern, type)).toBe(expected);
});

test('everything but what Posthorn says of itself and what channels receive is covered by *', () => {
  expect(LIFECYCLE_TYPES.every((type) => patternCovers('*', type) && !isOperational(type))).toBe(true);
  expect(OPERATIONAL_TYPES.some((type) => patternCovers('*', type))).toBe(false);
  expect(INBOUND_TYPES.some((type) => patternCovers('*', type) || !isInbound(type))).toBe(false);
});

test.each(['process:update', 'a', 'A_b.c:d-e', '9', 'x'.repeat(128)])('%s can be a type', (type) => {
  expect(EVENT_TYPE.test(type)).toBe(true);
  expect(EVENT_PATTERN.test(type)).toBe(true);
});

test.each(['', 'a b', 'a*', '*', 'ä', 'a\n', 'x'.repeat(129), 'a/b'])('%j can not be a type', (type) => {
  expect(EVENT_TYPE.test(type)).toBe(false);
});

test.each(['*', 'process:*', 'a.b.*', ':*'])('%s can be a pattern', (pattern) => {
  expect(EVENT_PATTERN.test(pattern)).toBe(true);
});

test.each(['', '**', 'proc*', '*:update', 'process:*:x', 'process:*\n', `${'x'.repeat(127)}.*`])('%j can not be a pattern', (pattern) => {
  expect(EVENT_PATTERN.test(pattern)).toBe(false);
});

test('the patterns that cover a type are just those that do', () => {
  const type = fc.oneof(fc.constantFrom(...OPERATIONAL_TYPES, ...LIFECYCLE_TYPES, ...INBOUND_TYPES), fc.stringMatching(/^[ab.:]{1,6}$/));
  const pattern = fc.oneof(fc.constant('*'), type, fc.stringMatching(/^[ab.:]{0,4}[.:]\*$/), fc.constantFrom('endpoint.*', 'process:*', 'inbound.*'));
  fc.assert(fc.property(type, pattern, (one, other) => {
    expect(coveringPatterns(one).includes(other)).toBe(patternCovers(other, one));
    expect(coveringPatterns(one).every((covering) => patternCovers(covering, one))).toBe(true);
  }), { numRuns: 1_000 });
});
