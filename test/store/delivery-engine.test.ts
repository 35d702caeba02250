import { beginAttempts, countLastAttempt, lookAtDeliveries, takeOverAttempt } from '../../src/store/attempts';
import { hasLiveAttempts, headOfLane, lookAtFifoLane, lookAtLane, nextInLane } from '../../src/store/lane';
import { keepRetries, passToLane } from '../../src/store/lane-moves';
import { claimEvents, claimWakes, finishClaims, freeDeadClaims, readFold, renewClaims, returnClaims, saveFold } from '../../src/store/outbox-claim';
import { deliveriesOf, savePlans, saveRun, type PlannedDelivery } from '../../src/store/plan';
import { reconcile } from '../../src/store/reconcile';
import { recordAttempts, withdrawAttempts, type FinishedAttempt } from '../../src/store/record';
import { recordHealth, type HealthDelta } from '../../src/store/record-health';
import { makeDue } from '../../src/store/redeliveries';
import { holdStragglers, readHealthFacts, releaseStragglers } from '../../src/store/watch';
import { makeEvents, makeOwner, makeWorkspace, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

let database: TestDatabase;
let workspaceId: string;
let endpointId: string;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  ({ workspaceId, endpointId } = await makeOwner(database.db));
  await database.db.query({ text: 'delete from outbox' });
});

const planned = (eventId: string, fields: Partial<PlannedDelivery> = {}): PlannedDelivery => ({
  id: newId('delivery'), eventId, workspaceId, endpointId, status: 'PENDING', reason: null, way: 'fast', holdForMs: null,
  attempt: { id: newId('attempt'), leaseMs: 20_000 }, ...fields,
});

const finished = (delivery: PlannedDelivery, fields: Partial<FinishedAttempt> = {}): FinishedAttempt => ({
  workspaceId, eventId: delivery.eventId, deliveryId: delivery.id, endpointId, number: 1, startedAt: new Date(), durationMs: 3.4, outcome: 'ok',
  statusCode: 200, error: null, request: { url: 'http://x/', headers: '{}', bodySha256: 'ab' }, response: { headers: '{}', body: '', truncated: false },
  next: 'DELIVERED', afterMs: null, nextWay: 'retry', byRetry: false, counts: true, holdForMs: 1_000, discard: false, ...fields,
});

async function planOne(fields: Partial<PlannedDelivery> = {}): Promise<PlannedDelivery> {
  const [eventId = ''] = await makeEvents(database.db, workspaceId, 1);
  const delivery = planned(eventId, fields);
  await savePlans(database.db, [{ eventId, workspaceId, deliveries: [delivery] }]);
  return delivery;
}

async function planMany(count: number, fields: Partial<PlannedDelivery> = {}): Promise<PlannedDelivery[]> {
  const deliveries = (await makeEvents(database.db, workspaceId, count)).map((eventId) => planned(eventId, fields));
  await savePlans(database.db, deliveries.map((delivery) => ({ eventId: delivery.eventId, workspaceId, deliveries: [delivery] })));
  return deliveries;
}

/** How many of the endpoint's deliveries go each way. */
const waysOf = (): Promise<{ way: string; count: number }[]> =>
  database.db.query({ text: 'select way, count(*) from deliveries where endpoint_id = $1 group by way order by way', values: [endpointId] });

const outbox = (): Promise<{ kind: string; signal: string | null; endpoint_id: string | null }[]> =>
  database.db.query({ text: 'select kind, signal, endpoint_id from outbox order by id' });

describe('A plan', () => {
  it('is saved once, whoever comes second', async () => {
    const [eventId = ''] = await makeEvents(database.db, workspaceId, 1);
    const both = await Promise.all([1, 2, 3, 4].map(() => savePlans(database.db, [{ eventId, workspaceId, deliveries: [planned(eventId)] }])));
    expect(both.filter((mine) => mine.has(eventId))).toHaveLength(1);
    const deliveries = await deliveriesOf(database.db, [eventId]);
    expect(await saveRun(database.db, [eventId], `event/${eventId}`, 'run')).toEqual(new Map([[eventId, 1]]));
    expect(deliveries).toHaveLength(1);
    expect((await lookAtDeliveries(database.db, deliveries))[0]?.attempt).toMatchObject({ number: 1, outcome: null });
  });

  it('wakes the watcher of what waits in a lane, once for all of its rows', async () => {
    const ids = await makeEvents(database.db, workspaceId, 3);
    await database.db.query({ text: 'delete from outbox' });
    await savePlans(database.db, ids.map((eventId) => ({ eventId, workspaceId, deliveries: [planned(eventId, { way: 'lane', reason: 'fifo', attempt: null })] })));
    expect(await outbox()).toEqual([{ kind: 'signal', signal: 'changed', endpoint_id: endpointId }]);
  });

  it('says how long what is held may be held', async () => {
    const delivery = await planOne({ status: 'HELD', way: 'lane', reason: 'endpoint_deactivated', holdForMs: 60_000, attempt: null });
    const [row] = await database.db.query<{ ms: number }>({ text: 'select extract(epoch from hold_until - now())::float8 * 1000 as ms from deliveries where id = $1', values: [delivery.id] });
    expect(row?.ms).toBeGreaterThan(50_000);
  });
});

