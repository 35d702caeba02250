import { DELIVERY_STATUSES, type DeliveryReason, type DeliveryStatus } from '../../src/domain/delivery';
import { RECOVERED, recoveryOf, recoveryParameters, remedyOf, type Recovered } from '../../src/domain/recovery';

const remedy = (only: Recovered, status: DeliveryStatus, reason: DeliveryReason | null = null) => remedyOf(only, { id: 'dlv_1', status, reason });

test('what failed is resent, what waits is woken, what is held or was delivered is left alone; all of it unless only what is missing is asked for', () => {
  const expected: Record<DeliveryStatus, string | null> = {
    PENDING: 'wake', RETRYING: 'wake', HELD: null, DELIVERED: null, EXHAUSTED: 'resend', CANCELLED: 'resend',
  };
  for (const status of DELIVERY_STATUSES) {
    expect([status, remedy('failed', status), remedy('all', status), remedy('missing', status)]).toEqual([status, expected[status], expected[status], null]);
  }
});

test('an event without a delivery is added where what is missing is asked for', () => {
  expect(RECOVERED.map((only) => [only, remedyOf(only, null)])).toEqual([['failed', null], ['missing', 'add'], ['all', 'add']]);
});

test('what was cancelled with its endpoint stays cancelled', () => {
  expect(remedy('failed', 'CANCELLED', 'endpoint_deleted')).toBeNull();
  for (const reason of ['cancelled', 'discarded'] as const) expect(remedy('failed', 'CANCELLED', reason)).toBe('resend');
});

test("a job's parameters say the recovery as it was asked for", () => {
  const times = { since: new Date('2025-01-01T00:00:00Z'), until: new Date('2025-02-01T00:00:00Z') };
  for (const recovery of [
    { endpointId: 'ep_1', ruleId: null, only: 'all', ...times, ratePerSecond: 7 } as const,
    { endpointId: 'ep_1', ruleId: 'rul_1', only: 'missing', ...times, ratePerSecond: null } as const,
  ]) expect(recoveryOf(recoveryParameters(recovery))).toEqual(recovery);
});
