import type { Deps } from '../../src/deps';
import type { FirstAttempts } from '../../src/engine/first-attempts';
import { createGate } from '../../src/engine/gate';
import { retryDelivery, type RetryParts } from '../../src/engine/retry';
import type { BegunAttempt, Send } from '../../src/engine/sender';
import { settle, type SettleParts } from '../../src/engine/settle';
import { createMetrics } from '../../src/metrics/metrics';
import { createKeyRing } from '../../src/seal';
import { lookAtDeliveries } from '../../src/store/attempts';
import { makeEndpoint, makeWorkspace, newId } from '../support/make';
import { makeOwed, owedRow, type OwedRow } from '../support/owed';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());

const sent: BegunAttempt[] = [];
const parts = (): SettleParts & RetryParts => ({
  deps: { db: database.db, keyRing: createKeyRing([`k1:${Buffer.alloc(32).toString('base64')}`]), newId, metrics: createMetrics() } as unknown as Deps,
  firstAttempts: { underWay: () => undefined } as unknown as FirstAttempts,
  gate: createGate(),
  onOutbox: () => undefined,
  // Nothing is recorded: whoever asks for a request has it under way for as long as the test lasts.
  send: ((attempt: BegunAttempt) => {
    sent.push(attempt);
    return Promise.resolve({ recorded: null });
  }) as unknown as Send,
});

/** A delivery whose worker was lost in its first attempt, at an endpoint as it is now. */
async function lost(endpoint: { status: string; policy?: object }, given: OwedRow): Promise<{ id: string; eventId: string }> {
  const workspaceId = await makeWorkspace(database.db);
  const endpointId = await makeEndpoint(database.db, workspaceId, endpoint);
  const owed = await makeOwed(database.db, workspaceId, endpointId, given);
  await database.db.query({
    text: `insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until) values ($1, $2, $3, $4, $5, $6, now() - interval '1 second')`,
    values: [owed.eventId, newId('attempt'), owed.id, workspaceId, endpointId, (given.attemptCount ?? 0) + 1],
  });
  sent.length = 0;
  return owed;
}

describe('An attempt whose worker was lost', () => {
  it('is not made again at an endpoint that was deactivated since: the delivery is held', async () => {
    const owed = await lost({ status: 'DEACTIVATED' }, { way: 'fast' });
    const [look] = await settle(parts(), owed, AbortSignal.timeout(10_000));
    expect(look).toMatchObject({ status: 'HELD', way: 'lane', attemptCount: 1, attempt: { number: 1, outcome: 'unknown' } });
    expect(await owedRow(database.db, owed.id)).toMatchObject({ reason: 'endpoint_deactivated', due_ms: null });
    expect((await owedRow(database.db, owed.id))?.hold_ms).toBeGreaterThan(3_600_000);
    expect(sent).toEqual([]);
  });

  it('nor in the workflow of a retry; where the policy discards, the delivery is over', async () => {
    const owed = await lost({ status: 'DEACTIVATED', policy: { whileDeactivated: 'discard' } }, { way: 'retry', status: 'RETRYING', attemptCount: 2 });
    expect(await retryDelivery(parts(), owed)).toMatchObject({ status: 'CANCELLED', last: 'unknown' });
    expect(await owedRow(database.db, owed.id)).toMatchObject({ status: 'CANCELLED', reason: 'discarded', attempt_count: 3, due_ms: null, hold_ms: null });
    expect(sent).toEqual([]);
  });

  it('is made again at one that is called', async () => {
    const owed = await lost({ status: 'ACTIVE' }, { way: 'retry', status: 'RETRYING', attemptCount: 2 });
    await retryDelivery(parts(), owed);
    expect((await lookAtDeliveries(database.db, [owed]))[0]).toMatchObject({ status: 'RETRYING', attemptCount: 3, attempt: { number: 4, outcome: null } });
    expect(sent).toMatchObject([{ number: 4, deliveryId: owed.id }]);
  });
});
