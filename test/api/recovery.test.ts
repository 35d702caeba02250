import { estimateRecovery } from '../../src/commands/estimate-recovery';
import { recoverPage } from '../../src/commands/recover-page';
import { switchJob } from '../../src/commands/switch-job';
import type { Deps } from '../../src/deps';
import { createNewId } from '../../src/ids';
import { createLog } from '../../src/log';
import { advanceJob } from '../../src/store/jobs';
import { listAudit } from '../../src/store/audit';
import { firstId, lastId } from '../../src/store/lists';
import { startApi, type TestApi } from '../support/api';
import { makeEndpoint, makeEvents } from '../support/make';
import { makeOwed, owedRow, takeSignals, type OwedRow } from '../support/owed';
import { until } from '../support/wait';

let api: TestApi;
let owner: { readonly workspaceId: string; readonly headers: Record<string, string> };
let endpointId: string;
/** As much of a worker's parts as pages need. */
let deps: Deps;
beforeAll(async () => {
  api = await startApi();
  deps = { db: api.db, newId: createNewId(), now: () => new Date(), log: createLog('silent') } as Deps;
});
beforeEach(async () => {
  owner = await api.tenant();
  endpointId = await makeEndpoint(api.db, owner.workspaceId);
});
afterAll(() => api.close());

const LONG_AGO = '2025-01-01T00:00:00.000Z';
const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => api.call(method, path, body, { ...owner.headers, ...headers });
const recover = (body: object, id = endpointId) => call('POST', `/v1/endpoints/${id}/recover`, { since: LONG_AGO, ...body });
const backfill = (ruleId: string, body: object = {}) => call('POST', `/v1/rules/${ruleId}/backfill`, { endpointId, since: LONG_AGO, ...body });
const owe = (given: OwedRow = {}, endpoint = endpointId) => makeOwed(api.db, owner.workspaceId, endpoint, given);
const update = (table: string, change: string, id = endpointId) => api.db.query({ text: `update ${table} set ${change} where id = $1`, values: [id] });

