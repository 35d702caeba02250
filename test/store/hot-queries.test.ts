import { Client } from 'pg';
import { createKeyRing } from '../../src/seal';
import type { IdKind } from '../../src/domain/ids';
import { listAudit } from '../../src/store/audit';
import { beginAttempts, lookAtDeliveries, lookAtFold, readEvents, takeOverAttempt } from '../../src/store/attempts';
import { readBacklog } from '../../src/store/backlog';
import { openDb, type Db, type Sql } from '../../src/store/db';
import { findDelivery, listAttempts, listDeliveries, type DeliveryFilter } from '../../src/store/deliveries-read';
import { readHealth } from '../../src/store/endpoint-health';
import { insertEvents, type NewEvent } from '../../src/store/event-insert';
import { findEvent, listDeliveriesOfEvent, listEvents } from '../../src/store/events';
import { listEntries } from '../../src/store/job-entries';
import { headOfLane, lookAtLane, nextInLane } from '../../src/store/lane';
import { cancelLive, releaseHeld } from '../../src/store/lane-moves';
import { listJobs } from '../../src/store/jobs';
import { firstId, lastId, MOST_TRIED } from '../../src/store/lists';
import { findObject, listObjects } from '../../src/store/objects';
import { claimEvents, claimWakes, finishClaims, freeDeadClaims, renewClaims, saveFold } from '../../src/store/outbox-claim';
import { deliveriesOf, savePlans, saveRun, type EventPlan } from '../../src/store/plan';
import { reconcile } from '../../src/store/reconcile';
import { recordAttempts, withdrawAttempts, type FinishedAttempt } from '../../src/store/record';
import { recordHealth } from '../../src/store/record-health';
import { pastOf, walk } from '../../src/store/recovery-scan';
import { cancelDelivery, endpointsOf, lockLatest, lockPlan } from '../../src/store/redeliveries';
import { loadTarget } from '../../src/store/routing';
import { readSendHistory } from '../../src/store/send-history';
import { readHealthFacts } from '../../src/store/watch';
import { explain, listenIn, type Explained } from '../support/explain';
import { growDatabase, type Grown } from '../support/grown';
import { makeEvents, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';

/** Events of the grown database, over six weeks and a bit; a part of the outbox waits. */
const EVENTS = 100_000;
/** Events of one call. */
const BATCH = 60;
/** What stays to be pruned where nothing says which week: those of six weeks, this one, and the eight to come. */
const ALL_WEEKS = 17;
/** An insert or update names the parent too. */
const ONE_WEEK = 2;

let database: TestDatabase;
let heard: ReturnType<typeof listenIn>;
let asProduction: Db;
let client: Client;
let grown: Grown;
let fresh: string[];
let planned: { event_id: string; id: string }[];

beforeAll(async () => {
  database = await freshDatabase();
  grown = await growDatabase(database.db, EVENTS);
  asProduction = openDb(database.url, 2);
  heard = listenIn(asProduction);
  const settings = await asProduction.query<{ name: string; setting: string }>({
    text: `select name, setting from pg_settings where name in ('plan_cache_mode', 'jit', 'enable_seqscan')`,
  });
  client = new Client({ connectionString: database.url, options: settings.map(({ name, setting }) => `-c ${name}=${setting}`).join(' ') });
  await client.connect();
  fresh = await makeEvents(database.db, grown.workspaceId, BATCH);
  await savePlans(database.db, plansOf(fresh));
  planned = await database.db.query({ text: 'select event_id, id from deliveries where event_id = any($1)', values: [fresh] });
}, 120_000);
afterAll(async () => {
  await client.end();
  await asProduction.close();
  await database.drop();
});

const plansOf = (eventIds: readonly string[]): EventPlan[] => eventIds.map((eventId) => ({
  eventId, workspaceId: grown.workspaceId,
  deliveries: [{
    id: newId('delivery'), eventId, workspaceId: grown.workspaceId, endpointId: grown.endpointId, status: 'PENDING', reason: null, way: 'fast',
    holdForMs: null, attempt: { id: newId('attempt'), leaseMs: 1_000 },
  }],
}));

const eventsOf = (externalId: (n: number) => string | null): NewEvent[] => Array.from({ length: BATCH }, (_, n) => ({
  id: newId('event'), workspaceId: grown.workspaceId, externalId: externalId(n), type: 'order.placed', sequence: null, causedBy: null,
  objectKind: null, objectId: null, object: null, previous: null, changes: null, data: '{}', actor: null, occurredAt: new Date(),
}));

const finished = (outcome: 'ok' | 'http_error'): FinishedAttempt[] => planned.map((row) => ({
  workspaceId: grown.workspaceId, eventId: row.event_id, deliveryId: row.id, endpointId: grown.endpointId, number: 1, startedAt: new Date(), durationMs: 3,
  outcome, statusCode: 200, error: null, request: { url: 'http://x/', headers: '{}', bodySha256: 'ab' }, response: { headers: '{}', body: '', truncated: false },
  next: outcome === 'ok' ? 'DELIVERED' : 'RETRYING', afterMs: outcome === 'ok' ? null : 5_000, nextWay: 'retry', byRetry: false, counts: true, holdForMs: 1_000, discard: false,
}));

const attempts = (number: number) => planned.map((row) => ({ eventId: row.event_id, id: row.id, attemptId: newId('attempt'), number, leaseMs: 1_000 }));

/** How each statement that `ask` makes is run; what it does is taken back. */
async function plansFor(ask: (sql: Sql) => Promise<unknown>, workspaceId?: string): Promise<Explained[]> {
  heard.taken();
  const back = new Error('taken back');
  await (workspaceId === undefined ? heard.db : heard.db.within(workspaceId)).transaction(async (trx) => {
    await ask(trx);
    throw back;
  }).catch((error: unknown) => {
    if (error !== back) throw error;
  });
  const explained: Explained[] = [];
  for (const { text, values = [] } of heard.taken().filter((one) => !/^(fetch|close) /.test(one.text))) {
    explained.push(await explain(client, { text: text.replace(/^declare .* cursor for/, ''), values }, workspaceId));
  }
  return explained;
}

interface Expected {
  /** Indexes that serve it, by the name of the parent's. */
  readonly by: readonly string[];
  /** Most rows that are read of any table. */
  readonly rows: number;
  /** Most weeks of any table that are looked into; the default is one. */
  readonly weeks?: number;
  /** Tables that are read from end to end by right; the default is none. */
  readonly mayScan?: readonly string[];
}

type Case = [name: string, ask: (sql: Sql) => Promise<unknown>, expected: Expected];

const HOT: Case[] = [
  ['the insert of events', (sql) => insertEvents(sql, eventsOf(() => null)), { by: [], rows: 0 }],
  ['the insert of events with ids of their own', (sql) => insertEvents(sql, eventsOf((n) => `new-${n}`)), { by: ['external_ids_pkey'], rows: BATCH }],
  ['the insert of events that were there before', (sql) => insertEvents(sql, eventsOf((n) => `x-${n * 10 + 1}`)), { by: ['external_ids_pkey'], rows: BATCH }],
  ['the claim of events', (sql) => claimEvents(sql, 7, 64, 128, new Map()), { by: ['outbox_waiting', 'events_pkey', 'plans_pkey'], rows: 300 }],
  ['the claim of starts and signals behind a backlog of events', (sql) => claimWakes(sql, 7, 200), { by: ['outbox_wakes', 'events_pkey'], rows: 600 }],
  ['the fold of claimed events', (sql) => saveFold(sql, 'evt_1', [1, 2, 3]), { by: ['outbox_pkey'], rows: 6 }],
  ['the end of claims', (sql) => finishClaims(sql, [1, 2, 3]), { by: ['outbox_pkey'], rows: 6 }],
  ['the renewal of claims', (sql) => renewClaims(sql, 7, [1, 2, 3]), { by: ['outbox_claimed'], rows: 6 }],
  ['the search for claims of the dead', () => freeDeadClaims(heard.db, 7), { by: ['outbox_claimed'], rows: 0 }],
  ['the plan', (sql) => savePlans(sql, plansOf(fresh)), { by: [], rows: 0 }],
  ['the record of successes', (sql) => recordAttempts(sql, finished('ok')), { by: ['attempts_pkey', 'deliveries_pkey', 'endpoint_health_pkey'], rows: 2 * BATCH + 1 }],
  ['the record of failures', (sql) => recordAttempts(sql, finished('http_error')), { by: ['attempts_pkey', 'deliveries_pkey', 'endpoints_pkey', 'deliveries_retrying'], rows: 2 * BATCH + 10, weeks: ALL_WEEKS }],
  ['the withdrawal of attempts', (sql) => withdrawAttempts(sql, planned.map((row) => ({ eventId: row.event_id, deliveryId: row.id, number: 1 }))),
    { by: ['attempts_pkey', 'deliveries_pkey'], rows: 2 * BATCH }],
  ['the look at deliveries', (sql) => lookAtDeliveries(sql, planned.map((row) => ({ eventId: row.event_id, id: row.id }))), { by: ['deliveries_pkey', 'attempts_pkey'], rows: BATCH }],
  ['the intent of attempts', (sql) => beginAttempts(sql, attempts(1)), { by: ['deliveries_pkey'], rows: BATCH }],
  ['the take-over of an attempt', (sql) => takeOverAttempt({ transaction: (work) => work(sql) }, { ...attempts(2)[0] as ReturnType<typeof attempts>[number] }), { by: ['attempts_pkey'], rows: 4 }],
  ['the record of health', (sql) => recordHealth(sql, [{
    endpointId: grown.endpointId, workspaceId: grown.workspaceId, succeeded: true, trailingFailures: 0, trailingUnreachable: 0, allUnreachable: false,
    trailingExhausted: 0, lastFailure: null, consecutiveLimit: null, exhaustedLimit: null,
  }]), { by: ['endpoint_health_pkey'], rows: 3 }],
  ['the look at a fold', (sql) => lookAtFold(sql, fresh), { by: ['attempts_pkey'], rows: BATCH }],
  ['the deliveries of events', (sql) => deliveriesOf(sql, fresh), { by: ['deliveries_pkey'], rows: BATCH }],
  ['the run of events', (sql) => saveRun(sql, fresh, 'w', 'r'), { by: ['plans_pkey'], rows: 2 * BATCH }],
  ['the events of a fold', (sql) => readEvents(sql, fresh), { by: ['events_pkey'], rows: BATCH }],
  ['the history of what was sent', (sql) => readSendHistory(sql, grown.eventId, grown.endpointId, grown.deliveryId), { by: ['deliveries_pkey'], rows: 1 }],
];

const LANE: Case[] = [
  ['the next that are held', (sql) => nextInLane(sql, grown.sickId, 'held', [], 50), { by: ['deliveries_kept', 'attempts_pkey'], rows: 70, weeks: ALL_WEEKS }],
  ['the next of a lane', (sql) => nextInLane(sql, grown.sickId, 'all', [], 50, 'live'), { by: ['deliveries_pending_by_drain', 'deliveries_retrying'], rows: 120, weeks: ALL_WEEKS }],
  // Whether an earlier event of the workspace is not planned yet: what waits in the outbox is looked through, and its plans.
  ['the head of a lane', (sql) => headOfLane(sql, grown.workspaceId, grown.sickId, lastId('event')),
    { by: ['deliveries_kept', 'attempts_pkey'], rows: 25_000, weeks: ALL_WEEKS, mayScan: ['outbox'] }],
  ['the look at a lane', (sql) => lookAtLane(sql, grown.sickId), { by: ['deliveries_kept', 'deliveries_pending_by_drain', 'deliveries_retrying'], rows: 30, weeks: ALL_WEEKS }],
  ['the watcher’s counts', (sql) => readHealthFacts(sql, grown.endpointId), { by: ['attempts_by_endpoint'], rows: BATCH, weeks: ALL_WEEKS }],
  ['the health of an endpoint', (sql) => readHealth(sql, grown.endpointId, new Date()), { by: [], rows: 200, weeks: ALL_WEEKS }],
];

const bounds = (kind: IdKind) => ({ below: lastId(kind), from: firstId(kind), limit: 50 });
const events = (filters: Parameters<typeof listEvents>[3]) => (sql: Sql) => listEvents(sql, grown.workspaceId, bounds('event'), filters);
const deliveries = (filter: () => Partial<DeliveryFilter>) => (sql: Sql) =>
  listDeliveries(sql, grown.workspaceId, bounds('delivery'), { status: null, endpointId: null, eventId: null, ...filter() });
const objects = (filters: () => Parameters<typeof listObjects>[4]) => (sql: Sql) => listObjects(sql, grown.workspaceId, 'process', bounds('process'), filters());

const READS: Case[] = [
  ['an event', (sql) => findEvent(sql, grown.workspaceId, grown.eventId), { by: ['events_pkey', 'plans_pkey', 'deliveries_pkey'], rows: 1 }],
  ['the deliveries of an event', (sql) => listDeliveriesOfEvent(sql, grown.workspaceId, grown.eventId), { by: ['deliveries_pkey'], rows: 1 }],
  ['a delivery', (sql) => findDelivery(sql, grown.workspaceId, grown.deliveryId), { by: ['deliveries_by_workspace'], rows: 1, weeks: ALL_WEEKS }],
  ['the attempts of a delivery', (sql) => listAttempts(sql, grown.eventId, grown.deliveryId), { by: ['attempts_pkey'], rows: 1 }],
  ['the lock of a plan', (sql) => lockPlan(sql, grown.workspaceId, grown.eventId), { by: ['plans_pkey'], rows: 1 }],
  ['the endpoints of an event', (sql) => endpointsOf(sql, grown.eventId), { by: [], rows: 1 }],
  ['the newest delivery of an event', (sql) => lockLatest(sql, grown.eventId, [grown.endpointId]), { by: [], rows: 2 }],
  ['the cancellation of a delivery', (sql) => cancelDelivery(sql, grown.workspaceId, grown.deliveryId), { by: ['deliveries_by_workspace'], rows: 2, weeks: ALL_WEEKS }],
  ['an object', (sql) => findObject(sql, grown.workspaceId, { kind: 'process', id: grown.recordId }), { by: [], rows: 1 }],
  ['all events', events({}), { by: ['events_by_workspace'], rows: 70, weeks: ALL_WEEKS }],
  ['the events of an object', (sql) => events({ objectId: grown.recordId })(sql), { by: ['events_by_object'], rows: 10, weeks: ALL_WEEKS }],
  ['the event of an external id', events({ externalId: 'x-101' }), { by: ['external_ids_pkey'], rows: 1 }],
  ['all deliveries', deliveries(() => ({})), { by: ['deliveries_by_workspace'], rows: 70, weeks: ALL_WEEKS }],
  ['the deliveries to an endpoint', deliveries(() => ({ endpointId: grown.endpointId })), { by: ['deliveries_by_endpoint'], rows: 70, weeks: ALL_WEEKS }],
  ['the deliveries of one event', deliveries(() => ({ eventId: grown.eventId })), { by: [], rows: 1 }],
  ['all objects', objects(() => ({})), { by: ['objects_by_kind'], rows: 51 }],
  ['the objects of a type', objects(() => ({ type: 'order' })), { by: ['objects_by_type'], rows: 51 }],
  ['the object of a primary key', objects(() => ({ type: 'order', primaryKey: 'o-5' })), { by: ['objects_primary_key'], rows: 1 }],
  ['the objects of a record', objects(() => ({ recordId: grown.recordId })), { by: ['objects_by_record'], rows: 1 }],
  ['the objects of a process', objects(() => ({ processId: 'prc_1' })), { by: ['objects_by_process'], rows: 1 }],
];

const past = (only: 'failed' | 'missing') => {
  const since = new Date(Date.now() - 86_400_000);
  return pastOf({ workspaceId: grown.workspaceId, endpointId: grown.endpointId, only, since, until: new Date(), madeBy: new Date() });
};

/** What the API does besides with what an endpoint is owed, and with its secrets and jobs. */
const OF_ENDPOINTS: Case[] = [
  ['the endpoint with its secrets', (sql) => loadTarget(sql, createKeyRing([`k1:${Buffer.alloc(32).toString('base64')}`]), grown.endpointId), { by: ['endpoints_pkey'], rows: 1 }],
  ['the health of an endpoint', (sql) => readHealth(sql, grown.endpointId, new Date()), { by: [], rows: 200, weeks: ALL_WEEKS }],
  ['the walk through deliveries', (sql) => walk(sql, past('failed'), firstId('delivery'), 50), { by: ['deliveries_by_endpoint'], rows: 110, weeks: ALL_WEEKS }],
  ['the walk through events', (sql) => walk(sql, past('missing'), firstId('event'), 50), { by: [], rows: 110, weeks: ALL_WEEKS }],
  ['the release of what is held', (sql) => releaseHeld(sql, grown.sickId), { by: ['deliveries_kept', 'deliveries_pkey'], rows: 4_200, weeks: ALL_WEEKS }],
  ['the cancellation of what is live', (sql) => cancelLive(sql, grown.endpointId, 'all', 'endpoint_deleted'), { by: ['deliveries_pkey'], rows: 300, weeks: ALL_WEEKS }],
  ['the entries of a job', (sql) => listEntries(sql, 'job_1', -1, 50, null), { by: ['job_entries_pkey'], rows: 51 }],
  ['the audit trail', (sql) => listAudit(sql, grown.workspaceId, { below: lastId('audit'), from: firstId('audit'), limit: 50 }, null), { by: ['audit_by_workspace'], rows: 51 }],
];

/**
 * Filters that hardly any row passes, and that no index knows: the rows that they are tried on, and those counted to tell how far that
 * was. A tenth are the other workspace's: an index by id alone leads to both.
 */
const TRIED = 2 * 1.15 * MOST_TRIED;
const FILTERED: Case[] = [
  ['the events of a type', events({ type: 'order.rare' }), { by: [], rows: TRIED, weeks: ALL_WEEKS }],
  ['the events that were not delivered', events({ delivered: [false], type: 'order.rare' }), { by: [], rows: TRIED, weeks: ALL_WEEKS }],
  ['the deliveries of a status', deliveries(() => ({ status: 'EXHAUSTED', endpointId: grown.sickId })), { by: ['deliveries_by_endpoint'], rows: TRIED, weeks: ALL_WEEKS }],
  ['the deliveries of a status, of all endpoints', deliveries(() => ({ status: 'PENDING' })), { by: ['deliveries_by_workspace'], rows: TRIED, weeks: ALL_WEEKS }],
  ['the objects of a state', objects(() => ({ state: 'STATE-none' })), { by: ['objects_by_kind'], rows: TRIED }],
  ['the objects of a primary key of any type', objects(() => ({ primaryKey: 'none' })), { by: ['objects_by_kind'], rows: TRIED }],
  ['the jobs of a status', (sql) => listJobs(sql, grown.workspaceId, bounds('job'), { status: 'FAILED', kind: null }), { by: [], rows: 0 }],
  ['the audit trail of a subject', (sql) => listAudit(sql, grown.workspaceId, bounds('audit'), grown.sickId), { by: [], rows: 0 }],
];

async function check([, ask, { by, rows, weeks = ONE_WEEK, mayScan = [] }]: Case, workspaceId?: string): Promise<void> {
  const plans = await plansFor(ask, workspaceId);
  expect(plans.length).toBeGreaterThan(0);
  const used = new Set(plans.flatMap((plan) => [...plan.indexes]));
  expect({ indexes: by.filter((name) => !used.has(name)), used: [...used] }).toMatchObject({ indexes: [] });
  for (const plan of plans) {
    const scanned = [...plan.scanned].filter((table) => !mayScan.includes(table));
    const tooMany = [...plan.rows].filter(([, count]) => count > rows);
    const tooWide = [...plan.touched].filter(([, partitions]) => partitions.size > weeks).map(([table, partitions]) => [table, partitions.size]);
    if (scanned.length + tooMany.length + tooWide.length > 0) expect({ scanned, tooMany, tooWide, plan: plan.text }).toBeNull();
  }
}

const READ_ALL_THAT_WAITS: Case[] = [
  // 3,000 deliveries wait, and 20,500 rows of the outbox.
  ['the counts of what waits', (sql) => readBacklog(sql), { by: ['deliveries_kept', 'deliveries_pending_by_drain', 'deliveries_retrying'], rows: 20_700, weeks: ALL_WEEKS, mayScan: ['outbox', 'endpoints'] }],
];

describe(`With ${EVENTS} events of six weeks stored, and 20,000 in the outbox, an index leads to`, () => {
  test.each(HOT)('%s, in one week', (...one) => check(one));
  test.each(LANE)('%s', (...one) => check(one));
  test.each([...READS, ...OF_ENDPOINTS])('%s', (...one) => check(one));
  test.each([...READS, ...OF_ENDPOINTS])('%s, under the row policies', (...one) => check(one, grown.workspaceId));
  test.each(FILTERED)('%s, of which a page looks at a few thousand', (...one) => check(one));
  test.each(FILTERED)('%s, of which a page looks at a few thousand, under the row policies', (...one) => check(one, grown.workspaceId));
  test.each(READ_ALL_THAT_WAITS)('%s', (...one) => check(one));
});

test('The reconciler reads what waits, never what is over', async () => {
  for (const plan of await plansFor((sql) => reconcile(sql, { lookBackMinutes: 60, turn: 1 }))) {
    // All that waits are 3,000 rows: two looks at most at each.
    if ((plan.rows.get('deliveries') ?? 0) > 6_000) expect(plan).toBeNull();
    expect(['events', 'deliveries', 'attempts', 'plans'].filter((table) => plan.scanned.has(table))).toEqual([]);
    expect(plan.rows.get('attempts') ?? 0).toBeLessThanOrEqual(3_000);
    expect(plan.rows.get('events') ?? 0).toBeLessThanOrEqual(1_000);
  }
});
