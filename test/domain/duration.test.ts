import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/domain/duration';

test.each<[string, number | null]>([
  ['50ms', 50], ['5s', 5_000], ['30m', 1_800_000], ['2h', 7_200_000], ['14d', 1_209_600_000], ['0s', 0], ['007s', 7_000],
  ['', null], ['5', null], ['s', null], ['5 s', null], [' 5s', null], ['5s\n', null], ['-5s', null], ['+5s', null], ['1.5h', null], ['1e3s', null],
  ['5S', null], ['5M', null], ['5w', null], ['1h30m', null], ['٥s', null], ['999999999999999d', null],
])('%j is %j ms', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test.each([[0, '0ms'], [1, '1ms'], [999, '999ms'], [1_000, '1s'], [1_500, '1500ms'], [60_000, '1m'], [90_000, '90s'], [300_000, '5m'], [5_400_000, '90m'],
  [7_200_000, '2h'], [86_400_000, '1d'], [90_000_000, '25h'], [1_209_599_999, '1209599999ms']])('%d ms is "%s"', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('what is written is read again, up to ten thousand years', () => {
  fc.assert(fc.property(fc.oneof(fc.nat({ max: 315_360_000_000_000 }), fc.nat({ max: 10_000 }).map((days) => days * 86_400_000)), (ms) => {
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  }));
});
