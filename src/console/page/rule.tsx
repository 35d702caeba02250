import { useEffect, useState } from 'preact/hooks';
import type { Endpoint, Page, Rule } from './answers';
import type { Problem } from './api';
import { asProblem, useConsole, useData } from './context';
import { pretty } from './format';
import { Card, Confirmed, Fault } from './parts';
import { href } from './route';
import { RuleTrial } from './rule-trial';

/** A rule as it is being written. */
interface Draft {
  readonly name: string;
  readonly events: string;
  readonly condition: string;
  readonly endpointIds: readonly string[];
  readonly enabled: boolean;
}

const NEW: Draft = { name: '', events: 'process:state-change', condition: '{\n  "state": "CONVERTED"\n}', endpointIds: [], enabled: true };

const draftOf = (rule: Rule): Draft =>
  ({ name: rule.name, events: rule.events.join(' '), condition: pretty(rule.condition), endpointIds: rule.endpointIds, enabled: rule.enabled });

/** Writes a rule, and tries it on recent events while it is written. */
export function RuleView({ id }: { readonly id: string }) {
  const isNew = id === 'new';
  const { api, say } = useConsole();
  const { data: rule, problem: unread } = useData<Rule>(isNew ? null : `/v1/rules/${encodeURIComponent(id)}`);
  const { data: endpoints } = useData<Page<Endpoint>>('/v1/endpoints?limit=250', { when: ({ type }) => type === 'endpoint' });
  const [draft, setDraft] = useState<Draft | null>(isNew ? NEW : null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    if (rule) setDraft((before) => before ?? draftOf(rule));
  }, [rule]);
  if (!draft) return <><h1>Rule</h1><Fault problem={unread} /></>;

  const set = (change: Partial<Draft>): void => setDraft({ ...draft, ...change });
  const condition = readCondition(draft.condition);
  const events = draft.events.split(/[\s,]+/).filter(Boolean);
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    if ('mistake' in condition) return;
    const body = { name: draft.name, events, condition: condition.value, endpointIds: draft.endpointIds, enabled: draft.enabled };
    (isNew ? api.send<Rule>('POST', '/v1/rules', body) : api.send<Rule>('PATCH', `/v1/rules/${id}`, body)).then((saved) => {
      setProblem(null);
      say('The rule was saved. It holds for events from now on.');
      if (isNew) location.hash = href('rules', saved.id);
    }, (error: unknown) => setProblem(asProblem(error)));
  };
  const remove = (): void => {
    api.send('DELETE', `/v1/rules/${id}`).then(() => {
      say('The rule was deleted. What was owed before stays owed.');
      location.hash = '#/rules';
    }, (error: unknown) => setProblem(asProblem(error)));
  };
  return (
    <>
      <p class="crumbs"><a href="#/rules">Rules</a></p>
      <h1>{isNew ? 'A new rule' : draft.name}</h1>
      <Fault problem={problem} />
      <div class="columns">
        <Card title="The rule">
          <form class="rows" onSubmit={save}>
            <label>Name<input required value={draft.name} autoComplete="off" onInput={(event) => set({ name: event.currentTarget.value })} /></label>
            <label>Events <small class="soft">types, or prefixes such as process:*</small><input required value={draft.events} autoComplete="off" spellcheck={false} onInput={(event) => set({ events: event.currentTarget.value })} /></label>
            <label>Condition <small class="soft">JSON; {'{}'} matches all</small>
              <textarea rows={8} spellcheck={false} value={draft.condition} aria-invalid={'mistake' in condition} onInput={(event) => set({ condition: event.currentTarget.value })} /></label>
            {'mistake' in condition ? <p class="fault" role="status">{condition.mistake}</p> : null}
            <fieldset>
              <legend>Owed to</legend>
              {(endpoints?.data ?? []).length === 0 ? <p class="soft">There is no endpoint yet: <a href="#/endpoints">make one</a>.</p> : null}
              {(endpoints?.data ?? []).map((endpoint) => (
                <label key={endpoint.id} class="choice">
                  <input type="checkbox" checked={draft.endpointIds.includes(endpoint.id)}
                    onChange={(event) => set({ endpointIds: event.currentTarget.checked ? [...draft.endpointIds, endpoint.id] : draft.endpointIds.filter((one) => one !== endpoint.id) })} />
                  {endpoint.name ?? endpoint.url}
                </label>
              ))}
            </fieldset>
            <label class="choice"><input type="checkbox" checked={draft.enabled} onChange={(event) => set({ enabled: event.currentTarget.checked })} />It is on</label>
            <div class="actions">
              <button type="submit" class="main" disabled={'mistake' in condition}>Save</button>
              {isNew ? null : <Confirmed label="Delete" question="Delete this rule? What it has made owed stays owed; of events from now on it makes nothing owed." onYes={remove} />}
            </div>
          </form>
        </Card>
        <RuleTrial events={events} condition={'mistake' in condition ? null : condition.value} />
      </div>
    </>
  );
}

function readCondition(text: string): { readonly value: unknown } | { readonly mistake: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { mistake: `The condition is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
