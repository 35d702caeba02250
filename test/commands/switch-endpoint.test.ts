import {
  deactivateEndpoint, drainEndpoint, failEndpoint, reactivateEndpoint, recoverEndpoint,
} from '../../src/commands/switch-endpoint';
import { makeEndpoint, makeOwner, makeWorkspace, newId } from '../support/make';
import { makeOwed, owedRow, takeSignals, type OwedRow } from '../support/owed';
import { freshDatabase, type TestDatabase } from '../support/postgres';

const DAY_MS = 86_400_000;
const deps = { newId, now: () => new Date() };

let database: TestDatabase;
let workspaceId: string;
let endpointId: string;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());
beforeEach(async () => void ({ workspaceId, endpointId } = await makeOwner(database.db)));

const of = () => ({ workspaceId, endpointId, actor: 'key_test' });
const owe = async (given: OwedRow): Promise<string> => (await makeOwed(database.db, workspaceId, endpointId, given)).id;
const row = (id: string) => owedRow(database.db, id);
const deactivate = (reason = 'manual') => database.db.transaction((trx) => deactivateEndpoint(deps, trx, { ...of(), reason }));
const reactivate = (drain: boolean) => database.db.transaction((trx) => reactivateEndpoint(deps, trx, { ...of(), drain }));
const drain = (action: 'start' | 'pause' | 'drop') => database.db.transaction((trx) => drainEndpoint(deps, trx, { ...of(), action }));
const fail = () => database.db.transaction((trx) => failEndpoint(deps, trx, of()));
const recover = () => database.db.transaction((trx) => recoverEndpoint(deps, trx, of()));
const announced = async () => (await database.db.query<{ type: string; data: string }>({
  text: 'select type, data from events where workspace_id = $1 and type like $2 order by id', values: [workspaceId, 'endpoint.%'],
}));
const audited = async () => (await database.db.query<{ actor: string; action: string; detail: string }>({
  text: 'select actor, action, detail from audit where workspace_id = $1 order by id', values: [workspaceId],
}));
const revision = async () =>
  (await database.db.query<{ r: number }>({ text: 'select routing_revision as r from workspaces where id = $1', values: [workspaceId] }))[0]?.r;

