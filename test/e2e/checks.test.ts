import { Webhook } from 'standardwebhooks';
import { check, type DeliveryLog, type Logs } from '../support/checks';
import type { OwnerLook } from '../support/owners';
import type { Received } from '../support/receiver';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const request = (fields: Partial<Received> & { id?: string; secret?: string } = {}): Received => {
  const { id = 'evt_1', secret = SECRET, body = '{"a":1}', path = '/a', at = performance.now() } = fields;
  const now = new Date();
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(now.getTime() / 1000)), 'webhook-signature': new Webhook(secret).sign(id, now, body) };
  return { path, body, at, headers };
};
const delivery = (fields: Partial<DeliveryLog> = {}): DeliveryLog => ({
  id: 'dlv_1', eventId: 'evt_1', workspaceId: 'wsp_1', endpointId: 'ep_1', status: 'DELIVERED', reason: null, resendOf: null,
  attempts: [{ number: 1, outcome: 'ok' }], ...fields,
});
const logs = (fields: Partial<Logs> = {}): Logs => ({
  acknowledged: [{ eventId: 'evt_1', workspaceId: 'wsp_1', endpointIds: ['ep_1'] }],
  endpoints: [{ id: 'ep_1', workspaceId: 'wsp_1', path: '/a', secret: SECRET }],
  received: [request()], deliveries: [delivery()], crashes: 0, ...fields,
});
const looksAt = (...looks: readonly (readonly [number, boolean])[]): OwnerLook[] =>
  looks.map(([atMs, isUp]) => ({ atMs, isUp, ownerless: [{ what: 'attempt dlv_1 1', timeoutMs: 30_000 }] }));
const found = (fields: Partial<Logs>): string[] => [...new Set(check(logs(fields)).map(({ invariant }) => invariant))].sort();

describe('the checker of the invariants', () => {
  test('finds nothing wrong with a delivery that went well, was given up, is held, or lived through a crash', () => {
    expect(check(logs())).toEqual([]);
    expect(found({ received: [], deliveries: [delivery({ status: 'EXHAUSTED', attempts: [{ number: 1, outcome: 'connection_refused' }] })] })).toEqual([]);
    expect(found({ received: [], deliveries: [delivery({ status: 'HELD', reason: 'endpoint_deactivated', attempts: [] })] })).toEqual([]);
    const attempts = [{ number: 1, outcome: 'unknown' }, { number: 2, outcome: 'ok' }];
    expect(found({ received: [request(), request()], deliveries: [delivery({ attempts })], crashes: 1 })).toEqual([]);
    const resend = delivery({ id: 'dlv_2', resendOf: 'dlv_1' });
    expect(found({ received: [request(), request()], deliveries: [delivery(), resend], earlier: [delivery()] })).toEqual([]);
  });
  test('counts the time without an owner anew after what was away is back, and after it had one', () => {
    expect(found({ looks: looksAt([0, true], [80_000, true], [85_000, false], [170_000, true]) })).toEqual([]);
    expect(found({ looks: [...looksAt([0, true], [80_000, true]), { atMs: 85_000, isUp: true, ownerless: [] }, ...looksAt([90_000, true], [170_000, true])] })).toEqual([]);
    expect(found({ replays: [{ workflowId: 'event/evt_1', fault: null }] })).toEqual([]);
  });
  test.each<readonly [string, string, Partial<Logs>]>([
    ['an acknowledged event that nobody is owed', 'I1', { deliveries: [], received: [] }],
    ['an event that is owed twice', 'I2', { deliveries: [delivery(), delivery({ id: 'dlv_2' })] }],
    ['a delivery that is stuck', 'I3', { received: [], deliveries: [delivery({ status: 'PENDING', attempts: [] })] }],
    ['a delivery that is held for no reason', 'I3', { received: [], deliveries: [delivery({ status: 'HELD', attempts: [] })] }],
    ['a delivery without a request', 'I4', { received: [] }],
    ['a delivery without a success', 'I4', { deliveries: [delivery({ attempts: [{ number: 1, outcome: 'http_error' }] })] }],
    ['a repeat without a crash', 'I5', { received: [request(), request()], deliveries: [delivery({ attempts: [{ number: 1, outcome: 'unknown' }, { number: 2, outcome: 'ok' }] })] }],
    ['a repeat with other bytes', 'I5', {
      received: [request(), request({ body: '{"a":2}' })], crashes: 1, deliveries: [delivery({ attempts: [{ number: 1, outcome: 'unknown' }, { number: 2, outcome: 'ok' }] })],
    }],
    ['a signature of another secret', 'I6', { received: [request({ secret: `whsec_${Buffer.alloc(32, 8).toString('base64')}` })] }],
    ['a request without an attempt', 'I7', { received: [request(), request()], crashes: 1 }],
    ['an attempt that nobody closed', 'I7', { deliveries: [delivery({ attempts: [{ number: 1, outcome: 'ok' }, { number: 2, outcome: null }] })] }],
    ['a row that nobody takes care of', 'I8', { looks: looksAt([0, true], [40_000, true], [80_000, true], [91_000, true]) }],
    ['a workflow that does not replay', 'I10', { replays: [{ workflowId: 'event/evt_1', fault: 'nondeterminism' }] }],
    ['a delivery that was over and went on', 'I11', { earlier: [delivery({ status: 'EXHAUSTED', attempts: [{ number: 1, outcome: 'http_error' }] })] }],
    ['a delivery that was over and is gone', 'I11', { earlier: [delivery({ id: 'dlv_2', status: 'CANCELLED' })] }],
    ['an attempt after a success', 'I11', { deliveries: [delivery({ attempts: [{ number: 1, outcome: 'ok' }, { number: 2, outcome: 'unknown' }] })] }],
    ['an event of another workspace', 'I9', {
      acknowledged: [{ eventId: 'evt_1', workspaceId: 'wsp_2', endpointIds: ['ep_1'] }],
    }],
  ])('finds %s', (_, invariant, fields) => {
    expect(found(fields)).toContain(invariant);
  });
});
