import { checkCondition } from '../../src/domain/condition';

const TEST_OPERATORS = '$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $startsWith, $endsWith, $contains, $all, $size, $not, $elemMatch';
const QUERY_OPERATORS = '$and, $or, $nor, $not';

test.each<object>([
  {},
  { state: 'CONVERTED' },
  { primaryKey: null, version: { $gte: 2 }, createdAt: { $lt: '2027' }, recordId: 'rec_1', processId: 'prc_1' },
  { 'attributes.a.b.0.c': 1, attributes: {}, 'attributes.tags': ['a', 'b'], 'attributes.address': { city: 'Pune' } },
  { 'previous.state': 'NEW', 'previous.attributes.city': { $exists: true }, previous: {}, changes: 'state' },
  { 'event.type': 'order.paid', 'event.actor.userId': 'u', 'event.sequence': { $gt: 1 } },
  { data: 5, 'data.a.b': { $in: [1, 'a', null, { a: 1 }] } },
  { $and: [{ state: 'A' }], $or: [{}], $nor: [{ $not: { state: 'B' } }] },
  { 'attributes.lines': { $elemMatch: { sku: 'A', $or: [{ 'a.b': 1 }] } }, 'attributes.n': { $elemMatch: { $not: { $gt: 1 } } } },
  { state: { $not: 'A' }, status: { $not: { $in: ['A'] } } },
  { 'attributes.x': { $eq: { $gt: 1 } } },
  { 'attributes.ids': { $in: Array.from({ length: 1_000 }, (_, index) => index) } },
])('%j is a condition', (condition) => {
  expect(checkCondition(condition)).toEqual([]);
});

test.each<[condition: unknown, path: string, message: string]>([
  [null, 'condition', 'must be an object such as {"state": "CONVERTED"}; {} matches every event'],
  [[], 'condition', 'must be an object such as {"state": "CONVERTED"}; {} matches every event'],
  ['state', 'condition', 'must be an object such as {"state": "CONVERTED"}; {} matches every event'],

  [{ 'attributes.city': { $gtt: 1 } }, 'condition.attributes.city.$gtt', `unknown operator; allowed are ${TEST_OPERATORS}`],
  [{ state: { $regex: '.*' } }, 'condition.state.$regex', `unknown operator; allowed are ${TEST_OPERATORS}`],
  [{ state: { $and: [] } }, 'condition.state.$and', `unknown operator; allowed are ${TEST_OPERATORS}`],
  [{ $where: 'true' }, 'condition.$where', `unknown operator; allowed here are ${QUERY_OPERATORS}`],
  [{ $gt: 5 }, 'condition.$gt', `stands without a path: write {"state": {"$gt": ...}}; allowed here are ${QUERY_OPERATORS}`],
  [{ state: { $eq: 'A', b: 1 } }, 'condition.state.b', 'operators and keys can not be mixed; name the key in the path instead'],

  [{ $and: [] }, 'condition.$and', 'wants a list of at least one condition'],
  [{ $or: { state: 'A' } }, 'condition.$or', 'wants a list of at least one condition'],
  [{ $or: [{ state: 'A' }, 'B'] }, 'condition.$or.1', 'wants a condition such as {"state": "CONVERTED"}'],
  [{ $not: 'A' }, 'condition.$not', 'wants a condition such as {"state": "CONVERTED"}'],
  [{ $or: [{ $nor: [{ sttae: 'A' }] }] }, 'condition.$or.0.$nor.0.sttae', 'unknown name "sttae"'],

  [{ state: { $gt: null } }, 'condition.state.$gt', 'wants a number or a text'],
  [{ state: { $lte: true } }, 'condition.state.$lte', 'wants a number or a text'],
  [{ version: { $lt: Infinity } }, 'condition.version.$lt', 'wants a number or a text'],
  [{ version: Infinity }, 'condition.version', 'wants a JSON value or operators'],
  [{ version: { $eq: [NaN] } }, 'condition.version.$eq', 'wants a JSON value'],
  [{ state: { $in: 'A' } }, 'condition.state.$in', 'wants a list of values'],
  [{ state: { $in: Array.from({ length: 1_001 }, () => 1) } }, 'condition.state.$in', 'wants at most 1000 values, this list has 1001'],
  [{ state: { $nin: [undefined] } }, 'condition.state.$nin', 'wants a list of JSON values'],
  [{ state: { $exists: 'yes' } }, 'condition.state.$exists', 'wants true or false'],
  [{ state: { $startsWith: 1 } }, 'condition.state.$startsWith', 'wants a text'],
  [{ state: { $endsWith: ['a'] } }, 'condition.state.$endsWith', 'wants a text'],
  [{ state: { $all: [] } }, 'condition.state.$all', 'wants at least one value'],
  [{ state: { $size: -1 } }, 'condition.state.$size', 'wants a whole number from 0'],
  [{ state: { $size: 1.5 } }, 'condition.state.$size', 'wants a whole number from 0'],
  [{ state: { $elemMatch: 5 } }, 'condition.state.$elemMatch', 'wants operators such as {"$gte": 5} or a condition on the element\'s keys such as {"sku": "A1"}'],
  [{ state: { $elemMatch: { $gte: 1, sku: 'A' } } }, 'condition.state.$elemMatch.$gte', 'stands without a path'],
  [{ state: { $elemMatch: { 'a..b': 1 } } }, 'condition.state.$elemMatch.a..b', 'a path is keys joined by single dots'],
  [{ state: { $not: { $gtt: 1 } } }, 'condition.state.$not.$gtt', 'unknown operator'],
  [{ 'attributes.address': { city: { $ne: 'Pune' } } }, 'condition.attributes.address', 'holds an operator inside a value'],
  [{ 'attributes.list': [{ $gt: 1 }] }, 'condition.attributes.list', 'holds an operator inside a value'],

  [{ city: 'Pune' }, 'condition.city', 'unknown name "city"; allowed are id, kind, type, primaryKey, recordId, processId, state, status, attributes, '
    + 'version, createdAt, updatedAt, previous, changes, event, data; an attribute is asked for as attributes.<key>'],
  [JSON.parse('{"__proto__": "A"}'), 'condition.__proto__', 'unknown name "__proto__"'],
  [{ constructor: 'A' }, 'condition.constructor', 'unknown name "constructor"'],
  [{ 'state.length': 1 }, 'condition.state.length', 'state is a plain value and has no keys'],
  [{ 'previous.city': 'Pune' }, 'condition.previous.city', 'unknown name "previous.city"; allowed are previous.id'],
  [{ 'previous.state.a': 1 }, 'condition.previous.state.a', 'previous.state is a plain value and has no keys'],
  [{ 'changes.state': true }, 'condition.changes.state', 'changes is a list of paths: write {"changes": "state"} or {"changes": "attributes.city"}'],
  [{ event: {} }, 'condition.event', 'event needs a field after it; allowed are event.id'],
  [{ 'event.tpye': 'a' }, 'condition.event.tpye', 'unknown name "event.tpye"; allowed are event.id, event.externalId, event.type'],
  [{ 'event.workspaceId': 'a' }, 'condition.event.workspaceId', 'unknown name "event.workspaceId"'],
  [{ '': 1 }, 'condition.', 'a path is keys joined by single dots, such as "attributes.city"'],
  [{ 'attributes..a': 1 }, 'condition.attributes..a', 'a path is keys joined by single dots, such as "attributes.city"'],
  [{ 'attributes.': 1 }, 'condition.attributes.', 'a path is keys joined by single dots, such as "attributes.city"'],
  [{ [`data${'.a'.repeat(16)}`]: 1 }, `condition.data${'.a'.repeat(16)}`, 'a path has at most 16 segments, this one has 17'],
])('%j: %s: %s', (condition, path, message) => {
  expect(checkCondition(condition)).toEqual([{ path, message: expect.stringContaining(message) as string }]);
});

