import { MAX_OPEN_JOBS } from '../../src/commands/accept-job';
import { switchJob } from '../../src/commands/switch-job';
import { writeEntry } from '../../src/commands/write-entry';
import { createNewId } from '../../src/ids';
import { createLog } from '../../src/log';
import type { Deps } from '../../src/deps';
import { advanceJob, removeOldJobs } from '../../src/store/jobs';
import { reconcile } from '../../src/store/reconcile';
import { startApi, type TestApi } from '../support/api';

let api: TestApi;
let owner: { readonly workspaceId: string; readonly headers: Record<string, string> };
/** As much of a worker's parts as entries need. */
let deps: Deps;
beforeAll(async () => {
  api = await startApi();
  deps = { db: api.db, newId: createNewId(), now: () => new Date(), log: createLog('silent') } as Deps;
});
beforeEach(async () => {
  owner = await api.tenant();
});
afterAll(() => api.close());

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => api.call(method, path, body, { ...owner.headers, ...headers });
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a job as the API answers it
const accepted = async (method: 'POST' | 'PATCH', path: string, items: readonly unknown[]): Promise<any> => {
  const reply = await call(method, path, { items });
  expect([reply.status, reply.body.job?.status]).toEqual([202, 'QUEUED']);
  return reply.body.job;
};

/** Does all of a job as its workflow would. */
async function run(jobId: string): Promise<void> {
  for (let look = await advanceJob(api.db, owner.workspaceId, jobId); look?.status === 'RUNNING'; look = await advanceJob(api.db, owner.workspaceId, jobId)) {
    await writeEntry(deps, { workspaceId: owner.workspaceId, jobId, index: look.next ?? 0 }, false);
  }
}

const eventsOf = async (): Promise<string[]> =>
  (await api.db.query<{ type: string }>({ text: 'select type from events where workspace_id = $1 order by id', values: [owner.workspaceId] })).map(({ type }) => type);

