import fc from 'fast-check';
import { judge, OUTCOMES, parseRetryAfter, type Reply, UNREACHABLE } from '../../src/domain/attempt';

const NOW = new Date('2026-01-02T03:04:05.000Z');

const aReply = (parts: Partial<Reply> = {}): Reply =>
  ({ outcome: 'ok', statusCode: 200, headers: {}, body: new Uint8Array(), truncated: false, error: null, durationMs: 5, ...parts });
const answered = (statusCode: number, headers: Record<string, string> = {}): Reply => aReply({ statusCode, headers });

describe('an answer is judged by its status', () => {
  test.each([
    [200, 'ok'], [201, 'ok'], [204, 'ok'], [299, 'ok'], [199, 'http_error'],
    [300, 'redirect'], [301, 'redirect'], [304, 'redirect'], [399, 'redirect'],
    [400, 'http_error'], [404, 'http_error'], [410, 'http_error'], [429, 'http_error'], [500, 'http_error'], [503, 'http_error'], [599, 'http_error'],
  ])('%i where any 2xx is success: %s', (status, outcome) => {
    expect(judge(answered(status), '2xx', NOW).outcome).toBe(outcome);
  });

  test.each([[200, 'ok'], [202, 'http_error'], [204, 'http_error'], [302, 'redirect'], [404, 'ok'], [500, 'http_error']])(
    '%i where 200, 302 and 404 are success: %s', (status, outcome) => {
      expect(judge(answered(status), [200, 302, 404], NOW).outcome).toBe(outcome);
    });
});

test('what the wire found stands, whatever status came before it', () => {
  expect(judge(aReply({ outcome: 'timeout', statusCode: 200 }), '2xx', NOW).outcome).toBe('timeout');
  expect(judge(aReply({ outcome: 'dns_error', statusCode: null }), '2xx', NOW)).toEqual({ outcome: 'dns_error', gone: false, retryAfterMs: null, overloaded: false });
});

test.each<[string, boolean, Reply]>([
  ['410', true, answered(410)],
  ['404', false, answered(404)],
  ['500 with webhook-delivery: disable', true, answered(500, { 'webhook-delivery': ' Disable ' })],
  ['200 with webhook-delivery: disable', true, answered(200, { 'webhook-delivery': 'disable' })],
  ['200 with webhook-delivery: enable', false, answered(200, { 'webhook-delivery': 'enable' })],
])('%s asks never to be called again: %s', (_, gone, reply) => {
  expect(judge(reply, '2xx', NOW).gone).toBe(gone);
});

test.each<[string, boolean, Reply]>([
  ['429', true, answered(429)], ['502', true, answered(502)], ['503', true, answered(503)], ['504', true, answered(504)],
  ['500', false, answered(500)], ['408', false, answered(408)],
  ['a timeout', true, aReply({ outcome: 'timeout', statusCode: null })],
  ['a slow connect', true, aReply({ outcome: 'connect_timeout', statusCode: null })],
  ['a refused connection', false, aReply({ outcome: 'connection_refused', statusCode: null })],
])('%s is overloaded: %s', (_, overloaded, reply) => {
  expect(judge(reply, '2xx', NOW).overloaded).toBe(overloaded);
});

describe('Retry-After', () => {
  test.each<[string | undefined, number | null]>([
    ['120', 120_000],
    [' 120 ', 120_000],
    ['0', 0],
    ['Fri, 02 Jan 2026 03:05:05 GMT', 60_000],
    ['Friday, 02-Jan-26 03:05:05 GMT', 60_000],
    ['Fri Jan  2 03:05:05 2026', 60_000],
    ['Fri, 02 Jan 2026 03:04:05 GMT', null],
    ['Thu, 01 Jan 2026 03:05:05 GMT', null],
    ['Friday', null],
    ['2026-01-02T03:05:05Z', null],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['12345678901', null],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('%j is %j ms', (header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected);
  });

  test('of any text is nothing, or a wait', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.constantFrom('Mon', 'Sun, ', 'Fri Jan').chain((day) => fc.string().map((rest) => day + rest))), (text) => {
      const wait = parseRetryAfter(text, NOW);
      expect(wait === null || (Number.isFinite(wait) && wait >= 0)).toBe(true);
    }));
  });

  test('is heeded on any failure, and on no success', () => {
    expect(judge(answered(500, { 'retry-after': '7' }), '2xx', NOW).retryAfterMs).toBe(7_000);
    expect(judge(answered(302, { 'retry-after': '7' }), '2xx', NOW).retryAfterMs).toBe(7_000);
    expect(judge(answered(200, { 'retry-after': '7' }), '2xx', NOW).retryAfterMs).toBeNull();
  });
});

test('what opens the breaker is among the outcomes, and no answer is', () => {
  expect(OUTCOMES).toEqual(expect.arrayContaining([...UNREACHABLE]));
  expect([...UNREACHABLE]).not.toEqual(expect.arrayContaining(['http_error']));
  expect(new Set(OUTCOMES).size).toBe(OUTCOMES.length);
});