/** Events that were planned, and owed to nobody. */
async function planned(count: number, type?: string): Promise<string[]> {
  const ids = await makeEvents(api.db, owner.workspaceId, count, type);
  await api.db.query({ text: 'insert into plans (event_id, workspace_id, owed) select id, $2, 0 from unnest($1::text[]) id', values: [ids, owner.workspaceId] });
  return ids;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a job as the API answers it
type Shown = any;
const page = (jobId: string, isLastTry = false): Promise<number> => recoverPage(deps, { workspaceId: owner.workspaceId, jobId, isLastTry }, new AbortController().signal);
const read = async (jobId: string): Promise<Shown> => (await call('GET', `/v1/jobs/${jobId}`)).body;

/** Does all of a job as its workflow would, and answers it as it stands then. */
async function run(reply: { status: number; body: Shown }): Promise<Shown> {
  expect([reply.status, reply.body.job?.status]).toEqual([202, 'QUEUED']);
  const { id } = reply.body.job;
  for (let n = 0; (await advanceJob(api.db, owner.workspaceId, id))?.status === 'RUNNING'; n++) {
    if (n > 100) throw new Error('The job has no end');
    await page(id);
  }
  return read(id);
}

/** Until the clock has moved on: ids tell milliseconds. */
async function nextMs(): Promise<void> {
  const at = Date.now();
  await until(() => Date.now() > at + 1, { what: 'the clock' });
}

/** The deliveries of an event at an endpoint, oldest first. */
const deliveries = (eventId: string, endpoint = endpointId) => api.db.query<{ id: string; status: string; reason: string | null; way: string; resend_of: string | null }>({
  text: 'select id, status, reason, way, resend_of from deliveries where event_id = $1 and endpoint_id = $2 order by id', values: [eventId, endpoint],
});
const owedOf = async (eventId: string): Promise<number | undefined> =>
  (await api.db.query<{ owed: number }>({ text: 'select owed from plans where event_id = $1', values: [eventId] }))[0]?.owed;

describe('A recovery of what failed', () => {
  it('is answered with a job that is queued, before anything is done', async () => {
    await owe({ status: 'EXHAUSTED' });
    const { status, body } = await recover({ ratePerSecond: 7 });
    expect([status, body.job]).toEqual([202, {
      id: expect.stringMatching(/^job_/), kind: 'recover', status: 'QUEUED', total: 0, done: 0, failed: 0, result: null, error: null, workflow: null,
      parameters: { endpointId, only: 'failed', since: LONG_AGO, until: expect.any(String), ratePerSecond: 7 }, createdAt: expect.any(String), finishedAt: null,
    }]);
    expect(await api.db.query({ text: 'select kind from outbox where job_id = $1', values: [body.job.id] })).toEqual([{ kind: 'job' }]);
    const { rows: [line] } = await listAudit(api.db, owner.workspaceId, { below: lastId('audit'), from: firstId('audit'), limit: 1 }, endpointId);
    expect(line).toMatchObject({ action: 'endpoint.recover-deliveries', actor: expect.stringMatching(/^key_/) });
    expect(JSON.parse(line!.detail)).toMatchObject({ jobId: body.job.id, only: 'failed', since: LONG_AGO });
  });

  it('makes a new delivery for what was given up or cancelled, wakes what waits, and leaves alone what was delivered or is held', async () => {
    const [exhausted, cancelled, gone, delivered, held, retrying, pending] = [
      await owe({ status: 'EXHAUSTED', reason: null }), await owe({ status: 'CANCELLED', reason: 'discarded' }), await owe({ status: 'CANCELLED', reason: 'endpoint_deleted' }),
      await owe({ status: 'DELIVERED' }), await owe({ status: 'HELD', reason: 'drain_paused' }), await owe({ status: 'RETRYING', way: 'retry', attemptCount: 1 }), await owe(),
    ];
    const [missing] = await planned(1);
    const elsewhere = await owe({ status: 'EXHAUSTED' }, await makeEndpoint(api.db, owner.workspaceId));
    expect(await run(await recover({}))).toMatchObject({ status: 'COMPLETED', total: 7, done: 7, failed: 0, result: { resent: 2, added: 0, woken: 2 }, finishedAt: expect.any(String) });
    for (const { id, eventId } of [exhausted, cancelled]) {
      expect(await deliveries(eventId)).toMatchObject([{ id }, { status: 'PENDING', way: 'lane', reason: 'draining', resend_of: id }]);
      expect(await owedOf(eventId)).toBe(1);
    }
    for (const { eventId } of [gone, delivered, held, retrying, pending]) expect(await deliveries(eventId)).toHaveLength(1);
    expect(await owedRow(api.db, held.id)).toMatchObject({ status: 'HELD', reason: 'drain_paused' });
    expect((await owedRow(api.db, retrying.id))?.due_ms).toBeLessThanOrEqual(0);
    expect(await takeSignals(api.db, retrying.id)).toEqual(['retryNow']);
    expect(await takeSignals(api.db, endpointId)).toEqual(['changed']);
    expect([await deliveries(missing!), await deliveries(elsewhere.eventId)]).toEqual([[], []]);
  });

  it('sends again what failed last, and once, however often it was sent before', async () => {
    const first = await owe({ status: 'EXHAUSTED' });
    const second = await owe({ status: 'EXHAUSTED', eventId: first.eventId, resendOf: first.id });
    const healed = await owe({ status: 'EXHAUSTED' });
    await owe({ status: 'DELIVERED', eventId: healed.eventId, resendOf: healed.id });
    expect(await run(await recover({}))).toMatchObject({ result: { resent: 1, added: 0, woken: 0 } });
    expect(await deliveries(first.eventId)).toMatchObject([{ id: first.id }, { id: second.id }, { resend_of: second.id }]);
    expect(await deliveries(healed.eventId)).toHaveLength(2);
    // What the first recovery made is unfinished: the second one wakes it.
    expect(await run(await recover({}))).toMatchObject({ result: { resent: 0, woken: 1 } });
  });

  it('takes the events from since on, and before until', async () => {
    const before = await owe({ status: 'EXHAUSTED' });
    await nextMs();
    const since = new Date().toISOString();
    const within = await owe({ status: 'EXHAUSTED' });
    await nextMs();
    const until = new Date().toISOString();
    const after = await owe({ status: 'EXHAUSTED' });
    expect(await run(await recover({ since, until }))).toMatchObject({ result: { resent: 1 }, parameters: { since, until } });
    expect([await deliveries(before.eventId), await deliveries(within.eventId), await deliveries(after.eventId)].map(({ length }) => length)).toEqual([1, 2, 1]);
  });

  it('never meets what it made itself, also where that fails at once', async () => {
    const { eventId } = await owe({ status: 'EXHAUSTED' });
    const { body: { job } } = await recover({});
    await page(job.id);
    await page(job.id);
    await api.db.query({ text: `update deliveries set status = 'EXHAUSTED' where event_id = $1`, values: [eventId] });
    for (let n = 0; n < 3; n++) await page(job.id);
    expect(await deliveries(eventId)).toHaveLength(2);
    expect((await advanceJob(api.db, owner.workspaceId, job.id))?.status).toBe('COMPLETED');
  });
});

describe('A recovery of what is missing', () => {
  it("delivers what the endpoint's subscription and the rules that name it would owe it now, as first deliveries", async () => {
    const late = await makeEndpoint(api.db, owner.workspaceId, { events: ['order.*'] });
    const [order, other, ruled, refused] = [...await planned(1, 'order.made'), ...await planned(1, 'other'), ...await planned(2, 'ruled')];
    await api.db.query({ text: `update events set data = '{"n":7}' where id = $1`, values: [ruled] });
    await call('POST', '/v1/rules', { name: 'r', events: ['ruled'], condition: { 'data.n': 7 }, endpointIds: [late] });
    await call('POST', '/v1/rules', { name: 'off', events: ['other'], endpointIds: [late], enabled: false });
    const unplanned = (await makeEvents(api.db, owner.workspaceId, 1, 'order.made'))[0]!;
    expect(await run(await recover({ only: 'missing' }, late))).toMatchObject({ status: 'COMPLETED', total: 5, done: 5, result: { resent: 0, added: 2, woken: 0 } });
    for (const eventId of [order!, ruled!]) {
      expect(await deliveries(eventId, late)).toMatchObject([{ status: 'PENDING', way: 'lane', resend_of: null }]);
      expect(await owedOf(eventId)).toBe(1);
    }
    for (const eventId of [other!, refused!, unplanned]) expect(await deliveries(eventId, late)).toEqual([]);
    expect(await run(await recover({ only: 'missing' }, late))).toMatchObject({ result: { resent: 0, added: 0, woken: 0 } });
  });

  it('keeps to the scope, the family and the operational events that the endpoint could be owed', async () => {
    const { body: record } = await call('POST', '/v1/records', { type: 'customer', attributes: { flow: 'a' } });
    const { body: process } = await call('POST', '/v1/processes', { type: 'flow', recordId: record.id, attributes: { flow: 'a' } });
    const events = (await api.db.query<{ id: string; type: string }>({ text: 'select id, type from events where workspace_id = $1 order by id', values: [owner.workspaceId] }));
    const operational = (await makeEvents(api.db, owner.workspaceId, 1, 'endpoint.failing'))[0]!;
    const family = (await makeEvents(api.db, owner.workspaceId, 1, 'flow.start'))[0]!;
    await api.db.query({ text: 'update events set caused_by = $2 where id = $1', values: [family, events[0]!.id] });
    await api.db.query({ text: 'insert into plans (event_id, workspace_id, owed) select id, workspace_id, 0 from events where workspace_id = $1', values: [owner.workspaceId] });
    expect(process.type).toBe('flow');
    const typesAt = async (fields: string): Promise<string[]> => {
      const id = await makeEndpoint(api.db, owner.workspaceId);
      await update('endpoints', fields, id);
      await run(await recover({ only: 'missing' }, id));
      return (await api.db.query<{ type: string }>({ text: 'select e.type from deliveries d join events e on e.id = d.event_id where d.endpoint_id = $1 order by e.id', values: [id] }))
        .map(({ type }) => type);
    };
    expect(await typesAt(`name = 'all'`)).toEqual(['record:create', 'process:create']);
    expect(await typesAt(`scope = 'flow:b'`)).toEqual([]);
    expect(await typesAt(`scope = 'flow:a', events = '{process:*}'`)).toEqual(['process:create']);
    expect(await typesAt(`events = '{endpoint.*}'`)).toEqual(['endpoint.failing']);
    expect(await typesAt(`dialect = 'flow', events = '{*}'`)).toEqual(['flow.start']);
    expect(await typesAt(`dialect = 'chative', events = '{*}'`)).toEqual(['record:create']);
    await api.db.query({ text: `update events set data = jsonb_build_object('endpointId', $2::text)::text where id = $1`, values: [operational, endpointId] });
    await update('endpoints', `events = '{endpoint.*}'`);
    expect((await run(await recover({ only: 'missing' }))).result.added).toBe(0);
  });

  it('of both makes good what failed and what is missing, in the order of the events', async () => {
    const [missing] = await planned(1);
    const failed = await owe({ status: 'EXHAUSTED' });
    const done = await owe({ status: 'DELIVERED' });
    expect(await run(await recover({ only: 'all' }))).toMatchObject({ total: 3, done: 3, result: { resent: 1, added: 1, woken: 0 } });
    expect([await deliveries(missing!), await deliveries(failed.eventId), await deliveries(done.eventId)].map(({ length }) => length)).toEqual([1, 2, 1]);
  });
});

describe('A backfill', () => {
  const rule = async (fields: object = {}): Promise<string> => {
    const reply = await call('POST', '/v1/rules', { name: 'r', events: ['order.*'], condition: { 'data.n': { $gte: 2 } }, endpointIds: [endpointId], ...fields });
    return reply.body.id;
  };

  it('delivers what the rule would have matched to the one endpoint, without what that has already', async () => {
    await update('endpoints', `events = '{}'`);
    const second = await makeEndpoint(api.db, owner.workspaceId, { events: [] });
    const events = await planned(5, 'order.made');
    await owe({ status: 'EXHAUSTED', eventId: events[4]! });
    const ruleId = await rule({ endpointIds: [endpointId, second], enabled: false });
    const job = await run(await backfill(ruleId, { ratePerSecond: 100 }));
    expect(job).toMatchObject({
      kind: 'backfill', status: 'COMPLETED', total: 5, done: 5, result: { resent: 0, added: 2, woken: 0 },
      parameters: { ruleId, endpointId, since: LONG_AGO, ratePerSecond: 100 },
    });
    expect((await Promise.all(events.map((id) => deliveries(id)))).map(({ length }) => length)).toEqual([0, 0, 1, 1, 1]);
    expect((await Promise.all(events.map((id) => deliveries(id, second)))).flat()).toEqual([]);
    const { rows: [line] } = await listAudit(api.db, owner.workspaceId, { below: lastId('audit'), from: firstId('audit'), limit: 1 }, ruleId);
    expect(line?.action).toBe('rule.backfill');
  });

  it('is refused for an endpoint that is none of the rule, and for a rule that is not there', async () => {
    const ruleId = await rule();
    const other = await makeEndpoint(api.db, owner.workspaceId);
    expect(await backfill(ruleId, { endpointId: other })).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path: 'endpointId' }] } });
    expect(await backfill('rul_01jc3f7x9k2m4n6p8q0r2s4t6v')).toMatchObject({ status: 404 });
  });

  it.each([
    ['the rule is deleted', (ruleId: string) => call('DELETE', `/v1/rules/${ruleId}`), 'rule'],
    ['the rule names the endpoint no more', (ruleId: string) => call('PATCH', `/v1/rules/${ruleId}`, { endpointIds: [] }), 'rule'],
    ['the endpoint is deleted', () => call('DELETE', `/v1/endpoints/${endpointId}`), 'endpoint'],
  ])('fails and says why where meanwhile %s', async (_, change, noun) => {
    await planned(3, 'order.made');
    const ruleId = await rule();
    const reply = await backfill(ruleId);
    await change(ruleId);
    expect(await run(reply)).toMatchObject({ status: 'FAILED', done: 0, error: expect.stringContaining(`the ${noun} `), finishedAt: expect.any(String) });
  });
});

