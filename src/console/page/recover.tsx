import { useState } from 'preact/hooks';
import type { Job } from './answers';
import { asProblem, useConsole } from './context';
import type { Problem } from './api';
import { count, duration } from './format';
import { JobProgress } from './job';
import { Card, Fault } from './parts';

const SPANS = [['1', 'hour'], ['24', 'day'], ['168', 'week'], ['720', '30 days']] as const;
const WHAT = [['failed', 'what was given up or cancelled'], ['missing', 'what it should have been told and was not'], ['all', 'both']] as const;

interface Estimate {
  readonly complete: boolean;
  readonly found: { readonly resent: number; readonly added: number; readonly woken: number };
  readonly atLeastSeconds: number | null;
}

/** Makes good what an endpoint did not get, and shows how far that is. */
export function Recover({ endpointId }: { readonly endpointId: string }) {
  const { api, say } = useConsole();
  const [hours, setHours] = useState('24');
  const [only, setOnly] = useState('failed');
  const [estimate, setEstimate] = useState<Estimate | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [jobId, setJobId] = useState<string | null>(null);

  const ask = <T,>(dryRun: boolean): Promise<T> => api.send<T>('POST', `/v1/endpoints/${endpointId}/recover`, {
    since: new Date(Date.now() - Number(hours) * 3_600_000).toISOString(), only, dryRun,
  });
  const failed = (error: unknown): void => setProblem(asProblem(error));
  const look = (): void => void ask<Estimate>(true).then((found) => {
    setProblem(null);
    setEstimate(found);
  }, failed);
  const recover = (event: SubmitEvent): void => {
    event.preventDefault();
    ask<{ job: Job }>(false).then(({ job }) => {
      setProblem(null);
      setEstimate(null);
      setJobId(job.id);
      say('The recovery has begun.');
    }, failed);
  };
  return (
    <Card title="Recover">
      <form class="fields" onSubmit={recover}>
        <label>Of the last<select value={hours} onChange={(event) => setHours(event.currentTarget.value)}>{SPANS.map(([value, name]) => <option key={value} value={value}>{name}</option>)}</select></label>
        <label>Deliver<select value={only} onChange={(event) => setOnly(event.currentTarget.value)}>{WHAT.map(([value, name]) => <option key={value} value={value}>{name}</option>)}</select></label>
        <button type="button" onClick={look}>How much is that?</button>
        <button type="submit" class="main">Recover</button>
      </form>
      <Fault problem={problem} />
      {estimate ? <p role="status">{told(estimate)}</p> : null}
      {jobId ? <JobProgress id={jobId} /> : null}
    </Card>
  );
}

function told({ found, complete, atLeastSeconds }: Estimate): string {
  const all = found.resent + found.added + found.woken;
  if (all === 0 && complete) return 'There is nothing to recover.';
  const time = atLeastSeconds === null ? '' : `, which take ${duration(atLeastSeconds * 1_000)} at least`;
  return `${complete ? '' : 'At least '}${count(all)} deliveries${time}: ${count(found.resent)} sent again, ${count(found.added)} new, ${count(found.woken)} that wait are woken.`;
}
