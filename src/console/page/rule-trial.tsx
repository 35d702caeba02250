import { useEffect, useRef, useState } from 'preact/hooks';
import type { Event, Page } from './answers';
import type { Problem } from './api';
import { asProblem, tellsOfDeliveries, useConsole, useData } from './context';
import { Card, Empty, Fault, IdLink, Table, Time } from './parts';

const EVENTS = 12;
/** Waits for a pause in typing, in ms. */
const PAUSE_MS = 350;

interface Verdict {
  readonly matches: boolean;
  readonly reason: string;
}

/** Which of the newest events a rule would match, and why not; tried again with each change of the rule, and new events as they come. */
export function RuleTrial({ events, condition }: { readonly events: readonly string[]; readonly condition: unknown }) {
  const { data } = useData<Page<Event>>(`/v1/events?limit=${EVENTS}`, { when: tellsOfDeliveries(), everyMs: 10_000 });
  const ids = (data?.data ?? []).map(({ id }) => id).join();
  const { verdicts, problem } = useVerdicts(condition === null || events.length === 0 ? null : JSON.stringify({ events, condition }), ids);

  const matching = [...verdicts.values()].filter(({ matches }) => matches).length;
  return (
    <Card title="Tried on recent events" aside={verdicts.size === 0 ? null : <span class="soft" role="status">{matching} of {verdicts.size} match</span>}>
      <Fault problem={problem} />
      {data?.data.length === 0 ? <Empty title="There is no event to try it on"><p>As soon as there is one, it is tried here.</p></Empty> : (
        <Table label="Recent events" head={['Matches', 'Event', 'Why', 'When']}>
          {(data?.data ?? []).map((event) => {
            const verdict = verdicts.get(event.id);
            return (
              <tr key={event.id}>
                <td>{verdict ? <span class={`status ${verdict.matches ? 'good' : 'plain'}`}><span class="dot" aria-hidden="true" />{verdict.matches ? 'yes' : 'no'}</span> : '…'}</td>
                <td><IdLink to="events" id={event.id} name={event.type} /></td>
                <td><small>{verdict?.reason}</small></td>
                <td><Time at={event.createdAt} /></td>
              </tr>
            );
          })}
        </Table>
      )}
    </Card>
  );
}

interface Verdicts {
  /** By event. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly problem: Problem | null;
}

/** A rule, and the events that it was tried on, or is being tried on. */
interface Trial {
  readonly rule: string;
  asked: ReadonlySet<string>;
  verdicts: ReadonlyMap<string, Verdict>;
}

/** What a rule (null: none) says of these events, ids with commas: each is tried once for as long as the rule stays the same. */
function useVerdicts(rule: string | null, ids: string): Verdicts {
  const { api } = useConsole();
  const [told, setTold] = useState<Verdicts>({ verdicts: new Map(), problem: null });
  const latest = useRef<Trial | null>(null);

  useEffect(() => {
    if (rule === null || ids === '') return;
    const timer = setTimeout(() => {
      const trial = latest.current?.rule === rule ? latest.current : { rule, asked: new Set<string>(), verdicts: new Map() };
      latest.current = trial;
      const fresh = ids.split(',').filter((id) => !trial.asked.has(id));
      trial.asked = new Set(ids.split(','));
      Promise.all(fresh.map(async (eventId): Promise<[string, Verdict]> => {
        const { results } = await api.send<{ results: readonly Verdict[] }>('POST', '/v1/rules/try', { rule: JSON.parse(rule) as object, eventId });
        return [eventId, results[0] ?? { matches: false, reason: 'not told' }];
      })).then((all) => {
        if (latest.current !== trial) return;
        trial.verdicts = new Map([...trial.verdicts, ...all].filter(([id]) => trial.asked.has(id)));
        setTold({ verdicts: trial.verdicts, problem: null });
      }, (error: unknown) => {
        if (latest.current !== trial) return;
        const problem = asProblem(error);
        // A rule that is refused is refused for every event; anything else may go well the next time.
        if (problem.status !== 422) trial.asked = new Set([...trial.asked].filter((id) => !fresh.includes(id)));
        setTold({ verdicts: trial.verdicts, problem });
      });
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [api, rule, ids]);
  return told;
}