describe('A bulk create', () => {
  it('is answered with a job that is queued, before anything is made', async () => {
    const job = await accepted('POST', '/v1/processes/bulk', [{ type: 'lead', state: 'NEW' }, { type: 'lead' }]);
    expect(job).toEqual({
      id: expect.stringMatching(/^job_/), kind: 'bulk_create', status: 'QUEUED', total: 2, done: 0, failed: 0, parameters: { objectKind: 'process' },
      result: null, error: null, workflow: null, createdAt: expect.any(String), finishedAt: null,
    });
    expect((await call('GET', '/v1/processes')).body.data).toEqual([]);
    expect((await call('GET', `/v1/jobs/${job.id}`)).body).toEqual(job);
    expect(await api.db.query({ text: 'select kind, workspace_id from outbox where job_id = $1', values: [job.id] })).toEqual([{ kind: 'job', workspace_id: owner.workspaceId }]);
  });

  it('makes each object as the single call does, in the order of the list, and announces it once', async () => {
    const record = (await call('POST', '/v1/records', { type: 'customer' })).body;
    const job = await accepted('POST', '/v1/tasks/bulk', [
      { type: 'call', recordId: record.id, attributes: { n: 1, none: null }, actor: { userId: 'u-1' } }, { type: 'call', recordId: record.id, status: 'PLANNED' },
    ]);
    await run(job.id);
    expect((await call('GET', `/v1/jobs/${job.id}`)).body).toMatchObject({
      status: 'COMPLETED', total: 2, done: 2, failed: 0, finishedAt: expect.any(String), workflow: { id: `job/${job.id}`, url: expect.stringContaining(`job%2F${job.id}`) },
    });
    const { data } = (await call('GET', `/v1/jobs/${job.id}/entries`)).body;
    expect(data).toEqual([{ index: 0, status: 'done', id: expect.stringMatching(/^tsk_/) }, { index: 1, status: 'done', id: expect.stringMatching(/^tsk_/) }]);
    expect((await call('GET', `/v1/tasks/${data[0].id}`)).body).toMatchObject({ recordId: record.id, status: 'OPEN', attributes: { n: 1 }, version: 1 });
    expect((await call('GET', `/v1/tasks/${data[1].id}`)).body).toMatchObject({ status: 'PLANNED' });
    expect(await eventsOf()).toEqual(['record:create', 'task:create', 'task:create']);
    expect((await call('GET', `/v1/events?objectId=${data[0].id}`)).body.data[0].actor).toEqual({ userId: 'u-1' });
    expect(await api.db.query({ text: 'select item from job_entries where job_id = $1', values: [job.id] })).toEqual([{ item: null }, { item: null }]);
  });

  it('tells of each item that can not be done by itself, and does the others', async () => {
    const job = await accepted('POST', '/v1/processes/bulk', [
      { type: 'lead', primaryKey: 'l-1' }, { type: 'lead', primaryKey: 'l-1' }, { type: 'lead', recordId: 'rec_01jc3f7x9k2m4n6p8q0r2s4t6v' },
      { type: 'lead', attributes: { big: 'x'.repeat(256 * 1024) } }, { type: 'lead', primaryKey: 'l-2' },
    ]);
    await run(job.id);
    expect((await call('GET', `/v1/jobs/${job.id}`)).body).toMatchObject({ status: 'COMPLETED', total: 5, done: 2, failed: 3, error: null });
    const { data } = (await call('GET', `/v1/jobs/${job.id}/entries?status=failed`)).body;
    expect(data).toMatchObject([
      { index: 1, error: { code: 'duplicate_primary_key', status: 409 } },
      { index: 2, error: { code: 'invalid', status: 422, errors: [{ path: 'recordId' }] } },
      { index: 3, error: { code: 'invalid', status: 422, errors: [{ path: 'attributes' }] } },
    ]);
    expect(await eventsOf()).toEqual(['process:create', 'process:create']);
  });

  it('can not refer to what another workspace has', async () => {
    const { body: strangers } = await api.call('POST', '/v1/records', { type: 'customer' });
    const job = await accepted('POST', '/v1/processes/bulk', [{ type: 'lead', recordId: strangers.id }]);
    await run(job.id);
    expect((await call('GET', `/v1/jobs/${job.id}/entries`)).body.data).toMatchObject([{ status: 'failed', error: { code: 'invalid' } }]);
  });

  it('is refused whole where items are malformed, with the place of each', async () => {
    const reply = await call('POST', '/v1/processes/bulk', { items: [{ type: 'lead' }, { type: '' }, { type: 'lead', status: 'DONE' }, { type: 'lead', colour: 'red' }, 7] });
    expect(reply.status).toBe(422);
    expect(reply.body.errors.map(({ path }: { path: string }) => path)).toEqual(['items.1.type', 'items.2.status', 'items.3.colour', 'items.4']);
    expect((await call('GET', '/v1/jobs')).body.data).toEqual([]);
    expect((await call('POST', '/v1/tasks/bulk', { items: Array.from({ length: 300 }, () => ({})) })).body).toMatchObject({ detail: expect.stringContaining('300 mistakes'), errors: { length: 100 } });
  });

  it('takes 10,000 items, and neither none nor more', async () => {
    const items = (count: number) => Array.from({ length: count }, (_, n) => ({ type: 'lead', attributes: { n } }));
    expect((await accepted('POST', '/v1/processes/bulk', items(10_000))).total).toBe(10_000);
    expect(await call('POST', '/v1/processes/bulk', { items: [] })).toMatchObject({ status: 422, body: { errors: [{ path: 'items' }] } });
    expect(await call('POST', '/v1/processes/bulk', { items: items(10_001) })).toMatchObject({ status: 422, body: { errors: [{ path: 'items' }] } });
  });

  it('is done once for one Idempotency-Key', async () => {
    const [first, second] = [
      await call('POST', '/v1/records/bulk', { items: [{ type: 'c' }] }, { 'idempotency-key': 'once' }),
      await call('POST', '/v1/records/bulk', { items: [{ type: 'c' }] }, { 'idempotency-key': 'once' }),
    ];
    expect(second.body.job.id).toBe(first.body.job.id);
    expect((await call('GET', '/v1/jobs')).body.data).toHaveLength(1);
  });

  it('is refused where the workspace has as many open jobs as it may, until one is over', async () => {
    const jobs = [];
    for (let n = 0; n < MAX_OPEN_JOBS; n++) jobs.push(await accepted('POST', '/v1/records/bulk', [{ type: 'c' }]));
    expect(await call('POST', '/v1/records/bulk', { items: [{ type: 'c' }] })).toMatchObject({ status: 422, body: { code: 'limit_reached' } });
    await call('POST', `/v1/jobs/${jobs[0].id}/cancel`);
    await accepted('POST', '/v1/records/bulk', [{ type: 'c' }]);
  });

  it('may be asked for with a key that publishes, an update and a pause only with one that writes', async () => {
    const publisher = await api.tenant('publish');
    const reply = await api.call('POST', '/v1/records/bulk', { items: [{ type: 'c' }] }, publisher.headers);
    expect(reply.status).toBe(202);
    expect((await api.call('PATCH', '/v1/records/bulk', { items: [{ id: 'rec_01jc3f7x9k2m4n6p8q0r2s4t6v' }] }, publisher.headers)).status).toBe(403);
    expect((await api.call('POST', `/v1/jobs/${reply.body.job.id}/pause`, undefined, publisher.headers)).status).toBe(403);
  });
});

