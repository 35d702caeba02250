import type { Evaluation, Evaluator } from '../../src/transform/evaluator';
import { createTransformer, type Transformer } from '../../src/transform/transformer';

let transformer: Transformer;
beforeEach(() => {
  transformer = createTransformer();
});
afterEach(() => transformer.close());

const of = (key: string, workspaceId = 'w') => ({ workspaceId, key });
const made = (expression: string, input: unknown = { a: { b: [1, 2] } }, key = expression) => transformer.transform(of(key), expression, JSON.stringify(input));

test.each<[string, unknown, unknown]>([
  ['{"x": a.b[0]}', undefined, { x: 1 }],
  ['a.b', undefined, [1, 2]],
  ['$sum(a.b)', undefined, 3],
  ['$merge([$, {"c": "ü☃"}])', undefined, { a: { b: [1, 2] }, c: 'ü☃' }],
  ['[items.{"n": name}]', { items: [{ name: 'x' }] }, [{ n: 'x' }]],
  ['$formatNumber(n, "#,##0.00")', { n: 1234.5 }, '1,234.50'],
  ['$replace(s, /b+/i, "-")', { s: 'aBBc' }, 'a-c'],
  ['$fromMillis(0)', {}, '1970-01-01T00:00:00.000Z'],
])('%s makes what it says', async (expression, input, body) => {
  const result = await made(expression, input);
  expect(result).toHaveProperty('body');
  expect(JSON.parse('body' in result ? result.body : '')).toEqual(body);
});

test.each<[string, RegExp, number | null]>([
  ['nothing.there', /no result/, null], ['null', /null/, null], ['$sum', /function/, null], ['{"f": [$sum]}', /function/, null], ['function($x){$x}', /function/, null],
  ['a.b + "x"', /right side|must evaluate/, expect.any(Number)], ['$error("mine")', /mine/, expect.any(Number)], ['$nosuch(1)', /non-function/, expect.any(Number)],
  ['$pad("x", 300000)', /larger than 262144/, null], ['$now()', /the time/, 4], ['($f := $random; $f())', /chance/, expect.any(Number)], ['$eval("1")', /not checked/, expect.any(Number)],
  ['[1,2] ~> $shuffle', /chance/, expect.any(Number)], ['a.', /end of expression/, 2], [`${'('.repeat(8_000)}1${')'.repeat(8_000)}`, /deeply/, null],
])('%s is a fault, with its place where that is known', async (expression, fault, position) => {
  expect(await made(expression)).toEqual({ fault: expect.stringMatching(fault), position });
});

test('only what can not be read, or may not be used, is a mistake before there is any input', async () => {
  expect(await transformer.check(of('k'), 'a.b.c')).toBeNull();
  expect(await transformer.check(of('k'), '$error("later")')).toBeNull();
  expect(await transformer.check(of('k'), '{"a": }')).toMatchObject({ fault: expect.any(String), position: expect.any(Number) });
  expect(await transformer.check(of('k'), 'x'.repeat(16_385))).toMatchObject({ fault: expect.stringContaining('16384') });
});

test.each([
  ['an endless loop', '($f := function($x){$f($x)}; $f(1))'],
  ['a regular expression that backtracks', '$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /(a+)+$/)'],
  ['ten million numbers', '[1..10000000]'],
  ['a list that doubles', '($f := function($x){$f($append($x,$x))}; $f([1,2,3]))'],
  ['half a gigabyte of text', '$length($pad("x", 500000000) & "y")'],
  ['many texts', '$map([1..300000], function($v){$pad("y",$v)})'],
])('%s is stopped, rests, and does no harm to others', async (_, expression) => {
  // A process that is still being started takes of the time that others wait.
  await Promise.all(['1', '2'].map((one) => made(one)));
  const first = made(expression);
  const others = ['$sum(a.b)', 'a.b[1]'].map((one) => made(one));
  expect(await first).toMatchObject({ fault: expect.stringMatching(/was stopped$/) });
  expect(await Promise.all(others)).toEqual([{ body: '3' }, { body: '2' }]);
  expect(await made(expression)).toMatchObject({ fault: expect.stringMatching(/not tried again/) });
  expect(await made('$count(a.b)', undefined, expression)).toEqual({ body: '2' });
});