describe('deactivating', () => {
  it('holds what waits for at most holdFor, by the lane, with its attempts', async () => {
    const [fresh, tried, done] = [await owe({ way: 'fast' }), await owe({ status: 'RETRYING', way: 'retry', attemptCount: 3 }), await owe({ status: 'DELIVERED' })];
    const endpoint = await deactivate();
    expect(endpoint).toMatchObject({ status: 'DEACTIVATED', statusReason: 'manual' });
    expect(await row(fresh)).toMatchObject({ status: 'HELD', way: 'lane', attempt_count: 0, due_ms: null });
    const held = await row(tried);
    expect(held).toMatchObject({ status: 'HELD', way: 'lane', attempt_count: 3, due_ms: null });
    expect(Math.abs((held?.hold_ms ?? 0) - 14 * DAY_MS)).toBeLessThan(60_000);
    expect(await row(done)).toMatchObject({ status: 'DELIVERED' });
  });

  it('discards it where the policy says so', async () => {
    endpointId = await makeEndpoint(database.db, workspaceId, { policy: { whileDeactivated: 'discard' } });
    const id = await owe({ status: 'RETRYING', way: 'retry', attemptCount: 1 });
    await deactivate();
    expect(await row(id)).toMatchObject({ status: 'CANCELLED', reason: 'discarded', due_ms: null });
  });

  it('is told to the watcher, to those who ask for operational events, in the audit trail and to the routing', async () => {
    await owe({});
    const before = await revision();
    await deactivate('gone');
    expect(await takeSignals(database.db, endpointId)).toEqual(['changed']);
    const [event] = await announced();
    expect(event?.type).toBe('endpoint.deactivated');
    expect(JSON.parse(event?.data ?? '')).toEqual({
      endpointId, name: null, host: '127.0.0.1:9', status: 'DEACTIVATED', reason: 'gone', since: expect.stringMatching(/Z$/),
    });
    const [line] = await audited();
    expect(line).toMatchObject({ actor: 'key_test', action: 'endpoint.deactivate' });
    expect(JSON.parse(line?.detail ?? '')).toEqual({ status: 'DEACTIVATED', reason: 'gone', held: 1 });
    expect(await revision()).toBe((before ?? 0) + 1);
  });

  it('happens once, however many ask at once', async () => {
    await Promise.all([deactivate(), deactivate('gone'), deactivate('moving house')]);
    expect(await announced()).toHaveLength(1);
    expect(await takeSignals(database.db, endpointId)).toEqual(['changed']);
  });

  it("lets a person's word take the place of a reason that was found, not the other way round", async () => {
    const held = await owe({});
    await deactivate('exhausted');
    expect(await deactivate('failing_for')).toMatchObject({ statusReason: 'exhausted' });
    await takeSignals(database.db, endpointId);
    expect(await deactivate('gone')).toMatchObject({ status: 'DEACTIVATED', statusReason: 'gone' });
    expect(await deactivate('exhausted')).toMatchObject({ statusReason: 'gone' });
    expect(await takeSignals(database.db, endpointId)).toEqual(['changed']);
    expect(await announced()).toHaveLength(1);
    expect((await audited()).map(({ detail }) => (JSON.parse(detail) as { reason: string }).reason)).toEqual(['exhausted', 'gone']);
    expect(await row(held)).toMatchObject({ status: 'HELD' });
  });

  it("is a 404 for another workspace's endpoint", async () => {
    const stranger = await makeWorkspace(database.db);
    const attempt = database.db.transaction((trx) => deactivateEndpoint(deps, trx, { ...of(), workspaceId: stranger, reason: 'manual' }));
    await expect(attempt).rejects.toMatchObject({ code: 'not_found' });
  });

  it('does not deadlock with a second one that holds the same rows', async () => {
    for (let n = 0; n < 30; n++) await owe({});
    await Promise.all([deactivate(), fail(), drain('drop').catch(() => undefined), reactivate(true), recover()]);
    expect(['ACTIVE', 'FAILING', 'DEACTIVATED']).toContain((await database.db.query<{ status: string }>({ text: 'select status from endpoints where id = $1', values: [endpointId] }))[0]?.status);
  });
});

describe('reactivating', () => {
  it('with drain, sends what is held: first attempts as PENDING, others as due retries', async () => {
    const [fresh, tried] = [await owe({}), await owe({ status: 'RETRYING', way: 'retry', attemptCount: 2 })];
    await database.db.query({ text: 'update endpoint_health set consecutive_failures = 7, exhausted = 1, failing_since = now() where endpoint_id = $1', values: [endpointId] });
    await deactivate();
    expect(await reactivate(true)).toMatchObject({ status: 'ACTIVE', statusReason: null, drainPaused: false });
    expect(await row(fresh)).toMatchObject({ status: 'PENDING', way: 'lane', reason: 'draining', due_ms: null, hold_ms: null });
    const due = await row(tried);
    expect(due).toMatchObject({ status: 'RETRYING', way: 'lane', reason: 'draining', attempt_count: 2, hold_ms: null });
    expect(due?.due_ms).toBeLessThanOrEqual(0);
    const [health] = await database.db.query({ text: 'select consecutive_failures, exhausted, failing_since from endpoint_health where endpoint_id = $1', values: [endpointId] });
    expect(health).toEqual({ consecutive_failures: 0, exhausted: 0, failing_since: null });
    expect((await announced()).map(({ type }) => type)).toEqual(['endpoint.deactivated', 'endpoint.reactivated']);
  });

  it('without drain, keeps it until the drain is started', async () => {
    const id = await owe({});
    await deactivate();
    expect(await reactivate(false)).toMatchObject({ status: 'ACTIVE', drainPaused: true });
    expect(await row(id)).toMatchObject({ status: 'HELD', reason: 'drain_paused' });
    await takeSignals(database.db, endpointId);
    expect(await drain('start')).toMatchObject({ drainPaused: false });
    expect(await row(id)).toMatchObject({ status: 'PENDING', reason: 'draining' });
    expect(await takeSignals(database.db, endpointId)).toEqual(['changed']);
  });

  it('starts a paused drain where the endpoint is active already, and else does nothing', async () => {
    const id = await owe({});
    await deactivate();
    await reactivate(false);
    await takeSignals(database.db, endpointId);
    await reactivate(false);
    expect(await row(id)).toMatchObject({ status: 'HELD' });
    expect(await takeSignals(database.db, endpointId)).toEqual([]);
    await reactivate(true);
    expect(await row(id)).toMatchObject({ status: 'PENDING', reason: 'draining' });
    expect(await announced()).toHaveLength(2);
  });
});

