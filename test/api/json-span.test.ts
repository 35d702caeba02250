import fc from 'fast-check';
import { elementSpans, memberSpan, type Span } from '../../src/api/json-span';

const cut = (json: string, span: Span | null): string | null => span && json.slice(span.start, span.end);

/** JSON texts as people write them: any spacing, escapes and repeated keys; `JSON.parse` takes them all. */
const space = fc.stringMatching(/^[ \n\r\t]{0,3}$/);
const number = fc.oneof(fc.constantFrom('0', '-0', '1e400', '-1.50E+3', '12345678901234567890', '0.10'), fc.integer().map(String));
const string = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\\\"', '"\\""', '"\\u0041\\/"', '"[{,:}]"', '"\\\\\\""', '"data"'),
);
const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constantFrom('null', 'true', 'false'), number, string, tie('list'), tie('object')),
  list: fc.array(fc.tuple(space, tie('value'), space).map((parts) => parts.join('')), { maxLength: 4 }).map((items) => `[${items.join(',') || ' '}]`),
  object: fc.array(fc.tuple(space, string, space, fc.constant(':'), space, tie('value'), space).map((parts) => parts.join('')), { maxLength: 4 })
    .map((members) => `{${members.join(',')}}`),
}));

const key = fc.constantFrom('"data"', '"d\\u0061ta"', '"type"', '"dat"', '"data "', '"da\\\\ta"', '""');

test('the span of a member is exactly what was written, and the last of a repeated one', () => {
  fc.assert(fc.property(fc.array(fc.tuple(key, space, value, space), { maxLength: 6 }), space, (members, around) => {
    const json = `${around}{${members.map(([name, before, text, after]) => `${before}${name}${after}:${before}${text}${after}`).join(',')}}${around}`;
    const parsed = JSON.parse(json) as Record<string, unknown>;
    const expected = members.filter(([name]) => JSON.parse(name) === 'data').at(-1)?.[2] ?? null;
    const found = cut(json, memberSpan(json, 'data'));
    expect(found).toBe(expected);
    if (found !== null) expect(JSON.parse(found)).toEqual(parsed['data']);
  }), { numRuns: 2_000 });
});

test('the spans of a list are its elements, in order, and what is within them is found from their start', () => {
  fc.assert(fc.property(fc.array(fc.tuple(space, value, space), { maxLength: 6 }), space, (items, around) => {
    const json = `${around}[${items.map(([before, text, after]) => `${before}{"a":1,${before}"data"${after}:${text}}${after}`).join(',')}]${around}`;
    const spans = elementSpans(json);
    expect(spans.map((span) => cut(json, memberSpan(json, 'data', span.start)))).toEqual(items.map(([, text]) => text));
  }), { numRuns: 1_000 });
});

test('what is no object has no member, and what is no list no elements', () => {
  for (const json of ['null', '"data"', '[{"data":1}]', '1']) expect(memberSpan(json, 'data')).toBeNull();
  for (const json of ['null', '{"a":[1]}', '"[1]"', '1']) expect(elementSpans(json)).toEqual([]);
});

test('a text that is not JSON ends in an error, never in a loop', () => {
  expect(() => memberSpan('{"data":"', 'data')).toThrow(SyntaxError);
  expect(() => memberSpan('{"data":[1', 'data')).toThrow(SyntaxError);
});
