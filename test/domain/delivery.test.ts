import fc from 'fast-check';
import type { Verdict } from '../../src/domain/attempt';
import { DELIVERY_STATUSES, isFinal, nextStep } from '../../src/domain/delivery';
import { effectivePolicy } from '../../src/domain/dialect';
import type { Policy } from '../../src/domain/policy';

const HOUR_MS = 3_600_000;
const standard = effectivePolicy('standard', {});
const policyWith = (parts: Partial<Policy>): Policy => ({ ...standard, delaysMs: [5_000, 300_000], ...parts });
const failed = (parts: Partial<Verdict> = {}): Verdict => ({ outcome: 'http_error', gone: false, retryAfterMs: null, overloaded: false, ...parts });

test('the default schedule is that of the Standard Webhooks specification: ten attempts in 75.6 hours', () => {
  const waits = Array.from({ length: 10 }, (_, failures) => nextStep(standard, failures, failed(), 0.5));
  expect(waits.map((step) => ('afterMs' in step ? step.afterMs / 1_000 : step.status))).toEqual([
    5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, 'EXHAUSTED',
  ]);
});

test('a success ends a delivery, whatever has gone before', () => {
  expect(nextStep(policyWith({}), 0, failed({ outcome: 'ok' }), 0)).toEqual({ status: 'DELIVERED' });
  expect(nextStep(policyWith({}), 99, failed({ outcome: 'ok' }), 0)).toEqual({ status: 'DELIVERED' });
});

test('a schedule without delays is one attempt', () => {
  expect(nextStep(policyWith({ delaysMs: [] }), 0, failed(), 0.5)).toEqual({ status: 'EXHAUSTED' });
});

test.each([[0, 4_000], [0.25, 4_500], [0.5, 5_000], [0.75, 5_500], [0.999_999, 6_000]])('with luck %d, 5 s spread by 0.2 are %d ms', (luck, afterMs) => {
  expect(nextStep(policyWith({ jitter: 0.2 }), 0, failed(), luck)).toEqual({ status: 'RETRYING', afterMs });
});

describe('an overloaded receiver', () => {
  test('is left alone for 60 s where nobody set delays', () => {
    expect(nextStep(standard, 0, failed({ overloaded: true }), 0.5)).toEqual({ status: 'RETRYING', afterMs: 60_000 });
    expect(nextStep(standard, 1, failed({ overloaded: true }), 0.5)).toEqual({ status: 'RETRYING', afterMs: 300_000 });
  });

  test('is called by the schedule where somebody set delays', () => {
    const own = effectivePolicy('standard', { retry: { delays: ['5s'] } });
    expect(nextStep(own, 0, failed({ overloaded: true }), 0.5)).toEqual({ status: 'RETRYING', afterMs: 5_000 });
  });
});

describe('Retry-After', () => {
  const after = (retryAfterMs: number, parts: Partial<Policy> = {}) => nextStep(policyWith({ jitter: 0, ...parts }), 0, failed({ retryAfterMs }), 0.5);

  test.each([[1_000, 5_000], [5_000, 5_000], [90_000, 90_000], [HOUR_MS + 5_000, HOUR_MS + 5_000], [24 * HOUR_MS, HOUR_MS + 5_000]])(
    'of %d ms on a schedule of 5 s waits %d ms', (hint, afterMs) => {
      expect(after(hint)).toEqual({ status: 'RETRYING', afterMs });
    });

  test('is not followed where the policy says so', () => {
    expect(after(90_000, { respectRetryAfter: false })).toEqual({ status: 'RETRYING', afterMs: 5_000 });
  });

  test('adds no attempt', () => {
    expect(nextStep(policyWith({}), 2, failed({ retryAfterMs: 1 }), 0.5)).toEqual({ status: 'EXHAUSTED' });
  });
});

test('a wait lies between the spread schedule and an hour beyond it, in whole milliseconds', () => {
  const policy = fc.record({
    delaysMs: fc.array(fc.integer({ min: 10, max: 604_800_000 }), { minLength: 1, maxLength: 50 }),
    jitter: fc.double({ min: 0, max: 0.5, noNaN: true }),
    respectRetryAfter: fc.boolean(),
    overloadFloorMs: fc.constantFrom(0, 60_000),
  }).map(policyWith);
  const verdict = fc.record({ retryAfterMs: fc.option(fc.nat({ max: 10 ** 13 })), overloaded: fc.boolean() }).map(failed);

  fc.assert(fc.property(policy, fc.nat({ max: 60 }), verdict, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (given, failures, seen, luck) => {
    const step = nextStep(given, failures, seen, luck);
    const scheduled = given.delaysMs[failures];
    if (scheduled === undefined) {
      expect(step).toEqual({ status: 'EXHAUSTED' });
      return;
    }
    const { afterMs } = step as { afterMs: number };
    const floor = seen.overloaded ? given.overloadFloorMs : 0;
    expect(Number.isInteger(afterMs)).toBe(true);
    expect(afterMs).toBeGreaterThanOrEqual(Math.max(floor, Math.floor(scheduled * (1 - given.jitter))));
    expect(afterMs).toBeLessThanOrEqual(Math.max(floor, Math.ceil(scheduled * (1 + given.jitter))) + HOUR_MS);
    if (!given.respectRetryAfter || seen.retryAfterMs === null) {
      expect(afterMs).toBeLessThanOrEqual(Math.max(floor, Math.ceil(scheduled * (1 + given.jitter))));
    } else {
      expect(afterMs).toBeGreaterThanOrEqual(Math.min(seen.retryAfterMs, HOUR_MS));
    }
  }), { numRuns: 2_000 });
});

test('three statuses are final', () => {
  expect(DELIVERY_STATUSES.filter(isFinal)).toEqual(['DELIVERED', 'EXHAUSTED', 'CANCELLED']);
});