test('every mistake is told, in order', () => {
  expect(checkCondition({ sttae: { $gtt: 1 }, $or: [{ state: { $in: 1 } }], version: { $gt: true } }).map(({ path }) => path)).toEqual([
    'condition.sttae', 'condition.sttae.$gtt', 'condition.$or.0.state.$in', 'condition.version.$gt',
  ]);
});

function nested(levels: number): object {
  return levels === 1 ? { state: 'A' } : { $not: nested(levels - 1) };
}

test('a condition is at most 16 levels deep', () => {
  expect(checkCondition(nested(16))).toEqual([]);
  expect(checkCondition(nested(17))).toEqual([{ path: 'condition', message: 'is nested 17 levels deep; at most 16 are allowed' }]);
});

test('a condition has at most 200 keys', () => {
  const keys = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, index) => [`data.k${index}`, 1]));
  expect(checkCondition(keys(200))).toEqual([]);
  expect(checkCondition(keys(201))).toEqual([{ path: 'condition', message: 'has 201 keys; at most 200 are allowed' }]);
});

test('a condition is at most 16,384 characters of JSON', () => {
  const text = (length: number): object => ({ state: 'x'.repeat(length - '{"state":""}'.length) });
  expect(checkCondition(text(16_384))).toEqual([]);
  expect(checkCondition(text(16_385))).toEqual([{ path: 'condition', message: 'is 16385 characters of JSON; at most 16384 are allowed' }]);
});

test('what contains itself, or is no JSON, is refused', () => {
  const self: Record<string, unknown> = {};
  self['state'] = self;
  expect(checkCondition(self)).toEqual([{ path: 'condition', message: 'is no JSON' }]);
  expect(checkCondition({ version: 1n })).toEqual([{ path: 'condition', message: 'is no JSON' }]);
  expect(checkCondition({ state: () => true })).toEqual([{ path: 'condition.state', message: 'wants a JSON value or operators' }]);
});