describe('A record', () => {
  it('ends a delivery that was answered well', async () => {
    const delivery = await planOne();
    expect((await recordAttempts(database.db, [finished(delivery)])).recorded).toEqual([{ deliveryId: delivery.id, status: 'DELIVERED', way: 'fast' }]);
    expect((await lookAtDeliveries(database.db, [delivery]))[0]).toMatchObject({ status: 'DELIVERED', attemptCount: 1, failures: 0, attempt: { outcome: 'ok', statusCode: 200, durationMs: 3 } });
  });

  it('plans the retry of one that failed, and leaves the start of its workflow in the outbox', async () => {
    const delivery = await planOne();
    await database.db.query({ text: 'delete from outbox' });
    await recordAttempts(database.db, [finished(delivery, { outcome: 'http_error', statusCode: 503, next: 'RETRYING', afterMs: 5_000 })]);
    const [look] = await lookAtDeliveries(database.db, [delivery]);
    expect(look).toMatchObject({ status: 'RETRYING', way: 'retry', attemptCount: 1, failures: 1 });
    expect(look?.dueInMs).toBeGreaterThan(4_000);
    expect(await outbox()).toMatchObject([{ kind: 'retry' }]);
  });

  it('does not start the workflow that reports', async () => {
    const delivery = await planOne();
    await database.db.query({ text: 'delete from outbox' });
    await recordAttempts(database.db, [finished(delivery, { outcome: 'http_error', next: 'RETRYING', afterMs: 5_000, byRetry: true })]);
    expect(await outbox()).toEqual([]);
  });

  it('holds what fails while its endpoint is deactivated, and cancels it where the policy discards', async () => {
    const [held, discarded] = [await planOne(), await planOne()];
    await database.db.query({ text: `update endpoints set status = 'DEACTIVATED' where id = $1`, values: [endpointId] });
    const failure = { outcome: 'http_error', next: 'RETRYING', afterMs: 5_000 } as const;
    await recordAttempts(database.db, [finished(held, failure), finished(discarded, { ...failure, discard: true })]);
    const looks = await lookAtDeliveries(database.db, [held, discarded]);
    expect(looks.map(({ id, status }) => [id, status])).toEqual(expect.arrayContaining([[held.id, 'HELD'], [discarded.id, 'CANCELLED']]));
  });

  it('of a process that was fenced changes nothing', async () => {
    const delivery = await planOne({ attempt: { id: newId('attempt'), leaseMs: -1_000 } });
    const next = { eventId: delivery.eventId, id: delivery.id, attemptId: newId('attempt'), number: 2, leaseMs: 10_000 };
    const winners = await Promise.all([1, 2, 3].map((n) => takeOverAttempt(database.db, { ...next, attemptId: newId('attempt'), leaseMs: 10_000 + n })));
    expect(winners.filter(Boolean)).toHaveLength(1);
    expect((await recordAttempts(database.db, [finished(delivery)])).recorded).toEqual([]);
    const attempts = await database.db.query({ text: 'select number, outcome from attempts where delivery_id = $1 order by number', values: [delivery.id] });
    expect(attempts).toEqual([{ number: 1, outcome: 'unknown' }, { number: 2, outcome: null }]);
    expect((await lookAtDeliveries(database.db, [delivery]))[0]).toMatchObject({ status: 'PENDING', attemptCount: 1, failures: 0 });
  });

  it('does not touch a delivery that was cancelled meanwhile, but keeps what came of its attempt', async () => {
    const delivery = await planOne();
    await database.db.query({ text: `update deliveries set status = 'CANCELLED' where id = $1`, values: [delivery.id] });
    expect((await recordAttempts(database.db, [finished(delivery)])).recorded).toEqual([]);
    expect((await lookAtDeliveries(database.db, [delivery]))[0]).toMatchObject({ status: 'CANCELLED', attempt: { outcome: 'ok' } });
  });

  it('lets at most 50 retries of a failing endpoint have workflows', async () => {
    await database.db.query({ text: `update endpoints set status = 'FAILING' where id = $1`, values: [endpointId] });
    const deliveries = await planMany(53);
    await recordAttempts(database.db, deliveries.map((delivery) => finished(delivery, { outcome: 'timeout', next: 'RETRYING', afterMs: 60_000 })));
    expect(await waysOf()).toEqual([{ way: 'lane', count: 3 }, { way: 'retry', count: 50 }]);
  });

  it('does so before the breaker has opened, where ten have failed in a row, and tells the watcher what is in its lane', async () => {
    const deliveries = await planMany(120);
    const failure = { outcome: 'timeout', next: 'RETRYING', afterMs: 60_000 } as const;
    await recordAttempts(database.db, deliveries.slice(0, 60).map((delivery) => finished(delivery, failure)));
    await recordAttempts(database.db, deliveries.slice(60).map((delivery) => finished(delivery, failure)));
    expect(await waysOf()).toEqual([{ way: 'lane', count: 70 }, { way: 'retry', count: 50 }]);
    expect((await outbox()).filter(({ kind, endpoint_id }) => kind === 'signal' && endpoint_id === endpointId)).toHaveLength(2);
    expect((await outbox()).filter(({ kind }) => kind === 'retry')).toHaveLength(50);
    // A workflow that runs goes on, whatever there is of others.
    const [running] = await database.db.query<{ event_id: string; id: string }>({ text: `select event_id, id from deliveries where endpoint_id = $1 and way = 'retry' limit 1`, values: [endpointId] });
    const again = { eventId: running!.event_id, id: running!.id, attemptId: newId('attempt'), number: 2, leaseMs: 10_000 };
    await beginAttempts(database.db, [again]);
    await recordAttempts(database.db, [finished({ ...deliveries[0]!, eventId: again.eventId, id: again.id }, { ...failure, number: 2, byRetry: true })]);
    expect(await waysOf()).toEqual([{ way: 'lane', count: 70 }, { way: 'retry', count: 50 }]);
  });

  it('leaves those that are due first their workflows when the breaker opens, and wakes the others to end', async () => {
    const deliveries = await planMany(60);
    // Some of them succeed in between: nothing says that it is about to fail.
    for (let n = 0; n < 60; n += 6) {
      await recordAttempts(database.db, deliveries.slice(n, n + 6).map((delivery, i) =>
        finished(delivery, i === 0 ? {} : { outcome: 'timeout', next: 'RETRYING', afterMs: 3_600_000 - n * 10_000 })));
    }
    await recordAttempts(database.db, (await planMany(10)).map((delivery) => finished(delivery, { outcome: 'http_error', next: 'RETRYING', afterMs: 1_000, counts: false })));
    expect(await waysOf()).toEqual([{ way: 'fast', count: 10 }, { way: 'retry', count: 60 }]);
    await database.db.query({ text: 'delete from outbox' });
    expect(await keepRetries(database.db, endpointId, 50)).toBe(10);
    expect(await waysOf()).toEqual([{ way: 'fast', count: 10 }, { way: 'lane', count: 10 }, { way: 'retry', count: 50 }]);
    const [due] = await database.db.query<{ kept_first: boolean }>({
      text: `select max(next_attempt_at) filter (where way = 'retry') <= min(next_attempt_at) filter (where way = 'lane') as kept_first from deliveries where endpoint_id = $1`,
      values: [endpointId],
    });
    expect(due?.kept_first).toBe(true);
    expect((await outbox()).map(({ kind, signal }) => [kind, signal])).toEqual(Array(10).fill(['signal', 'wake']));
    expect(await keepRetries(database.db, endpointId, 50)).toBe(0);
  });
});