describe('What is handed over', () => {
  it.each([
    ['is held where the endpoint is deactivated', `status = 'DEACTIVATED'`, { status: 'HELD', reason: 'endpoint_deactivated' }],
    ['is held where its drain is paused', `drain_paused = true`, { status: 'HELD', reason: 'drain_paused' }],
    ['waits where the breaker is open', `status = 'FAILING'`, { status: 'PENDING', reason: 'endpoint_failing' }],
  ] as const)('%s', async (_, change, expected) => {
    const [missing] = await planned(1);
    const failed = await owe({ status: 'EXHAUSTED' });
    await update('endpoints', change);
    await run(await recover({ only: 'all' }));
    for (const eventId of [missing!, failed.eventId]) {
      const made = (await deliveries(eventId)).at(-1);
      expect(made).toMatchObject(expected);
      const { hold_ms: holdMs } = (await owedRow(api.db, made!.id))!;
      if (expected.status === 'HELD') expect(holdMs).toBeGreaterThan(13 * 86_400_000);
      else expect(holdMs).toBeNull();
    }
  });

  it('is no more in a second than was asked for', async () => {
    await planned(12);
    const { body: { job } } = await recover({ only: 'missing', ratePerSecond: 5 });
    await page(job.id);
    const rests: number[] = [];
    for (let n = 0; n < 3; n++) rests.push(await page(job.id));
    expect(rests).toEqual([1_000, 1_000, 0]);
    expect((await advanceJob(api.db, owner.workspaceId, job.id))).toMatchObject({ status: 'COMPLETED', done: 12 });
  });

  it('waits while as much is in the lane as the endpoint takes in ten seconds', async () => {
    await update('endpoints', `policy = '{"ratePerSecond": 20}'`);
    const events = await planned(450);
    const { body: { job } } = await recover({ only: 'missing' });
    await page(job.id);
    expect(await page(job.id)).toBe(0);
    const pending = async (): Promise<number> => (await read(job.id)).result.added;
    expect(await pending()).toBe(200);
    expect([await page(job.id), await pending()]).toEqual([2_000, 200]);
    // What is new and waits too takes no room: it leaves beside a drain.
    await api.db.query({ text: `update deliveries set reason = 'rate_limited' where event_id = $1`, values: [events[0]] });
    expect([await page(job.id), await pending()]).toEqual([2_000, 200]);
    await update('endpoints', `status = 'FAILING'`);
    await api.db.query({ text: `update deliveries set reason = 'endpoint_failing' where event_id = any($1)`, values: [events] });
    expect([await page(job.id), await pending()]).toEqual([10_000, 200]);
    await api.db.query({ text: `update deliveries set status = 'DELIVERED' where event_id = any($1)`, values: [events] });
    await update('endpoints', `status = 'ACTIVE'`);
    await page(job.id);
    expect(await pending()).toBe(400);
  });
});

