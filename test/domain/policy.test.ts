import fc from 'fast-check';
import { DIALECT_NAMES, effectivePolicy, effectivePolicyView } from '../../src/domain/dialect';
import { compilePolicy, DEFAULT_POLICY, mergeOverrides, mergePolicy, type PolicyOverrides } from '../../src/domain/policy';

describe('a policy is merged', () => {
  test('to itself where nothing is set', () => {
    expect(mergePolicy(DEFAULT_POLICY, {})).toEqual(DEFAULT_POLICY);
  });

  test.each<[string, PolicyOverrides, object]>([
    ['a plain setting replaces', { timeout: '3s', maxInFlight: 50, success: [200] }, { timeout: '3s', maxInFlight: 50, success: [200] }],
    ['a part is merged by key', { retry: { jitter: 0 } }, { retry: { ...DEFAULT_POLICY.retry, jitter: 0 } }],
    ['a list is replaced whole', { retry: { delays: ['1s'] } }, { retry: { ...DEFAULT_POLICY.retry, delays: ['1s'] } }],
    ['a part can be switched off', { deactivate: 'never', probe: null }, { deactivate: 'never', probe: null }],
    ['a null within a part is a value', { deactivate: { afterFailingFor: null } }, { deactivate: { ...DEFAULT_POLICY.deactivate as object, afterFailingFor: null } }],
  ])('%s', (_, overrides, expected) => {
    expect(mergePolicy(DEFAULT_POLICY, overrides)).toEqual({ ...DEFAULT_POLICY, ...expected });
  });

  test('a part that is off below starts from the defaults', () => {
    const off = mergePolicy(DEFAULT_POLICY, { deactivate: 'never', probe: null });
    expect(mergePolicy(off, { probe: { every: '1m' } }).probe).toEqual({ every: '1m', max: '6h' });
    expect(mergePolicy(off, { deactivate: { afterExhausted: 1 } }).deactivate).toEqual({ ...DEFAULT_POLICY.deactivate as object, afterExhausted: 1 });
  });

  test('without changing what it is merged of', () => {
    const base = structuredClone(DEFAULT_POLICY);
    mergePolicy(base, { retry: { jitter: 0 }, probe: null });
    expect(base).toEqual(DEFAULT_POLICY);
  });
});

describe('an endpoint\'s own settings', () => {
  test('are merged by key, and stay only what was set', () => {
    expect(mergeOverrides({ retry: { jitter: 0 }, timeout: '3s' }, { retry: { delays: ['1s'] } }))
      .toEqual({ retry: { jitter: 0, delays: ['1s'] }, timeout: '3s' });
    expect(mergeOverrides({ probe: null }, { probe: { every: '1m' } })).toEqual({ probe: { every: '1m' } });
    expect(mergeOverrides({ probe: { every: '1m' } }, { probe: null })).toEqual({ probe: null });
  });

  test('changed in two steps have the effect of both', () => {
    const part = fc.record({
      timeout: fc.constantFrom('1s', '2s'),
      retry: fc.record({ jitter: fc.constantFrom(0, 0.1), delays: fc.constantFrom<readonly string[]>([], ['1s']) }, { requiredKeys: [] }),
      maxInFlight: fc.constantFrom(1, 2),
    }, { requiredKeys: [] });
    fc.assert(fc.property(part, part, (first, second) => {
      const overrides = mergeOverrides(mergeOverrides({}, first), second);
      expect(mergePolicy(DEFAULT_POLICY, overrides)).toEqual(mergePolicy(mergePolicy(DEFAULT_POLICY, first), second));
    }));
  });
});

describe('a policy in numbers', () => {
  test('is that of the defaults', () => {
    expect(effectivePolicy('standard', {})).toEqual({
      success: '2xx', timeoutMs: 15_000, connectTimeoutMs: 5_000,
      delaysMs: [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000],
      jitter: 0.2, respectRetryAfter: true, overloadFloorMs: 60_000,
      deactivate: { afterFailingForMs: 432_000_000, afterExhausted: null, afterConsecutiveFailures: null, onGone: true },
      discardWhileDeactivated: false, holdForMs: 1_209_600_000, probe: { everyMs: 600_000, maxMs: 21_600_000 },
      maxInFlight: 5, ratePerSecond: 50, fifo: false,
    });
  });

  test('takes the alternatives', () => {
    const policy = effectivePolicy('standard', { deactivate: 'never', whileDeactivated: 'discard', probe: null, ordering: 'fifo', success: [200, 202] });
    expect(policy).toMatchObject({ discardWhileDeactivated: true, probe: null, fifo: true, success: [200, 202] });
    expect(policy.deactivate).toEqual({ afterFailingForMs: null, afterExhausted: null, afterConsecutiveFailures: null, onGone: false });
  });

  test('never gives the connection longer than the whole exchange', () => {
    expect(effectivePolicy('standard', { timeout: '2s' })).toMatchObject({ timeoutMs: 2_000, connectTimeoutMs: 2_000 });
  });

  test('waits for the overloaded only where nobody set delays', () => {
    expect(effectivePolicy('standard', { retry: { jitter: 0 } }).overloadFloorMs).toBe(60_000);
    expect(effectivePolicy('standard', { retry: { delays: ['5s'] } }).overloadFloorMs).toBe(0);
  });

  test('refuses what is no duration', () => {
    expect(() => compilePolicy({ ...DEFAULT_POLICY, holdFor: 'long' }, true)).toThrow('"long" is no duration; one looks like "50ms", "5s", "30m", "2h" or "14d"');
  });
});

test.each(DIALECT_NAMES)('the policy of %s is whole and can be compiled', (dialect) => {
  expect(Object.keys(effectivePolicyView(dialect, {}))).toEqual(Object.keys(DEFAULT_POLICY));
  expect(() => effectivePolicy(dialect, {})).not.toThrow();
});