describe('Health', () => {
  const delta = (fields: Partial<HealthDelta>): HealthDelta => ({
    endpointId, workspaceId, succeeded: false, trailingFailures: 0, trailingUnreachable: 0, allUnreachable: true, trailingExhausted: 0,
    lastFailure: null, consecutiveLimit: null, exhaustedLimit: null, ...fields,
  });
  const failed = (count: number): HealthDelta => delta({ trailingFailures: count, trailingUnreachable: count, lastFailure: 'timeout' });

  it('tells the watcher of the first failure, of the fifth, and of the success after, and of nothing in between', async () => {
    const told = async (change: HealthDelta): Promise<number> => {
      await database.db.query({ text: 'delete from outbox' });
      await recordHealth(database.db, [change]);
      return (await outbox()).length;
    };
    expect(await told(delta({ succeeded: true }))).toBe(0);
    expect(await told(failed(1))).toBe(1);
    expect(await told(failed(2))).toBe(0);
    expect(await told(failed(2))).toBe(1);
    expect(await told(failed(1))).toBe(0);
    expect(await readHealthFacts(database.db, endpointId)).toMatchObject({ consecutiveFailures: 6, consecutiveUnreachable: 6 });
    expect(await told(delta({ succeeded: true }))).toBe(1);
    expect(await readHealthFacts(database.db, endpointId)).toMatchObject({ consecutiveFailures: 0, consecutiveUnreachable: 0, failingForMs: null });
  });

  it('has to hear of a success only where that changes something, or it is not known', async () => {
    const isNewsOf = async (...deliveries: PlannedDelivery[]): Promise<boolean> =>
      (await recordAttempts(database.db, deliveries.map((delivery) => finished(delivery)))).isHealthNews;
    const [first, second, third, again] = await planMany(4);
    expect(await isNewsOf(first!)).toBe(true);
    // Noted a moment ago, for long enough that no slow machine makes it old.
    await database.db.query({ text: `update endpoint_health set last_success_at = now() + interval '1 minute' where endpoint_id = $1`, values: [endpointId] });
    expect(await isNewsOf(second!)).toBe(false);
    expect(await isNewsOf(second!, third!)).toBe(true);
    await recordHealth(database.db, [failed(1)]);
    expect(await isNewsOf(again!)).toBe(true);
  });

  it('says for how many watchers it left a signal', async () => {
    expect(await recordHealth(database.db, [failed(1)])).toBe(1);
    expect(await recordHealth(database.db, [failed(1)])).toBe(0);
    expect(await recordHealth(database.db, [delta({ succeeded: true })])).toBe(1);
  });

  it('loses no failure of two processes at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => recordHealth(database.db, [failed(1)])));
    expect(await readHealthFacts(database.db, endpointId)).toMatchObject({ consecutiveFailures: 20 });
  });
});