describe('A page', () => {
  it('that is done twice, at once or later, makes nothing twice', async () => {
    const events = await planned(40);
    const { body: { job } } = await recover({ only: 'missing' });
    await page(job.id);
    await Promise.all([page(job.id), page(job.id), page(job.id)]);
    await page(job.id);
    expect((await Promise.all(events.map((id) => deliveries(id)))).every(({ length }) => length === 1)).toBe(true);
    expect(await read(job.id)).toMatchObject({ done: 40, result: { added: 40 } });
  });

  it('of two jobs at once makes nothing twice, nor beside a resend by hand', async () => {
    const [missing] = await planned(1);
    const failed = await owe({ status: 'EXHAUSTED' });
    const jobs = [await recover({ only: 'all' }), await recover({ only: 'all' }), await recover({ only: 'failed' })];
    await Promise.all([...jobs.map(run), call('POST', `/v1/events/${missing}/resend`, { endpointIds: [endpointId] }), call('POST', `/v1/deliveries/${failed.id}/retry`)]);
    expect([await deliveries(missing!), await deliveries(failed.eventId)].map(({ length }) => length)).toEqual([1, 2]);
    expect([await owedOf(missing!), await owedOf(failed.eventId)]).toEqual([1, 1]);
  });

  it('does nothing while the job is paused, goes on when it is resumed, and nothing more when it is cancelled', async () => {
    await planned(4);
    const { body: { job } } = await recover({ only: 'missing', ratePerSecond: 1 });
    const switched = (action: 'pause' | 'resume' | 'cancel') => api.db.transaction((trx) => switchJob(trx, owner.workspaceId, job.id, action));
    await page(job.id);
    await page(job.id);
    await switched('pause');
    await page(job.id);
    expect(await read(job.id)).toMatchObject({ status: 'PAUSED', done: 1 });
    await switched('resume');
    await page(job.id);
    expect(await read(job.id)).toMatchObject({ done: 2, result: { added: 2 } });
    await switched('cancel');
    await page(job.id);
    expect(await read(job.id)).toMatchObject({ status: 'CANCELLED', total: 4, done: 2 });
  });

  it('on its last try leaves out what can not be looked at, and counts and lists it', async () => {
    const failed = [await owe({ status: 'EXHAUSTED' }), await owe({ status: 'EXHAUSTED' }), await owe({ status: 'EXHAUSTED' })];
    const { body: { job } } = await recover({});
    await page(job.id);
    // A fault that only the second one meets: its resend can not be stored.
    await api.db.query({ text: `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'a fault'; end $$` });
    const partition = (await api.db.query<{ name: string }>({ text: 'select tableoid::regclass::text as name from deliveries where id = $1', values: [failed[1]!.id] }))[0]!.name;
    await api.db.query({ text: `create trigger refuse before insert on ${partition} for each row when (new.event_id = '${failed[1]!.eventId}') execute function refuse()` });
    await expect(page(job.id)).rejects.toThrow('a fault');
    expect(await read(job.id)).toMatchObject({ done: 0, failed: 0 });
    await page(job.id, true);
    await page(job.id, true);
    await advanceJob(api.db, owner.workspaceId, job.id);
    await api.db.query({ text: 'drop function refuse() cascade' });
    expect(await read(job.id)).toMatchObject({ status: 'COMPLETED', total: 3, done: 2, failed: 1, result: { resent: 2 } });
    expect((await call('GET', `/v1/jobs/${job.id}/entries?status=failed`)).body.data).toMatchObject([{ index: 1, status: 'failed', id: failed[1]!.id, error: { code: 'internal' } }]);
  });
});