describe('A bulk update', () => {
  it('changes objects that are named by id or by type and primary key, one after the other', async () => {
    const lead = (await call('POST', '/v1/processes', { type: 'lead', primaryKey: 'l-1', state: 'NEW', attributes: { city: 'Pune', old: 1 } })).body;
    const job = await accepted('PATCH', '/v1/processes/bulk', [
      { id: lead.id, state: 'CONTACTED' }, { type: 'lead', primaryKey: 'l-1', state: 'CONVERTED', attributes: { old: null } },
      { type: 'lead', primaryKey: 'none', state: 'LOST' }, { id: lead.id, state: 'CONVERTED' },
    ]);
    expect(job).toMatchObject({ kind: 'bulk_update', total: 4 });
    await run(job.id);
    expect((await call('GET', `/v1/processes/${lead.id}`)).body).toMatchObject({ state: 'CONVERTED', attributes: { city: 'Pune' }, version: 3 });
    const { data } = (await call('GET', `/v1/jobs/${job.id}/entries`)).body;
    expect(data).toMatchObject([{ status: 'done', id: lead.id }, { status: 'done', id: lead.id }, { status: 'failed', error: { code: 'not_found' } }, { status: 'done' }]);
    expect(await eventsOf()).toEqual(['process:create', 'process:update', 'process:state-change', 'process:update', 'process:state-change']);
  });

  it('is refused where an item does not say clearly which object it means', async () => {
    const id = 'prc_01jc3f7x9k2m4n6p8q0r2s4t6v';
    const reply = await call('PATCH', '/v1/processes/bulk', { items: [{ state: 'A' }, { type: 'lead' }, { id, type: 'lead', primaryKey: 'x' }, { id: 'rec_1' }, { id, recordId: id }, { id }] });
    expect(reply.body.errors.map(({ path }: { path: string }) => path)).toEqual(['items.0', 'items.1', 'items.2', 'items.3.id', 'items.4.recordId']);
  });

  it('does not know GET, and its address is no id', async () => {
    expect((await call('GET', '/v1/processes/bulk')).status).toBe(405);
    expect((await call('DELETE', '/v1/records/bulk')).status).toBe(405);
  });
});