describe('The lane', () => {
  it('takes back what was not begun in time', async () => {
    const delivery = await planOne();
    await database.db.query({ text: 'delete from outbox' });
    await withdrawAttempts(database.db, [{ eventId: delivery.eventId, deliveryId: delivery.id, number: 1 }]);
    expect((await lookAtDeliveries(database.db, [delivery]))[0]).toMatchObject({ status: 'PENDING', way: 'lane', attempt: null });
    expect(await outbox()).toMatchObject([{ signal: 'changed', endpoint_id: endpointId }]);
  });

  it('is served in event order, without what is in flight, and only what is due', async () => {
    const [first, second, later] = [
      await planOne({ way: 'lane', attempt: null }), await planOne({ way: 'lane', attempt: null }), await planOne({ way: 'lane', attempt: null }),
    ];
    await database.db.query({ text: `update deliveries set status = 'RETRYING', next_attempt_at = now() + interval '1 hour' where id = $1`, values: [later.id] });
    expect((await nextInLane(database.db, endpointId, 'all', [], 10)).map(({ id }) => id)).toEqual([first.id, second.id]);
    expect((await nextInLane(database.db, endpointId, 'all', [first.id], 10)).map(({ id }) => id)).toEqual([second.id]);
    expect(await lookAtLane(database.db, endpointId)).toMatchObject({ hasPending: true, hasDueRetry: false, hasHeld: false });
  });

  it('takes first attempts and retries by turns, unless it is drained', async () => {
    const retries = await planMany(30, { way: 'lane', attempt: null });
    await database.db.query({ text: `update deliveries set status = 'RETRYING', next_attempt_at = now() - interval '1 second' where endpoint_id = $1`, values: [endpointId] });
    const fresh = await planMany(30, { way: 'lane', attempt: null });
    const inTurns = await nextInLane(database.db, endpointId, 'all', [], 10, 'live');
    expect(inTurns.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4].flatMap((n) => [retries[n]!.id, fresh[n]!.id]));
    expect((await nextInLane(database.db, endpointId, 'all', [], 10)).map(({ id }) => id)).toEqual(retries.slice(0, 10).map(({ id }) => id));
    expect((await nextInLane(database.db, endpointId, 'retries', [retries[0]!.id], 5)).map(({ id }) => id)).toEqual(retries.slice(1, 6).map(({ id }) => id));
  });

  it('takes over a retry that found no place, once, and not while an attempt is under way', async () => {
    const [retry, busy] = [await planOne(), await planOne()];
    await recordAttempts(database.db, [retry, busy].map((delivery) => finished(delivery, { outcome: 'timeout', next: 'RETRYING', afterMs: 0 })));
    await beginAttempts(database.db, [{ eventId: busy.eventId, id: busy.id, attemptId: newId('attempt'), number: 2, leaseMs: 10_000 }]);
    await database.db.query({ text: 'delete from outbox' });
    for (const delivery of [retry, busy, retry]) await passToLane(database.db, delivery, 'rate_limited');
    expect((await lookAtDeliveries(database.db, [retry, busy])).map(({ id, way }) => [id, way]).sort()).toEqual([[retry.id, 'lane'], [busy.id, 'retry']].sort());
    expect(await outbox()).toEqual([{ kind: 'signal', signal: 'changed', endpoint_id: endpointId }]);
  });

  it('of an endpoint that wants order does not let its head go before what may be owed earlier is planned', async () => {
    const [unplanned = ''] = await makeEvents(database.db, workspaceId, 1);
    const behind = await planOne({ way: 'lane', reason: 'fifo', attempt: null });
    expect(await headOfLane(database.db, workspaceId, endpointId, '')).toEqual({ row: null, isBlocked: true });
    // The start of its workflow was acknowledged, and the workflow has not planned it yet.
    await database.db.query({ text: 'delete from outbox' });
    expect(await headOfLane(database.db, workspaceId, endpointId, '')).toEqual({ row: null, isBlocked: true });
    expect(await headOfLane(database.db, workspaceId, endpointId, unplanned)).toMatchObject({ row: { id: behind.id } });
    await savePlans(database.db, [{ eventId: unplanned, workspaceId, deliveries: [] }]);
    expect(await headOfLane(database.db, workspaceId, endpointId, '')).toMatchObject({ row: { id: behind.id }, isBlocked: false });
  });

  it('of an endpoint that wants order is its head alone: due, waiting or held', async () => {
    const [head] = [await planOne({ way: 'lane', reason: 'fifo', attempt: null }), await planOne({ way: 'lane', reason: 'fifo', attempt: null })];
    const set = (change: string): Promise<unknown> => database.db.query({ text: `update deliveries set ${change} where id = $1`, values: [head?.id] });
    expect(await lookAtFifoLane(database.db, endpointId)).toMatchObject({ hasPending: true, hasHeld: false, nextRetryMs: null });
    await set(`status = 'RETRYING', next_attempt_at = now() + interval '1 hour'`);
    const waiting = await lookAtFifoLane(database.db, endpointId);
    expect(waiting).toMatchObject({ hasPending: false, hasDueRetry: false, hasHeld: false });
    expect(waiting.nextRetryMs).toBeGreaterThan(3_000_000);
    await set(`next_attempt_at = now()`);
    expect(await lookAtFifoLane(database.db, endpointId)).toMatchObject({ hasPending: false, hasDueRetry: true });
    await set(`status = 'HELD', reason = 'drain_paused', next_attempt_at = null, hold_until = now() + interval '1 hour'`);
    expect(await lookAtFifoLane(database.db, endpointId)).toMatchObject({ hasPending: false, hasDueRetry: false, hasHeld: true, nextRetryMs: null });
  });

  it('is two streams, each in event order: what is drained, and all else', async () => {
    const rows: PlannedDelivery[] = [];
    for (const reason of ['draining', 'rate_limited', 'draining', 'rate_limited'] as const) rows.push(await planOne({ way: 'lane', reason, attempt: null }));
    const ids = async (stream: 'live' | 'drain' | null): Promise<string[]> => (await nextInLane(database.db, endpointId, 'all', [], 10, stream)).map(({ id }) => id);
    const all = rows.map(({ id }) => id);
    expect(await ids('drain')).toEqual([all[0], all[2]]);
    expect(await ids('live')).toEqual([all[1], all[3]]);
    expect(await ids(null)).toEqual(all);
    expect(await lookAtLane(database.db, endpointId)).toMatchObject({ hasPending: true, isDraining: true });
  });

  it('knows whether first attempts are made beside it, by whichever worker', async () => {
    const [pending] = [await planOne({ way: 'lane', attempt: null })];
    await beginAttempts(database.db, [{ eventId: pending?.eventId ?? '', id: pending?.id ?? '', attemptId: newId('attempt'), number: 1, leaseMs: 10_000 }]);
    expect(await hasLiveAttempts(database.db, endpointId)).toBe(false);
    await planOne();
    expect(await hasLiveAttempts(database.db, endpointId)).toBe(true);
  });

  it('begins nothing of what is held but a probe', async () => {
    const held = await planOne({ status: 'HELD', way: 'lane', reason: 'drain_paused', holdForMs: 60_000, attempt: null });
    const attempt = { eventId: held.eventId, id: held.id, attemptId: newId('attempt'), number: 1, leaseMs: 10_000 };
    expect((await beginAttempts(database.db, [attempt])).size).toBe(0);
    expect((await beginAttempts(database.db, [{ ...attempt, isProbe: true }])).size).toBe(1);
  });

  it('begins an attempt once', async () => {
    const delivery = await planOne({ way: 'lane', attempt: null });
    const begun = await Promise.all([1, 2, 3].map(() => beginAttempts(database.db, [
      { eventId: delivery.eventId, id: delivery.id, attemptId: newId('attempt'), number: 1, leaseMs: 10_000 },
    ])));
    expect(begun.filter((ids) => ids.has(delivery.id))).toHaveLength(1);
  });

  it('counts an attempt that it takes over from a lost worker, though somebody changes the delivery at the same time', async () => {
    const delivery = await planOne({ attempt: { id: newId('attempt'), leaseMs: -1 } });
    const next = { eventId: delivery.eventId, id: delivery.id, attemptId: newId('attempt'), number: 2, leaseMs: 10_000 };
    let taking: Promise<boolean> | undefined;
    await database.db.transaction(async (trx) => {
      await trx.query({ text: `update deliveries set status = 'HELD', reason = 'endpoint_deactivated', hold_until = now() where id = $1`, values: [delivery.id] });
      taking = takeOverAttempt(database.db, next);
      await until(async () => (await database.db.query({ text: `select 1 from pg_locks where not granted limit 1` })).length > 0, { what: 'the other to wait' });
    });
    expect(await taking).toBe(true);
    expect((await lookAtDeliveries(database.db, [delivery]))[0]).toMatchObject({ status: 'HELD', attemptCount: 1, attempt: { number: 2, outcome: null } });
  });

  it('begins the next attempt where the last one is over and was not counted', async () => {
    const delivery = await planOne({ way: 'lane' });
    await database.db.query({ text: `update attempts set outcome = 'unknown' where delivery_id = $1`, values: [delivery.id] });
    const begin = async (number: number): Promise<number> =>
      (await beginAttempts(database.db, [{ eventId: delivery.eventId, id: delivery.id, attemptId: newId('attempt'), number, leaseMs: 10_000 }])).size;
    expect([await begin(1), await countLastAttempt(database.db, delivery), await begin(2)]).toEqual([0, true, 1]);
    // One that is under way is not over.
    expect(await countLastAttempt(database.db, delivery)).toBe(false);
  });

  it('of a deactivated endpoint holds what strayed into it', async () => {
    const delivery = await planOne({ way: 'lane', attempt: null });
    await database.db.query({ text: `update endpoints set status = 'DEACTIVATED' where id = $1`, values: [endpointId] });
    await holdStragglers(database.db, endpointId, { holdForMs: 1_000, discard: false });
    expect((await lookAtDeliveries(database.db, [delivery]))[0]).toMatchObject({ status: 'HELD' });
  });

  it('of a deactivated endpoint holds what a lost worker had an attempt of, and of one that is called again releases it', async () => {
    const delivery = await planOne({ way: 'lane', attempt: { id: newId('attempt'), leaseMs: -1_000 } });
    const busy = await planOne({ way: 'lane' });
    const statuses = async (): Promise<(string | undefined)[]> => {
      const looks = await lookAtDeliveries(database.db, [delivery, busy]);
      return [delivery, busy].map(({ id }) => looks.find((look) => look.id === id)?.status);
    };
    await database.db.query({ text: `update endpoints set status = 'DEACTIVATED' where id = $1`, values: [endpointId] });
    await holdStragglers(database.db, endpointId, { holdForMs: 60_000, discard: false });
    expect(await statuses()).toEqual(['HELD', 'PENDING']);
    await database.db.query({ text: `update endpoints set status = 'ACTIVE' where id = $1`, values: [endpointId] });
    await releaseStragglers(database.db, endpointId);
    expect(await statuses()).toEqual(['PENDING', 'PENDING']);
    expect((await nextInLane(database.db, endpointId, 'all', [], 10)).find(({ id }) => id === delivery.id)).toMatchObject({ open: { number: 1 } });
  });

  it('of an endpoint that is called again releases what was planned as held meanwhile, unless its drain is paused', async () => {
    const setEndpoint = (change: string): Promise<unknown> => database.db.query({ text: `update endpoints set ${change} where id = $1`, values: [endpointId] });
    const delivery = await planOne({ way: 'lane', attempt: null, status: 'HELD', reason: 'endpoint_deactivated', holdForMs: 60_000 });
    const statusAfterLook = async (): Promise<string | undefined> => {
      await releaseStragglers(database.db, endpointId);
      return (await lookAtDeliveries(database.db, [delivery]))[0]?.status;
    };
    await setEndpoint(`status = 'DEACTIVATED', drain_paused = false`);
    expect(await statusAfterLook()).toBe('HELD');
    await setEndpoint(`status = 'ACTIVE', drain_paused = true`);
    expect(await statusAfterLook()).toBe('HELD');
    await setEndpoint(`drain_paused = false`);
    expect(await statusAfterLook()).toBe('PENDING');
    expect((await lookAtLane(database.db, endpointId)).isDraining).toBe(true);
  });
});