describe('A dry run', () => {
  it('tells what would be done, and does nothing', async () => {
    await planned(3);
    await owe({ status: 'EXHAUSTED' });
    await owe({ status: 'RETRYING', way: 'retry' });
    await update('endpoints', `policy = '{"ratePerSecond": 2}'`);
    const { status, body } = await recover({ only: 'all', dryRun: true });
    expect([status, body]).toEqual([200, {
      dryRun: true, total: 5, looked: 5, complete: true, found: { resent: 1, added: 3, woken: 1 }, deliveries: 4, atLeastSeconds: 2,
    }]);
    expect((await recover({ dryRun: true, ratePerSecond: 1 })).body).toMatchObject({ total: 2, found: { resent: 1, added: 0, woken: 1 }, atLeastSeconds: 1 });
    const ruleId = (await call('POST', '/v1/rules', { name: 'r', events: ['*'], condition: { 'data.n': 1 }, endpointIds: [endpointId] })).body.id;
    expect((await backfill(ruleId, { dryRun: true })).body).toMatchObject({ total: 5, found: { resent: 0, added: 1, woken: 0 } });
    expect((await call('GET', '/v1/jobs')).body.data).toEqual([]);
    expect(await api.db.query({ text: `select 1 from deliveries where endpoint_id = $1`, values: [endpointId] })).toHaveLength(2);
  });

  it('of more than can be looked at in the time estimates from the part that was, and says so', async () => {
    await planned(1_200);
    const ask = (countMs: number) => estimateRecovery(deps, api.db, { workspaceId: owner.workspaceId, actor: 'root' }, {
      endpointId, ruleId: null, only: 'missing', since: new Date(LONG_AGO), until: null, ratePerSecond: 10,
    }, { lookMs: 0, countMs });
    expect(await ask(60_000)).toEqual({
      total: 1_200, looked: 500, isComplete: false, found: { resent: 0, added: 500, woken: 0 }, deliveries: 1_200, atLeastSeconds: 120,
    });
    expect(await ask(0)).toMatchObject({ total: null, looked: 500, isComplete: false, deliveries: null, atLeastSeconds: null });
  });

  it('of a past that holds nothing answers zeroes', async () => {
    expect((await recover({ only: 'all', dryRun: true })).body).toMatchObject({ total: 0, looked: 0, complete: true, deliveries: 0, atLeastSeconds: 0 });
    expect(await run(await recover({ only: 'all' }))).toMatchObject({ status: 'COMPLETED', total: 0, done: 0, result: { resent: 0, added: 0, woken: 0 } });
  });
});

