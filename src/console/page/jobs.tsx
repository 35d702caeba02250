import { useState } from 'preact/hooks';
import type { Job } from './answers';
import { useList } from './list';
import { JobBar } from './job';
import { Empty, Fault, More } from './parts';

const BUSY_MS = 1_000;
const CALM_MS = 10_000;

/** Jobs, newest first; often read again while one runs. */
export function JobsView() {
  const [everyMs, setEveryMs] = useState(CALM_MS);
  const { rows, problem, next, reload } = useList<Job>('/v1/jobs', {}, { everyMs });
  const wanted = rows?.some(({ status }) => status === 'RUNNING' || status === 'QUEUED') ? BUSY_MS : CALM_MS;
  if (wanted !== everyMs) setEveryMs(wanted);
  return (
    <>
      <h1>Jobs</h1>
      <Fault problem={problem} />
      {rows?.length === 0 ? (
        <Empty title="There is no job yet">
          <p>A job is bulk work with progress: a <b>recovery</b> (on the page of an endpoint), a <b>backfill</b> (of a rule), or thousands of objects written with one call, such as <code>POST /v1/records/bulk</code>.</p>
        </Empty>
      ) : <div class="stack">{(rows ?? []).map((job) => <JobBar key={job.id} job={job} onChanged={reload} />)}</div>}
      <More next={next} />
    </>
  );
}