describe('Making deliveries due', () => {
  it('writes those that wait for their time, and answers all that were named', async () => {
    const first = await planOne({ way: 'lane', attempt: null });
    const retrying = { ...planned(first.eventId, { endpointId: newId('endpoint') }) };
    await database.db.query({
      text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way, next_attempt_at, attempt_count)
             values ($1, $2, $3, $4, 'RETRYING', 'retry', now() + interval '1 hour', 1)`,
      values: [retrying.eventId, retrying.id, workspaceId, retrying.endpointId],
    });
    await database.db.query({ text: `update deliveries set updated_at = now() - interval '1 minute' where event_id = $1`, values: [first.eventId] });
    const due = await makeDue(database.db, first.eventId, [first.id, retrying.id]);
    expect(due.map(({ id, status }) => [id, status]).sort()).toEqual([[first.id, 'PENDING'], [retrying.id, 'RETRYING']].sort());
    const written = await database.db.query<{ id: string; is_due: boolean | null }>({
      text: `select id, next_attempt_at <= now() as is_due from deliveries where event_id = $1 and updated_at > now() - interval '30 seconds'`, values: [first.eventId],
    });
    expect(written).toEqual([{ id: retrying.id, is_due: true }]);
    expect(due.find(({ id }) => id === retrying.id)?.nextAttemptAt?.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
  });
});

describe('The outbox', () => {
  it('gives a row to one worker, and to another where that one is gone or gives it back', async () => {
    await makeEvents(database.db, workspaceId, 4);
    const claimed = await claimEvents(database.db, 101, 3, 10, new Map());
    expect(claimed).toHaveLength(3);
    expect(claimed[0]).toMatchObject({ planned: false, foldId: null, revision: 1, event: { type: 'test.happened' } });
    expect(await claimEvents(database.db, 102, 3, 10, new Map())).toHaveLength(1);
    await returnClaims(database.db, [claimed[0]?.outboxId ?? 0]);
    expect(await claimEvents(database.db, 102, 3, 10, new Map())).toHaveLength(1);
    // Nobody holds the lock of 101: it is gone.
    expect(await freeDeadClaims(database.db, 102)).toBe(2);
    const again = await claimEvents(database.db, 102, 3, 10, new Map());
    expect(again).toHaveLength(2);
    await finishClaims(database.db, again.map(({ outboxId }) => outboxId));
  });

  it('lets a claim run out whose answer its worker never got, and gives it even to that worker again', async () => {
    await makeEvents(database.db, workspaceId, 3);
    const [known] = await claimEvents(database.db, 107, 1, 10, new Map());
    await claimEvents(database.db, 107, 2, 10, new Map());
    await database.db.query({ text: `update outbox set claimed_until = now() - interval '1 second'` });
    await renewClaims(database.db, 107, [known?.outboxId ?? 0]);
    expect(await freeDeadClaims(database.db, 107)).toBe(2);
    expect(await claimEvents(database.db, 107, 3, 10, new Map())).toHaveLength(2);
  });

  it('gives a lone event of one workspace its place beside a crowd of another', async () => {
    const other = await makeWorkspace(database.db);
    await makeEvents(database.db, workspaceId, 500);
    const [lone] = await makeEvents(database.db, other, 1);
    const claimed = await claimEvents(database.db, 103, 20, 40, new Map());
    expect(claimed.map(({ event }) => event.id)).toContain(lone);
    expect(claimed).toHaveLength(20);
    // The crowd holds half of the places: it gets but one more while another waits.
    await makeEvents(database.db, other, 1);
    const next = await claimEvents(database.db, 103, 20, 40, new Map([[workspaceId, 20]]));
    expect(next.filter(({ event }) => event.workspaceId === workspaceId)).toHaveLength(1);
    // Where a single place is free, it is the other's, though the crowd's events are older.
    const [last] = await makeEvents(database.db, other, 1);
    expect((await claimEvents(database.db, 103, 1, 40, new Map([[workspaceId, 20]]))).map(({ event }) => event.id)).toEqual([last]);
  });

  it('keeps the first fold of an event, whoever claims it next', async () => {
    await makeEvents(database.db, workspaceId, 3);
    const [first, second, third] = await claimEvents(database.db, 105, 3, 10, new Map());
    const [a = 0, b = 0, c = 0] = [first?.outboxId, second?.outboxId, third?.outboxId];
    expect((await saveFold(database.db, first?.event.id ?? '', [a, b])).sort()).toEqual([a, b]);
    expect(await saveFold(database.db, second?.event.id ?? '', [b, c])).toEqual([c]);
    expect((await readFold(database.db, first?.event.id ?? '')).map(({ outboxId }) => outboxId)).toEqual([a, b]);
    await returnClaims(database.db, [a, b]);
    expect((await claimEvents(database.db, 106, 3, 10, new Map())).map(({ foldId }) => foldId)).toEqual([first?.event.id, first?.event.id]);
  });

  it('passes starts and signals on in the order in which they were left', async () => {
    const delivery = await planOne();
    await recordAttempts(database.db, [finished(delivery, { outcome: 'http_error', next: 'RETRYING', afterMs: 1 })]);
    expect(await claimWakes(database.db, 104, 10)).toMatchObject([{ kind: 'retry', deliveryId: delivery.id, eventType: 'test.happened' }]);
  });
});

describe('The reconciler', () => {
  beforeEach(() => database.db.query({ text: 'truncate events, plans, deliveries, attempts, outbox' }));

  it('finds what has lost its owner, and nothing else', async () => {
    await makeEvents(database.db, workspaceId, 1);
    // An event of a minute ago that nobody has planned, and whose outbox row is gone.
    await database.db.query({ text: `insert into events (id, workspace_id, type, data, occurred_at)
      values (id_floor('evt', now() - interval '1 minute') || '0123456789abcdef', $1, 'test.lost', '{}', now())`, values: [workspaceId] });
    await planOne({ attempt: { id: newId('attempt'), leaseMs: -60_000 } });
    const overdue = await planOne();
    await recordAttempts(database.db, [finished(overdue, { outcome: 'timeout', next: 'RETRYING', afterMs: -120_000 })]);
    const waiting = await planOne({ way: 'lane', attempt: null });
    await database.db.query({ text: `update deliveries set updated_at = now() - interval '1 minute' where id = $1`, values: [waiting.id] });
    const orphan = await planOne({ way: 'lane', endpointId: newId('endpoint'), attempt: null });
    await database.db.query({ text: 'delete from outbox' });

    expect(await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }))).toMatchObject({ events: 1, attempts: 1, retries: 1, watchers: 1, orphans: 1 });
    expect((await lookAtDeliveries(database.db, [orphan]))[0]).toMatchObject({ status: 'CANCELLED' });
    expect(await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }))).toMatchObject({ events: 0, attempts: 0, retries: 0, watchers: 0, orphans: 0 });
  });

  it('closes what a lost worker left open of deliveries that are over, and counts it; what may still be reported stays', async () => {
    const lost = { attempt: { id: newId('attempt'), leaseMs: -60_000 } };
    const [cancelled, reported, waiting] = [await planOne(lost), await planOne({ attempt: { id: newId('attempt'), leaseMs: -1_000 } }), await planOne(lost)];
    await database.db.query({ text: `update deliveries set status = 'CANCELLED' where id = any($1)`, values: [[cancelled.id, reported.id]] });
    expect(await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }))).toMatchObject({ lapsed: 1 });
    const looks = new Map((await lookAtDeliveries(database.db, [cancelled, reported, waiting])).map((look) => [look.id, look]));
    expect(looks.get(cancelled.id)).toMatchObject({ status: 'CANCELLED', attemptCount: 1, attempt: { number: 1, outcome: 'unknown' } });
    expect(looks.get(reported.id)).toMatchObject({ attemptCount: 0, attempt: { outcome: null } });
    expect(looks.get(waiting.id)).toMatchObject({ status: 'PENDING', attemptCount: 0, attempt: { outcome: null } });
    expect(await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }))).toMatchObject({ lapsed: 0 });
  });

  it('closes what a lost worker left open of a delivery that is held then, of which nothing may be sent', async () => {
    const held = await planOne({ way: 'lane', status: 'HELD', reason: 'endpoint_deactivated', holdForMs: 60_000, attempt: { id: newId('attempt'), leaseMs: -60_000 } });
    await database.db.query({ text: 'delete from outbox' });
    expect(await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }))).toMatchObject({ attempts: 0, lapsed: 1 });
    expect((await lookAtDeliveries(database.db, [held]))[0]).toMatchObject({ status: 'HELD', attemptCount: 1, attempt: { outcome: 'unknown' } });
  });

  it('finds a lost attempt behind a crowd of such that need nobody any more', async () => {
    const crowd = await planMany(501, { attempt: null });
    await database.db.query({
      text: `insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until)
             select event_id, 'att_' || id, id, workspace_id, endpoint_id, 1, now() - interval '2 hours' from deliveries where id = any($1)`,
      values: [crowd.map(({ id }) => id)],
    });
    await database.db.query({ text: `update deliveries set status = 'CANCELLED' where id = any($1)`, values: [crowd.map(({ id }) => id)] });
    const real = await planOne({ attempt: { id: newId('attempt'), leaseMs: -60_000 } });
    await database.db.query({ text: 'delete from outbox' });
    expect(await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }))).toMatchObject({ attempts: 1 });
    const left = await database.db.query({ text: 'select kind, event_id from outbox' });
    expect(left).toEqual([{ kind: 'event', event_id: real.eventId }]);
  });
});
