import { explainCondition, factsOf } from '../../src/domain/condition';
import type { JsonObject } from '../../src/domain/json';
import { anEvent, factsWith } from './samples';

const facts = factsOf(anEvent());

test.each<[JsonObject, string]>([
  [{}, 'an empty condition matches every event of the rule\'s types'],
  [{ state: 'CONVERTED', 'attributes.amount': { $gt: 1 } }, 'matches: state is "CONVERTED", attributes.amount is 500'],
  [{ $or: [{ state: 'CONVERTED' }], 'attributes.zip': { $exists: false } }, 'matches: $or holds, attributes.zip is missing'],
  [{ status: 'OPEN', state: 'NEW' }, 'state is "CONVERTED", wanted "NEW"'],
  [{ state: { $eq: 'NEW' } }, 'state is "CONVERTED", wanted "NEW"'],
  [{ 'attributes.city': { $exists: true, $in: ['Delhi', 'Goa'] } }, 'attributes.city is "Pune", wanted $in ["Delhi","Goa"]'],
  [{ 'attributes.zip': '411001' }, 'attributes.zip is missing, wanted "411001"'],
  [{ changes: 'status' }, 'changes is ["state","attributes.amount"], wanted "status"'],
  [{ 'attributes.amount': '500' }, 'attributes.amount is 500, wanted "500" (a number never equals or orders with a text)'],
  [{ $and: [{ state: 'CONVERTED' }, { status: 'COMPLETED' }] }, 'status is "OPEN", wanted "COMPLETED"'],
  [{ $or: [{ state: 'NEW' }, { status: 'COMPLETED' }] }, 'none of $or holds: (0) state is "CONVERTED", wanted "NEW"; (1) status is "OPEN", wanted "COMPLETED"'],
  [{ $nor: [{ state: 'NEW' }, { status: 'OPEN' }] }, 'condition 1 of $nor holds, and none may: status is "OPEN"'],
  [{ $not: { state: 'CONVERTED' } }, 'the condition of $not holds, and it must not: state is "CONVERTED"'],
  [{ $not: {} }, 'the condition of $not holds, and it must not: it is empty'],
  [{ state: { $not: { $startsWith: 'CON' } } }, 'state is "CONVERTED", wanted $not {"$startsWith":"CON"}'],
])('%j: %s', (condition, explanation) => {
  expect(explainCondition(condition, facts)).toBe(explanation);
});

test('a list on the way is named', () => {
  expect(explainCondition({ 'attributes.lines.sku': 'A' }, factsWith({ lines: [{ sku: 'A' }] })))
    .toBe('attributes.lines.sku is missing, wanted "A" (attributes.lines is a list: name an index, or use $elemMatch)');
});

test('long values and long explanations are cut', () => {
  const long = factsWith({ text: 'x'.repeat(10_000), list: Array.from({ length: 10_000 }, () => 'y') });
  expect(explainCondition({ 'attributes.text': 'a' }, long)).toBe(`attributes.text is "${'x'.repeat(76)}..., wanted "a"`);
  expect(explainCondition({ $or: Array.from({ length: 50 }, () => ({ 'attributes.list': 'z' })) }, long)).toHaveLength(600);
});
