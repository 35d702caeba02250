import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities';
import { afterAction, isOver, type JobStatus } from '../../src/domain/job';
import { JOB_SIGNALS, jobWorkflowId, PROGRESS_QUERY, TASK_QUEUE, type JobInput, type JobLook } from '../../workflows/contract';
import { startJobWorkers, type JobWorkers } from '../support/job-workers';
import { newId } from '../support/make';
import { until } from '../support/wait';

/** A recovery as PostgreSQL would keep it: its first page counts, each other one looks at a hundred events. */
class FakeRecovery {
  status: JobStatus = 'QUEUED';
  total = 0;
  done = 0;
  pages = 0;
  restMs = 0;
  /** Called within each page, which is given its number from 1. */
  onPage: (page: number) => void | Promise<void> = () => undefined;
  constructor(readonly events: number) {}

  look(): JobLook {
    const isDone = this.pages > 0 && this.total === this.events && this.done === this.total;
    if (!isOver(this.status) && this.status !== 'PAUSED') this.status = isDone ? 'COMPLETED' : 'RUNNING';
    return { status: this.status, total: this.total, done: this.done, failed: 0, next: isDone ? null : this.done };
  }
}

const jobs = new Map<string, FakeRecovery>();
const find = (id: string): FakeRecovery => jobs.get(id) as FakeRecovery;

const activities: Pick<Activities, 'lookAtJob' | 'switchJob' | 'recoverPage'> = {
  lookAtJob: ({ jobId }) => Promise.resolve(jobs.get(jobId)?.look() ?? null),
  switchJob: ({ jobId, action }) => {
    const job = find(jobId);
    job.status = afterAction(job.status, action) ?? job.status;
    return Promise.resolve();
  },
  recoverPage: async ({ jobId }) => {
    const job = find(jobId);
    job.pages += 1;
    await job.onPage(job.pages);
    if (job.status === 'RUNNING' && job.total === 0) job.total = job.events;
    else if (job.status === 'RUNNING') job.done = Math.min(job.done + 100, job.total);
    return { ...job.look(), restMs: job.restMs };
  },
};

let workers: JobWorkers;
beforeAll(async () => void (workers = await startJobWorkers(activities)));
afterAll(() => workers?.stop());

async function begin(job: FakeRecovery | null): Promise<WorkflowHandle> {
  const jobId = newId('job');
  if (job) jobs.set(jobId, job);
  const input: JobInput = { workspaceId: newId('workspace'), jobId };
  return workers.client.workflow.start('recover', { args: [input], taskQueue: TASK_QUEUE, workflowId: jobWorkflowId(jobId) });
}

const progress = (run: WorkflowHandle): Promise<JobLook | null> => run.query<JobLook | null>(PROGRESS_QUERY);
const untilResting = (run: WorkflowHandle, status: JobStatus): Promise<unknown> =>
  until(async () => (await progress(run))?.status === status, { what: `the progress to say ${status}` });

test('counts, then goes page by page to the end, and says how it went', async () => {
  const job = new FakeRecovery(250);
  const run = await begin(job);
  expect(await run.result()).toEqual({ status: 'COMPLETED', total: 250, done: 250, failed: 0 });
  expect(job.pages).toBe(4);
  expect(await progress(run)).toMatchObject({ status: 'COMPLETED', total: 250, done: 250, next: null });
});

test('rests between its pages as long as each says', async () => {
  const job = new FakeRecovery(200);
  job.restMs = 10;
  const run = await begin(job);
  await run.result();
  const { events } = await run.fetchHistory();
  expect(events?.filter(({ timerStartedEventAttributes: timer }) => timer)).toHaveLength(2);
});

test('a rest ends where somebody calls: woken it goes on, paused it stays, cancelled it is over', async () => {
  const [woken, paused, cancelled] = [new FakeRecovery(200), new FakeRecovery(200), new FakeRecovery(200)];
  for (const job of [woken, paused, cancelled]) job.restMs = 3_600_000;
  const [first, second, third] = [await begin(woken), await begin(paused), await begin(cancelled)];
  await until(() => [woken, paused, cancelled].every(({ pages }) => pages === 1), { what: 'the first pages' });
  woken.restMs = 0;
  await first.signal(JOB_SIGNALS.wake);
  expect(await first.result()).toMatchObject({ status: 'COMPLETED', done: 200 });
  await second.signal(JOB_SIGNALS.pause);
  await untilResting(second, 'PAUSED');
  expect(paused.pages).toBe(1);
  paused.restMs = 0;
  await second.signal(JOB_SIGNALS.resume);
  expect(await second.result()).toMatchObject({ status: 'COMPLETED', done: 200 });
  await third.signal(JOB_SIGNALS.cancel);
  expect(await third.result()).toMatchObject({ status: 'CANCELLED', done: 0 });
});

test('paused through PostgreSQL within a page it rests until it hears of the resumption', async () => {
  const job = new FakeRecovery(300);
  job.onPage = (page) => void (page === 2 && (job.status = 'PAUSED'));
  const run = await begin(job);
  await untilResting(run, 'PAUSED');
  expect(job.pages).toBe(2);
  job.status = 'QUEUED';
  await run.signal(JOB_SIGNALS.wake);
  expect(await run.result()).toMatchObject({ status: 'COMPLETED', done: 300 });
});

test('a cancellation of the workflow itself is one of its job', async () => {
  const job = new FakeRecovery(300);
  job.restMs = 3_600_000;
  const run = await begin(job);
  await until(() => job.pages === 1, { what: 'the first page' });
  await run.cancel();
  await expect(run.result()).rejects.toThrow('Workflow execution cancelled');
  expect(job.status).toBe('CANCELLED');
});

test('a page that meets a fault is tried again', async () => {
  const job = new FakeRecovery(100);
  job.onPage = (page) => {
    if (page < 3) throw new Error('the database is away');
  };
  expect(await (await begin(job)).result()).toMatchObject({ status: 'COMPLETED', done: 100 });
  expect(job.pages).toBe(4);
});

test('one whose endpoint is gone shows as failed, and so does one that is not there', async () => {
  const job = new FakeRecovery(100);
  job.onPage = (page) => void (page === 2 && (job.status = 'FAILED'));
  await expect((await begin(job)).result()).rejects.toMatchObject({ cause: { type: 'job_failed' } });
  await expect((await begin(null)).result()).rejects.toMatchObject({ cause: { type: 'job_gone' } });
});
