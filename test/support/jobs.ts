import type { Service } from './service';
import { until } from './wait';

/** A job as the API answers it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of every kind of job
type Shown = any;

/** Waits until a job is as it should be; answers it. */
export const untilJob = (service: Service, jobId: string, what: string, condition: (job: Shown) => boolean): Promise<Shown> => until(async () => {
  const job = await service.ok('GET', `/v1/jobs/${jobId}`);
  return condition(job) && job;
}, { deadlineMs: 60_000, what });

/** Waits until nothing more will be done of a job. */
export const untilJobEnds = (service: Service, jobId: string): Promise<Shown> => untilJob(service, jobId, 'the end of the job', ({ finishedAt }) => finishedAt !== null);