test('nothing of the process is within reach, and no prototype', async () => {
  for (const expression of ['$.__proto__', 'a.constructor', '$sum.constructor', '$lookup($sum, "environment")', '$lookup($, "__proto__")', 'a.b.constructor.constructor', '$string.prototype', 'process', '$process', '$globalThis']) {
    expect([expression, await made(expression)]).toEqual([expression, { fault: expect.stringMatching(/no result|function/), position: null }]);
  }
  for (const expression of ['{"__proto__": {"polluted": 1}}', '$ ~> |a|{"__proto__": {"polluted": 1}}|', '$merge([a, {"__proto__": {"polluted": 1}}])', '{"constructor": {"prototype": {"polluted": 1}}}', '$spread(a)']) {
    await made(expression, undefined, 'same');
    expect(await made('{"found": $exists(a.polluted) or $exists(polluted)}', undefined, 'same')).toEqual({ body: '{"found":false}' });
  }
  const hostile = '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "a": 1}';
  await transformer.transform(of('k'), '$merge([$, {"b": 1}])', hostile);
  expect(await made('{"found": $exists(polluted)}')).toEqual({ body: '{"found":false}' });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('what one evaluation names is not there in the next', async () => {
  expect(await made('($left := 7; $sum := 1; $left)', undefined, 'k')).toEqual({ body: '7' });
  expect(await made('{"left": $exists($left), "sum": $sum([1])}', undefined, 'k')).toEqual({ body: '{"left":false,"sum":1}' });
  expect(await made('($left := 7; $left)', undefined, 'k')).toEqual({ body: '7' });
});

/** A transformer of two evaluators that tell what they were asked, and answer it when they are told to. */
function inTurns() {
  const log: string[] = [];
  const open = new Map<string, (evaluation: Evaluation) => void>();
  const turns = createTransformer((): Evaluator => ({
    evaluate: ({ input = '' }) => new Promise((resolve) => {
      log.push(input);
      open.set(input, resolve);
    }),
    close: () => undefined,
  }));
  const asked = new Map<string, Promise<unknown>>();
  return {
    log,
    /** Asks for evaluations, each of the workspace and the endpoint that its letters name. */
    ask: (...inputs: string[]) => inputs.forEach((input) => asked.set(input, turns.transform(of(input.slice(0, 2), input.charAt(0)), 'x', input))),
    async end(input: string): Promise<void> {
      open.get(input)?.({ output: input });
      expect(await asked.get(input)).toEqual({ body: input });
    },
  };
}

test('of one endpoint one evaluation runs at a time, and endpoints take turns', async () => {
  const { log, ask, end } = inTurns();
  ask('wa1', 'wa2', 'wa3', 'wb1', 'wb2');
  expect(log).toEqual(['wa1', 'wb1']);
  await end('wa1');
  await end('wb1');
  expect(log.slice(2).sort()).toEqual(['wa2', 'wb2']);
  await end('wa2');
  await end('wb2');
  await end('wa3');
});

test('a workspace has one evaluator while another one waits, and both while none does; workspaces take turns', async () => {
  const { log, ask, end } = inTurns();
  ask('wa1', 'wb1', 'wc1', 'wd1', 'we1');
  expect(log).toEqual(['wa1', 'wb1']);
  ask('xa1', 'xb1', 'ya1');
  await end('wa1');
  await end('xa1');
  await end('ya1');
  await end('xb1');
  expect(log).toEqual(['wa1', 'wb1', 'xa1', 'ya1', 'xb1', 'wc1']);
  await end('wb1');
  expect(log.at(-1)).toBe('wd1');
});

test('what waits too long is told so', async () => {
  const stuck = createTransformer(() => ({ evaluate: () => new Promise(() => undefined), close: () => undefined }));
  void stuck.transform(of('a'), 'x', '1');
  expect(await stuck.transform(of('a'), 'x', '1')).toEqual({ fault: expect.stringContaining('too much is being transformed'), position: null, isOurs: true });
});