describe('a drain', () => {
  it('is paused: what has not left is held again, what never was held is not touched', async () => {
    const [held, other] = [await owe({ status: 'HELD' }), await owe({ reason: 'rate_limited' })];
    await drain('start');
    expect(await drain('pause')).toMatchObject({ drainPaused: true });
    expect(await row(held)).toMatchObject({ status: 'HELD', reason: 'drain_paused' });
    expect((await row(held))?.hold_ms).toBeGreaterThan(13 * DAY_MS);
    expect(await row(other)).toMatchObject({ status: 'PENDING', reason: 'rate_limited' });
  });

  it('is dropped: what is held and what drains is discarded, also while deactivated', async () => {
    const [held, draining, live] = [await owe({ status: 'HELD' }), await owe({ reason: 'draining' }), await owe({})];
    await drain('drop');
    expect(await row(held)).toMatchObject({ status: 'CANCELLED', reason: 'discarded', hold_ms: null });
    expect(await row(draining)).toMatchObject({ status: 'CANCELLED', reason: 'discarded' });
    expect(await row(live)).toMatchObject({ status: 'PENDING' });
    await deactivate();
    await drain('drop');
    expect(await row(live)).toMatchObject({ status: 'CANCELLED', reason: 'discarded' });
  });

  it('is neither started nor paused while the endpoint is deactivated', async () => {
    await deactivate();
    await expect(drain('start')).rejects.toMatchObject({ code: 'endpoint_deactivated' });
    await expect(drain('pause')).rejects.toMatchObject({ code: 'endpoint_deactivated' });
  });
});

describe('the breaker', () => {
  it('opens: first attempts of the lane wait for it, retries keep their schedule', async () => {
    const [fresh, tried, fast] = [await owe({ reason: 'rate_limited' }), await owe({ status: 'RETRYING', way: 'retry', attemptCount: 1 }), await owe({ way: 'fast' })];
    expect(await fail()).toMatchObject({ status: 'FAILING', statusReason: 'breaker' });
    expect(await row(fresh)).toMatchObject({ status: 'PENDING', reason: 'endpoint_failing' });
    expect(await row(tried)).toMatchObject({ status: 'RETRYING', way: 'retry', reason: null });
    expect(await row(fast)).toMatchObject({ status: 'PENDING', way: 'fast', reason: null });
    expect((await announced()).map(({ type }) => type)).toEqual(['endpoint.failing']);
  });

  it('closes: what waited for it drains', async () => {
    const id = await owe({});
    await fail();
    expect(await recover()).toMatchObject({ status: 'ACTIVE', statusReason: null });
    expect(await row(id)).toMatchObject({ status: 'PENDING', reason: 'draining' });
    expect((await audited()).map(({ action }) => action)).toEqual(['endpoint.fail', 'endpoint.recover']);
  });

  it('moves only between ACTIVE and FAILING', async () => {
    expect(await recover()).toMatchObject({ status: 'ACTIVE' });
    await deactivate();
    expect(await fail()).toMatchObject({ status: 'DEACTIVATED' });
    expect(await recover()).toMatchObject({ status: 'DEACTIVATED' });
    expect(await announced()).toHaveLength(1);
  });

  it('is closed by hand with a reactivation', async () => {
    const id = await owe({});
    await fail();
    expect(await reactivate(true)).toMatchObject({ status: 'ACTIVE', statusReason: null, drainPaused: false });
    expect(await row(id)).toMatchObject({ status: 'PENDING', reason: 'draining' });
  });
});
