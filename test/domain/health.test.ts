import { effectivePolicy } from '../../src/domain/dialect';
import { decideHealth, type HealthFacts } from '../../src/domain/health';
import type { DeactivateView } from '../../src/domain/policy';

const facts = (fields: Partial<HealthFacts> = {}): HealthFacts => ({
  status: 'ACTIVE', consecutiveFailures: 0, consecutiveUnreachable: 0, exhausted: 0, failingForMs: null, lastFailureAgoMs: null,
  recentAttempts: 0, recentFailures: 0, ...fields,
});
const policy = (deactivate: Partial<DeactivateView> | 'never' = {}) => effectivePolicy('standard', { deactivate }).deactivate;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('The breaker', () => {
  it('opens at the fifth timeout or connect error in a row', () => {
    expect(decideHealth(facts({ consecutiveFailures: 4, consecutiveUnreachable: 4 }), policy())).toBeNull();
    expect(decideHealth(facts({ consecutiveFailures: 5, consecutiveUnreachable: 5 }), policy())).toEqual({ to: 'FAILING' });
    expect(decideHealth(facts({ consecutiveFailures: 9, consecutiveUnreachable: 0 }), policy())).toBeNull();
  });

  it('opens where seven of ten recent attempts failed, and not at fewer attempts or while the last was a success', () => {
    expect(decideHealth(facts({ consecutiveFailures: 1, recentAttempts: 10, recentFailures: 7 }), policy())).toEqual({ to: 'FAILING' });
    expect(decideHealth(facts({ consecutiveFailures: 1, recentAttempts: 10, recentFailures: 6 }), policy())).toBeNull();
    expect(decideHealth(facts({ consecutiveFailures: 9, recentAttempts: 9, recentFailures: 9 }), policy())).toBeNull();
    expect(decideHealth(facts({ consecutiveFailures: 0, recentAttempts: 10, recentFailures: 9 }), policy())).toBeNull();
  });

  it('closes with any success', () => {
    expect(decideHealth(facts({ status: 'FAILING', consecutiveFailures: 3 }), policy())).toBeNull();
    expect(decideHealth(facts({ status: 'FAILING' }), policy())).toEqual({ to: 'ACTIVE' });
  });
});

describe('Deactivation', () => {
  it('comes after five days of failing, with failures twelve hours apart', () => {
    const failing = { consecutiveFailures: 3, failingForMs: 5 * DAY };
    expect(decideHealth(facts({ ...failing, lastFailureAgoMs: 0 }), policy())).toEqual({ to: 'DEACTIVATED', reason: 'failing_for' });
    expect(decideHealth(facts({ ...failing, lastFailureAgoMs: 5 * DAY - 11 * HOUR }), policy())).toBeNull();
    expect(decideHealth(facts({ ...failing, failingForMs: 5 * DAY - 1, lastFailureAgoMs: 0 }), policy())).toBeNull();
  });

  it('comes after so many exhausted deliveries, or failures in a row, where the policy says so', () => {
    expect(decideHealth(facts({ exhausted: 1, consecutiveFailures: 1 }), policy({ afterExhausted: 1 }))).toEqual({ to: 'DEACTIVATED', reason: 'exhausted' });
    expect(decideHealth(facts({ consecutiveFailures: 3 }), policy({ afterConsecutiveFailures: 3 }))).toEqual({ to: 'DEACTIVATED', reason: 'consecutive_failures' });
    expect(decideHealth(facts({ status: 'FAILING', consecutiveFailures: 3 }), policy({ afterConsecutiveFailures: 3 }))).toMatchObject({ to: 'DEACTIVATED' });
  });

  it('never comes where the policy says never', () => {
    const bad = facts({ exhausted: 99, consecutiveFailures: 999, failingForMs: 99 * DAY, lastFailureAgoMs: 0 });
    expect(decideHealth(bad, policy('never'))).toBeNull();
  });

  it('does not end by itself', () => {
    expect(decideHealth(facts({ status: 'DEACTIVATED' }), policy())).toBeNull();
  });
});
