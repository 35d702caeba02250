import type { WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Activities } from '../../activities';
import { afterAction, isOver, type JobStatus } from '../../src/domain/job';
import { JOB_SIGNALS, jobWorkflowId, PROGRESS_QUERY, TASK_QUEUE, type JobInput, type JobLook } from '../../workflows/contract';
import { startJobWorkers, type JobWorkers } from '../support/job-workers';
import { newId } from '../support/make';
import { until } from '../support/wait';

/** A job as PostgreSQL would keep it. */
class FakeJob {
  status: JobStatus = 'QUEUED';
  done = 0;
  readonly pages: string[] = [];
  /** Called within each page. */
  onPage: (from: number) => void | Promise<void> = () => undefined;
  constructor(readonly total: number) {}

  look(): JobLook {
    const isDone = this.done === this.total;
    if (!isOver(this.status) && this.status !== 'PAUSED') this.status = isDone ? 'COMPLETED' : 'RUNNING';
    return { status: this.status, total: this.total, done: this.done, failed: 0, next: isDone ? null : this.done };
  }
}

const jobs = new Map<string, FakeJob>();
const find = (id: string): FakeJob => jobs.get(id) as FakeJob;

const activities: Pick<Activities, 'lookAtJob' | 'switchJob' | 'writePage'> = {
  lookAtJob: ({ jobId }) => Promise.resolve(jobs.get(jobId)?.look() ?? null),
  switchJob: ({ jobId, action }) => {
    const job = find(jobId);
    job.status = afterAction(job.status, action) ?? job.status;
    return Promise.resolve();
  },
  writePage: async ({ jobId, from, to }) => {
    const job = find(jobId);
    job.pages.push(`${from}-${to}`);
    await job.onPage(from);
    if (job.status === 'RUNNING') job.done = to + 1;
    return job.look();
  },
};

let workers: JobWorkers;
beforeAll(async () => void (workers = await startJobWorkers(activities)));
afterAll(() => workers?.stop());

function begin(job: FakeJob | null): Promise<{ jobId: string; run: WorkflowHandleWithFirstExecutionRunId }> {
  const jobId = newId('job');
  if (job) jobs.set(jobId, job);
  const input: JobInput = { workspaceId: newId('workspace'), jobId };
  return workers.client.workflow.start('bulkWrite', { args: [input], taskQueue: TASK_QUEUE, workflowId: jobWorkflowId(jobId) }).then((run) => ({ jobId, run }));
}

const progress = (run: WorkflowHandle): Promise<JobLook | null> => run.query<JobLook | null>(PROGRESS_QUERY);

test('works page by page to the end, and says how it went', async () => {
  const job = new FakeJob(250);
  const { run } = await begin(job);
  expect(await run.result()).toEqual({ status: 'COMPLETED', total: 250, done: 250, failed: 0 });
  expect(job.pages).toEqual(['0-99', '100-199', '200-249']);
  expect(await progress(run)).toEqual({ status: 'COMPLETED', total: 250, done: 250, failed: 0, next: null });
});

test('goes on where an earlier run was lost', async () => {
  const job = new FakeJob(250);
  job.done = 130;
  await (await begin(job)).run.result();
  expect(job.pages).toEqual(['130-229', '230-249']);
});

test('paused by a signal from the Temporal UI it begins no page until it is resumed', async () => {
  const job = new FakeJob(300);
  const started = begin(job);
  job.onPage = async (from) => (from === 100 ? (await started).run.signal(JOB_SIGNALS.pause) : undefined);
  const { run } = await started;
  await until(() => job.status === 'PAUSED', { what: 'the pause' });
  await until(async () => (await progress(run))?.status === 'PAUSED', { what: 'the progress to say so' });
  const pages = job.pages.length;
  // Woken, it looks, and rests again.
  await run.signal(JOB_SIGNALS.wake);
  await progress(run);
  expect(job.pages).toHaveLength(pages);
  await run.signal(JOB_SIGNALS.resume);
  expect(await run.result()).toMatchObject({ status: 'COMPLETED', done: 300 });
});

test('paused and resumed through PostgreSQL it hears of it by the wake', async () => {
  const job = new FakeJob(200);
  job.status = 'PAUSED';
  const { run } = await begin(job);
  await until(async () => (await progress(run))?.status === 'PAUSED', { what: 'the progress to say so' });
  job.status = 'QUEUED';
  await run.signal(JOB_SIGNALS.wake);
  expect(await run.result()).toMatchObject({ status: 'COMPLETED', done: 200 });
});

test('cancelled by a signal it ends after its page, also while it is paused', async () => {
  const [working, paused] = [new FakeJob(300), new FakeJob(300)];
  paused.status = 'PAUSED';
  const started = begin(working);
  working.onPage = async (from) => (from === 100 ? (await started).run.signal(JOB_SIGNALS.cancel) : undefined);
  const [first, second] = await Promise.all([started, begin(paused)]);
  await second.run.signal(JOB_SIGNALS.cancel);
  expect(await first.run.result()).toMatchObject({ status: 'CANCELLED' });
  expect(await second.run.result()).toMatchObject({ status: 'CANCELLED', done: 0 });
  expect(paused.pages).toEqual([]);
});

test('a cancellation of the workflow itself is one of its job', async () => {
  const job = new FakeJob(300);
  job.status = 'PAUSED';
  const { run } = await begin(job);
  await until(async () => (await progress(run))?.status === 'PAUSED', { what: 'the progress to say so' });
  await run.cancel();
  await expect(run.result()).rejects.toThrow('Workflow execution cancelled');
  expect(job.status).toBe('CANCELLED');
});

test('a page that meets a fault is tried again', async () => {
  const job = new FakeJob(100);
  job.onPage = () => {
    if (job.pages.length < 3) throw new Error('the database is away');
  };
  expect(await (await begin(job)).run.result()).toMatchObject({ status: 'COMPLETED', done: 100 });
  expect(job.pages).toEqual(['0-99', '0-99', '0-99']);
});

test('a job of which nothing could be done shows as failed, and so does one that is not there', async () => {
  const job = new FakeJob(100);
  job.onPage = () => void (job.status = 'FAILED');
  await expect((await begin(job)).run.result()).rejects.toMatchObject({ cause: { type: 'job_failed' } });
  await expect((await begin(null)).run.result()).rejects.toMatchObject({ cause: { type: 'job_gone' } });
});