describe('A job', () => {
  const three = (): Promise<{ id: string }> => accepted('POST', '/v1/records/bulk', [{ type: 'c' }, { type: 'c' }, { type: 'c' }]);
  const write = (jobId: string, index: number, isLastTry = false): Promise<boolean> => writeEntry(deps, { workspaceId: owner.workspaceId, jobId, index }, isLastTry);

  it('is paused, resumed and cancelled; each again is as it is, and none of it when it is over', async () => {
    const { id } = await three();
    const act = async (action: string): Promise<[number, string]> => {
      const { status, body } = await call('POST', `/v1/jobs/${id}/${action}`);
      return [status, body.status === status ? body.code : body.status];
    };
    expect([await act('pause'), await act('pause'), await act('resume'), await act('resume')]).toEqual([[202, 'PAUSED'], [202, 'PAUSED'], [202, 'QUEUED'], [202, 'QUEUED']]);
    expect([await act('cancel'), await act('cancel'), await act('pause'), await act('resume')])
      .toEqual([[202, 'CANCELLED'], [202, 'CANCELLED'], [409, 'not_possible'], [409, 'not_possible']]);
    expect((await call('GET', `/v1/jobs/${id}`)).body.finishedAt).not.toBeNull();
  });

  it('does nothing while it is paused, and leaves undone what is pending when it is cancelled', async () => {
    const { id } = await three();
    expect(await write(id, 0)).toBe(true);
    await call('POST', `/v1/jobs/${id}/pause`);
    expect([await write(id, 1), (await advanceJob(api.db, owner.workspaceId, id))?.status]).toEqual([false, 'PAUSED']);
    await call('POST', `/v1/jobs/${id}/resume`);
    expect(await write(id, 1)).toBe(true);
    await call('POST', `/v1/jobs/${id}/cancel`);
    expect(await write(id, 2)).toBe(false);
    expect((await call('GET', `/v1/jobs/${id}`)).body).toMatchObject({ status: 'CANCELLED', total: 3, done: 2, failed: 0 });
    expect((await call('GET', `/v1/jobs/${id}/entries?status=pending`)).body.data).toEqual([{ index: 2, status: 'pending' }]);
    expect((await call('GET', '/v1/records')).body.data).toHaveLength(2);
  });

  it('does an entry once, whoever else is at it', async () => {
    const { id } = await three();
    expect(await Promise.all([0, 0, 0, 0, 0].map((index) => write(id, index)))).toEqual(Array(5).fill(true));
    expect((await call('GET', `/v1/jobs/${id}`)).body).toMatchObject({ done: 1, failed: 0 });
    expect(await eventsOf()).toEqual(['record:create']);
  });

  it('that a pause answers has no entry under way', async () => {
    const { id } = await three();
    const writing = write(id, 0);
    await api.db.transaction((trx) => switchJob(trx, owner.workspaceId, id, 'pause'));
    const [row] = await api.db.query<{ done: number }>({ text: 'select done from jobs where id = $1', values: [id] });
    await writing;
    expect((await call('GET', `/v1/jobs/${id}`)).body.done).toBe(row?.done);
  });

  it('tries an entry again that met a fault of ours, and gives it up at last; it FAILED where that is all that came of it', async () => {
    const { id } = await three();
    await api.db.query({ text: `update job_entries set item = 'no JSON' where job_id = $1`, values: [id] });
    await expect(write(id, 0)).rejects.toThrow();
    expect((await call('GET', `/v1/jobs/${id}`)).body).toMatchObject({ done: 0, failed: 0 });
    for (const index of [0, 1, 2]) expect(await write(id, index, true)).toBe(true);
    await advanceJob(api.db, owner.workspaceId, id);
    expect((await call('GET', `/v1/jobs/${id}`)).body).toMatchObject({ status: 'FAILED', failed: 3, error: expect.any(String) });
    expect((await call('GET', `/v1/jobs/${id}/entries?limit=1`)).body.data).toMatchObject([{ error: { code: 'internal', status: 500 } }]);
  });

  it('is woken again when nothing was heard of it for a minute, unless it is paused', async () => {
    const [lost, paused, live] = [await three(), await three(), await three()];
    await call('POST', `/v1/jobs/${paused.id}/pause`);
    await api.db.query({ text: 'delete from outbox' });
    await api.db.query({ text: `update jobs set updated_at = now() - interval '61 seconds' where id = any($1)`, values: [[lost.id, paused.id]] });
    await api.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 1, turn: 1 }));
    await api.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 1, turn: 1 }));
    const woken = await api.db.query<{ job_id: string }>({ text: `select job_id from outbox where kind = 'job' and job_id = any($1)`, values: [[lost.id, paused.id, live.id]] });
    expect(woken).toEqual([{ job_id: lost.id }]);
  });

  it('is removed with its entries when it has been over for long, and only then', async () => {
    const [old, recent, open] = [await three(), await three(), await three()];
    for (const { id } of [old, recent]) await call('POST', `/v1/jobs/${id}/cancel`);
    await api.db.query({ text: `update jobs set finished_at = now() - interval '31 days' where id = $1`, values: [old.id] });
    await removeOldJobs(api.db, 30);
    expect((await call('GET', '/v1/jobs')).body.data.map(({ id }: { id: string }) => id)).toEqual([open.id, recent.id]);
    expect(await api.db.query({ text: 'select 1 from job_entries where job_id = $1', values: [old.id] })).toEqual([]);
  });

  it('is listed newest first, by status and kind, and its entries page by page in their order', async () => {
    const [first, second] = [await three(), await three()];
    await call('POST', `/v1/jobs/${first.id}/cancel`);
    const ids = async (query: string): Promise<string[]> => (await call('GET', `/v1/jobs?${query}`)).body.data.map(({ id }: { id: string }) => id);
    expect(await ids('')).toEqual([second.id, first.id]);
    expect(await ids('status=CANCELLED')).toEqual([first.id]);
    expect(await ids('kind=bulk_update')).toEqual([]);
    const page = (await call('GET', `/v1/jobs/${second.id}/entries?limit=2`)).body;
    expect(page.data.map(({ index }: { index: number }) => index)).toEqual([0, 1]);
    const rest = (await call('GET', `/v1/jobs/${second.id}/entries?limit=2&cursor=${page.nextCursor}`)).body;
    expect(rest).toEqual({ data: [{ index: 2, status: 'pending' }], nextCursor: null });
    expect((await call('GET', `/v1/jobs/${first.id}/entries?cursor=${page.nextCursor}`)).body).toMatchObject({ code: 'invalid', errors: [{ path: 'cursor' }] });
  });
});