describe('The call', () => {
  it.each([
    [{ since: 'yesterday' }, 'since'],
    [{ since: '2999-01-01T00:00:00Z' }, 'since'],
    [{ until: LONG_AGO }, 'until'],
    [{ only: 'everything' }, 'only'],
    [{ ratePerSecond: 0 }, 'ratePerSecond'],
    [{ ratePerSecond: 1.5 }, 'ratePerSecond'],
    [{ eventTypes: ['*'] }, 'eventTypes'],
  ])('with %j is refused with the place of the mistake', async (body, path) => {
    expect(await recover(body)).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path }] } });
  });

  it('needs a since, an endpoint of the workspace, and a key that writes', async () => {
    expect(await call('POST', `/v1/endpoints/${endpointId}/recover`, {})).toMatchObject({ status: 422, body: { errors: [{ path: 'since' }] } });
    expect((await recover({}, 'ep_01jc3f7x9k2m4n6p8q0r2s4t6v')).status).toBe(404);
    const reader = await api.tenant('read');
    expect((await api.call('POST', `/v1/endpoints/${endpointId}/recover`, { since: LONG_AGO }, reader.headers)).status).toBe(403);
  });

  it('is done once for one Idempotency-Key, and takes an until in the future as now', async () => {
    const ask = () => call('POST', `/v1/endpoints/${endpointId}/recover`, { since: LONG_AGO, until: '2999-01-01T00:00:00Z' }, { 'idempotency-key': 'once' });
    const [first, second] = [await ask(), await ask()];
    expect(second.body.job.id).toBe(first.body.job.id);
    expect(Date.parse(first.body.job.parameters.until)).toBeLessThanOrEqual(Date.now() + 1);
    expect((await call('GET', '/v1/jobs?kind=recover')).body.data).toHaveLength(1);
  });
});
