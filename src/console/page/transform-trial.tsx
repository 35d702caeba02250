import { useEffect, useState } from 'preact/hooks';
import type { Event, Page } from './answers';
import type { Problem } from './api';
import { asProblem, tellsOfDeliveries, useConsole, useData } from './context';
import { pretty } from './format';
import { Code, Empty, Fault } from './parts';

const EVENTS = 25;
/** Waits for a pause in typing, in ms. */
const PAUSE_MS = 350;

interface Trial {
  readonly input: unknown;
  readonly body: unknown;
  readonly error: { readonly message: string; readonly position: number | null } | null;
}

/** What an expression makes of a recent event; tried again with each change of it. null: there is nothing to try. */
export function TransformTrial({ expression, dialect }: { readonly expression: string | null; readonly dialect: string }) {
  const { api } = useConsole();
  const { data } = useData<Page<Event>>(`/v1/events?limit=${EVENTS}`, { when: tellsOfDeliveries(), everyMs: 10_000 });
  const [chosen, setChosen] = useState<Event | null>(null);
  const [trial, setTrial] = useState<Trial | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const newest = data?.data ?? [];
  // What was chosen stays, also when it is among the newest no longer.
  const events = chosen && !newest.some(({ id }) => id === chosen.id) ? [chosen, ...newest] : newest;
  const eventId = chosen?.id ?? newest[0]?.id;

  useEffect(() => {
    if (expression === null || eventId === undefined) return;
    let isStale = false;
    const timer = setTimeout(() => {
      api.send<Trial>('POST', '/v1/transform/try', { transform: { language: 'jsonata', expression }, eventId, dialect }).then((answer) => {
        if (isStale) return;
        setProblem(null);
        setTrial(answer);
      }, (error: unknown) => !isStale && setProblem(asProblem(error)));
    }, PAUSE_MS);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [api, expression, eventId, dialect]);

  if (data?.data.length === 0) return <Empty title="There is no event to try it on"><p>As soon as there is one, it is tried here.</p></Empty>;
  return (
    <div class="rows">
      <label>Tried on
        <select value={chosen?.id ?? ''} onChange={(event) => setChosen(events.find(({ id }) => id === event.currentTarget.value) ?? null)}>
          <option value="">the newest event{newest[0] ? `: ${newest[0].type}` : ''}</option>
          {events.map(({ id, type }) => <option key={id} value={id}>{type} {id}</option>)}
        </select>
      </label>
      <Fault problem={problem} />
      <div role="status">{expression === null ? <p class="soft">An empty expression makes no body.</p> : !problem && trial ? <Made trial={trial} /> : null}</div>
      {trial ? <details><summary>What its dialect would send</summary><Code label="The body of the dialect">{pretty(trial.input)}</Code></details> : null}
    </div>
  );
}

function Made({ trial: { body, error } }: { readonly trial: Trial }) {
  if (!error) return <><h3>What is sent</h3><Code label="The transformed body">{pretty(body)}</Code></>;
  return <p class="fault">No body: {error.message}{error.position === null ? '' : ` (near character ${error.position} of the expression)`}</p>;
}
