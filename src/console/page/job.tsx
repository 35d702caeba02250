import { useState } from 'preact/hooks';
import type { Job, Page } from './answers';
import { asProblem, useConsole, useData } from './context';
import { count, words } from './format';
import { Card, Code, Empty, Facts, Fault, IdLink, Status, Table, Time, WorkflowLink } from './parts';
import { pretty } from './format';

const isOver = ({ status }: Job): boolean => ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status);

/** How far a job is, with what may be done about it. It is read every second until it is over. */
export function JobProgress({ id }: { readonly id: string }) {
  const { data: job, problem, reload } = useJob(id);
  return <><Fault problem={problem} />{job ? <JobBar job={job} onChanged={reload} /> : null}</>;
}

function useJob(id: string) {
  const [isDone, setDone] = useState(false);
  const read = useData<Job>(`/v1/jobs/${encodeURIComponent(id)}`, { everyMs: isDone ? null : 1_000 });
  if (read.data && isOver(read.data) !== isDone) setDone(isOver(read.data));
  return read;
}

/** A job as a bar, with its buttons. */
export function JobBar({ job, onChanged }: { readonly job: Job; readonly onChanged: () => void }) {
  const { api, say } = useConsole();
  const act = (action: 'pause' | 'resume' | 'cancel', done: string) => (): void => {
    api.send('POST', `/v1/jobs/${job.id}/${action}`, {}).then(() => {
      say(done);
      onChanged();
    }, (error: unknown) => say(asProblem(error).message, true));
  };
  const handled = job.done + job.failed;
  return (
    <div class="job">
      <header>
        <IdLink to="jobs" id={job.id} name={words(job.kind)} /> <Status of={job.status} />
        <span class="spread" />
        {job.status === 'PAUSED'
          ? <button type="button" class="small" onClick={act('resume', 'The job goes on.')}>Resume</button>
          : <button type="button" class="small" disabled={isOver(job)} onClick={act('pause', 'The job is paused.')}>Pause</button>}
        <button type="button" class="small" disabled={isOver(job)} onClick={act('cancel', 'The job was cancelled.')}>Cancel</button>
      </header>
      <progress max={Math.max(job.total, 1)} value={isOver(job) && job.total === 0 ? 1 : handled} aria-label={`Progress of ${words(job.kind)}`} />
      <p class="soft">{count(handled)} of {count(job.total)}{job.failed > 0 ? `, ${count(job.failed)} failed` : ''}{job.result ? `: ${Object.entries(job.result).map(([name, n]) => `${count(n)} ${name}`).join(', ')}` : ''}{job.error ? `. ${job.error}` : ''}</p>
    </div>
  );
}

interface Entry {
  readonly index: number;
  readonly status: string;
  readonly id?: string;
  readonly error?: { readonly detail: string };
}

/** One job, and those of its entries that failed. */
export function JobView({ id }: { readonly id: string }) {
  const { data: job, problem, reload } = useJob(id);
  const { data: failed } = useData<Page<Entry>>(job && job.failed > 0 ? `/v1/jobs/${encodeURIComponent(id)}/entries?status=failed&limit=50` : null);
  if (!job) return <><h1>Job</h1><Fault problem={problem} /></>;
  return (
    <>
      <p class="crumbs"><a href="#/jobs">Jobs</a></p>
      <h1>{words(job.kind)}</h1>
      <Fault problem={problem} />
      <Card title="Progress" aside={<WorkflowLink of={job.workflow} />}>
        <JobBar job={job} onChanged={reload} />
        <Facts of={[['Id', <code>{job.id}</code>], ['Begun', <Time at={job.createdAt} />], ['Over', <Time at={job.finishedAt} />]]} />
      </Card>
      <Card title="What was asked for"><Code label="Parameters">{pretty(job.parameters)}</Code></Card>
      <Card title="Entries that failed">
        {!failed || failed.data.length === 0 ? <Empty title="None"><p>An entry that can not be done stands here with the reason; the others go on.</p></Empty> : (
          <Table label="Entries that failed" head={['Place', 'Why']}>{failed.data.map((entry) => <tr key={entry.index}><td class="number">{entry.index}</td><td>{entry.error?.detail}</td></tr>)}</Table>
        )}
      </Card>
    </>
  );
}
