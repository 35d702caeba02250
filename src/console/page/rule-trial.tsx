import { useEffect, useState } from 'preact/hooks';
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

/** Which of the newest events a rule would match, and why not; tried again with each change of the rule, and with new events. */
export function RuleTrial({ events, condition }: { readonly events: readonly string[]; readonly condition: unknown }) {
  const { api } = useConsole();
  const { data } = useData<Page<Event>>(`/v1/events?limit=${EVENTS}`, { when: tellsOfDeliveries(), everyMs: 10_000 });
  const [verdicts, setVerdicts] = useState<ReadonlyMap<string, Verdict>>(new Map());
  const [problem, setProblem] = useState<Problem | null>(null);
  const ids = (data?.data ?? []).map(({ id }) => id).join();
  const rule = condition === null || events.length === 0 ? null : JSON.stringify({ events, condition });

  useEffect(() => {
    if (rule === null || ids === '') return;
    let isStale = false;
    const timer = setTimeout(() => {
      const tried = ids.split(',').map(async (eventId): Promise<[string, Verdict]> => {
        const { results } = await api.send<{ results: readonly Verdict[] }>('POST', '/v1/rules/try', { rule: JSON.parse(rule) as object, eventId });
        return [eventId, results[0] ?? { matches: false, reason: 'not told' }];
      });
      Promise.all(tried).then((all) => {
        if (isStale) return;
        setProblem(null);
        setVerdicts(new Map(all));
      }, (error: unknown) => !isStale && setProblem(asProblem(error)));
    }, PAUSE_MS);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [api, rule, ids]);

  const matching = [...verdicts.values()].filter(({ matches }) => matches).length;
  return (
    <Card title="Tried on recent events" aside={ids === '' ? null : <span class="soft" role="status">{matching} of {verdicts.size} match</span>}>
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
