import { z } from 'zod';
import { switchJob } from '../../commands/switch-job';
import { ENTRY_STATUSES, JOB_KINDS, JOB_STATUSES, type Job, type JobAction } from '../../domain/job';
import { notFound } from '../../errors';
import { listEntries } from '../../store/job-entries';
import { findJob, listJobs } from '../../store/jobs';
import { listQuery, openList, openPlaces } from '../lists';
import { presentEntry, presentJob } from '../present-job';
import { route, type Route, type RouteContext } from '../route';
import { entryOut, jobOut } from '../schemas/job';
import { idOf, pageOf } from '../schemas/shared';

const tag = 'jobs';
const params = z.object({ jobId: idOf('job') });

const SUMMARIES: Readonly<Record<JobAction, string>> = {
  pause: 'Begin no more entries of a job until it is resumed',
  resume: 'Go on with a job that is paused',
  cancel: 'Leave what is pending of a job undone, for good',
};

/** Background jobs of every kind: their progress, their entries, and what a person may do with them. */
export const jobRoutes: readonly Route[] = [
  route({
    method: 'GET', path: '/v1/jobs', role: 'read', tag, summary: 'List jobs, newest first',
    query: listQuery.extend({ status: z.enum(JOB_STATUSES).optional(), kind: z.enum(JOB_KINDS).optional() }), replies: { 200: pageOf(jobOut) },
    handle: async ({ query }, context) => {
      const { deps, caller } = context;
      const list = openList(context, 'jobs', 'job', query);
      const rows = await listJobs(context.sql, caller.workspaceId, list.bounds, { status: query.status ?? null, kind: query.kind ?? null });
      return { status: 200, body: list.page(rows, (job) => presentJob(deps.config, job)) };
    },
  }),
  route({
    method: 'GET', path: '/v1/jobs/:jobId', role: 'read', tag, summary: 'Read a job and its progress', params, replies: { 200: jobOut },
    handle: async ({ params: { jobId } }, context) => ({ status: 200, body: presentJob(context.deps.config, await requireJob(context, jobId)) }),
  }),
  route({
    method: 'GET', path: '/v1/jobs/:jobId/entries', role: 'read', tag, summary: 'List the entries of a job in their order, such as those that failed',
    params, query: listQuery.pick({ limit: true, cursor: true }).extend({ status: z.enum(ENTRY_STATUSES).optional() }), replies: { 200: pageOf(entryOut) },
    handle: async ({ params: { jobId }, query }, context) => {
      await requireJob(context, jobId);
      const list = openPlaces(context, `entries|${jobId}`, query);
      const rows = await listEntries(context.sql, jobId, list.after, query.limit, query.status ?? null);
      return { status: 200, body: list.page(rows, presentEntry) };
    },
  }),
  ...(['pause', 'resume', 'cancel'] as const).map((action) => route({
    method: 'POST', path: `/v1/jobs/:jobId/${action}`, role: 'write', tag, summary: SUMMARIES[action], params, replies: { 202: jobOut },
    handle: async ({ params: { jobId } }, context) => {
      const job = await context.write((trx) => switchJob(trx, context.caller.workspaceId, jobId, action));
      return { status: 202, body: presentJob(context.deps.config, job) };
    },
  })),
];

async function requireJob({ sql, caller }: RouteContext, id: string): Promise<Job> {
  const job = await findJob(sql, caller.workspaceId, id);
  if (!job) throw notFound('job', id);
  return job;
}
