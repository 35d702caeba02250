import { untilJob, untilJobEnds } from '../support/jobs';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service } = useService({ workers: 2 });

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a job as the API answers it
const read = (jobId: string): Promise<any> => service.ok('GET', `/v1/jobs/${jobId}`);
const begin = async (type: string, items: readonly object[]): Promise<string> =>
  (await service.ok('POST', '/v1/records/bulk', { items: items.map((item) => ({ type, ...item })) })).job.id;
const bare = (count: number): object[] => Array.from({ length: count }, (_, n) => ({ attributes: { n } }));

/** What there is of a type: objects, the events that announced them, and the objects that entries name. */
async function made(type: string, jobId: string): Promise<{ objects: number; events: number; announced: number; named: number }> {
  const [row] = await service.db.query<{ objects: number; events: number; announced: number; named: number }>({
    text: `select (select count(*) from objects where type = $1) as objects,
                  (select count(*) from events e join objects o on o.id = e.object_id where o.type = $1) as events,
                  (select count(distinct e.object_id) from events e join objects o on o.id = e.object_id where o.type = $1) as announced,
                  (select count(distinct subject_id) from job_entries where job_id = $2 and status = 'done') as named`,
    values: [type, jobId],
  });
  return row!;
}

test('fifteen hundred creates are each done and announced once, though a worker is killed in the middle', async () => {
  // Each twentieth has the primary key of the one before.
  const jobId = await begin('crash', bare(1_500).map((item, n) => ({ ...item, primaryKey: `k-${n % 20 === 19 ? n - 1 : n}` })));
  await untilJob(service, jobId, 'the first entries', ({ done }) => done >= 150);
  const history = await service.temporal.workflow.getHandle(`job/${jobId}`).fetchHistory();
  expect(history.events?.length).toBeGreaterThan(0);
  // Whichever of them is at it: the other goes on alone, and then one that is new.
  await service.workers()[0]!.kill('SIGKILL');
  await untilJob(service, jobId, 'more entries', ({ done }) => done >= 400);
  await service.workers()[0]!.kill('SIGKILL');
  const { status } = await read(jobId);
  expect(status).toBe('RUNNING');
  await service.startWorker();
  expect(await untilJobEnds(service, jobId)).toMatchObject({ status: 'COMPLETED', total: 1_500, done: 1_425, failed: 75 });
  expect(await made('crash', jobId)).toEqual({ objects: 1_425, events: 1_425, announced: 1_425, named: 1_425 });
  const failed = await service.ok('GET', `/v1/jobs/${jobId}/entries?status=failed&limit=250`);
  expect(failed.data.map(({ index }: { index: number }) => index)).toEqual(Array.from({ length: 75 }, (_, n) => n * 20 + 19));
  expect(new Set(failed.data.map(({ error }: { error: { code: string } }) => error.code))).toEqual(new Set(['duplicate_primary_key']));
  expect(await service.temporal.workflow.getHandle(`job/${jobId}`).result()).toEqual({ status: 'COMPLETED', total: 1_500, done: 1_425, failed: 75 });
}, 120_000);

test('a job stands still while it is paused, goes on when it is resumed, and stays as it is when it is cancelled', async () => {
  const jobId = await begin('steer', bare(3_000));
  await untilJob(service, jobId, 'the first entries', ({ done }) => done >= 100);
  const paused = await service.ok('POST', `/v1/jobs/${jobId}/pause`);
  expect(paused.status).toBe('PAUSED');
  const run = service.temporal.workflow.getHandle(`job/${jobId}`);
  await until(async () => (await run.query<{ status: string }>('progress')).status === 'PAUSED', { what: 'the workflow to rest' });
  expect((await read(jobId)).done).toBe(paused.done);
  await service.ok('POST', `/v1/jobs/${jobId}/resume`);
  await untilJob(service, jobId, 'more entries', ({ done }) => done > paused.done);
  const cancelled = await service.ok('POST', `/v1/jobs/${jobId}/cancel`);
  expect(cancelled.status).toBe('CANCELLED');
  expect(await run.result()).toMatchObject({ status: 'CANCELLED', done: cancelled.done });
  expect(await made('steer', jobId)).toMatchObject({ objects: cancelled.done, events: cancelled.done });
}, 120_000);

test('a signal from the Temporal UI pauses and resumes a job', async () => {
  const jobId = await begin('signals', bare(1_500));
  await untilJob(service, jobId, 'the first entries', ({ done }) => done >= 50);
  const run = service.temporal.workflow.getHandle(`job/${jobId}`);
  await run.signal('pause');
  await untilJob(service, jobId, 'the pause', ({ status }) => status === 'PAUSED');
  await run.signal('resume');
  expect(await untilJobEnds(service, jobId)).toMatchObject({ status: 'COMPLETED', done: 1_500 });
}, 120_000);

test('a job whose workflow was terminated is taken up again when it is resumed', async () => {
  const jobId = await begin('lost', bare(1_500));
  await untilJob(service, jobId, 'the first entries', ({ done }) => done >= 50);
  await service.ok('POST', `/v1/jobs/${jobId}/pause`);
  await service.temporal.workflow.getHandle(`job/${jobId}`).terminate('a test');
  await service.ok('POST', `/v1/jobs/${jobId}/resume`);
  expect(await untilJobEnds(service, jobId)).toMatchObject({ status: 'COMPLETED', done: 1_500, failed: 0 });
  expect(await made('lost', jobId)).toEqual({ objects: 1_500, events: 1_500, announced: 1_500, named: 1_500 });
}, 120_000);
