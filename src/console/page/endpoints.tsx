import { useState } from 'preact/hooks';
import type { Endpoint } from './answers';
import { asProblem, useConsole } from './context';
import type { Problem } from './api';
import { ChoiceFilter, Filters, TextFilter } from './filters';
import { useList } from './list';
import { Card, Code, Empty, Fault, IdLink, More, Status, Table, Time } from './parts';
import { setQuery, type Place } from './route';

const STATES = [['', 'all'], ['ACTIVE', 'active'], ['FAILING', 'failing'], ['DEACTIVATED', 'deactivated']] as const;

/** Endpoints, newest first. */
export function EndpointsView({ place }: { readonly place: Place }) {
  const { status = '', scope = '' } = place.query;
  const { rows, problem, next, reload } = useList<Endpoint>('/v1/endpoints', { status, scope }, { when: ({ type }) => type === 'endpoint' });
  return (
    <>
      <h1>Endpoints</h1>
      <Filters>
        <ChoiceFilter label="Status" value={status} choices={STATES} onChange={(value) => setQuery(place, { status: value })} />
        <TextFilter label="Scope" value={scope} placeholder="flow:onboarding" onChange={(value) => setQuery(place, { scope: value })} />
      </Filters>
      <Fault problem={problem} />
      {rows?.length === 0 ? (
        <Empty title={status || scope ? 'No endpoint fits these filters' : 'There is no endpoint yet'}>
          <p>{status || scope ? 'Change or clear them above.' : 'An endpoint is an address that asked to be told. Make one below.'}</p>
        </Empty>
      ) : (
        <Table label="Endpoints" head={['Endpoint', 'Status', 'Address', 'Told of', 'Since']}>
          {(rows ?? []).map((endpoint) => (
            <tr key={endpoint.id}>
              <td><IdLink to="endpoints" id={endpoint.id} name={endpoint.name} /></td>
              <td><Status of={endpoint.status} note={endpoint.statusReason} /></td>
              <td><span class="address">{endpoint.url}</span></td>
              <td>{endpoint.events.length === 0 ? <span class="soft">what rules say</span> : <code>{endpoint.events.join(', ')}</code>}</td>
              <td><Time at={endpoint.statusSince} /></td>
            </tr>
          ))}
        </Table>
      )}
      <More next={next} />
      <NewEndpoint onMade={reload} />
    </>
  );
}

/** The shortest way to an endpoint; all else of it is set by the API. */
function NewEndpoint({ onMade }: { readonly onMade: () => void }) {
  const { api, say } = useConsole();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const make = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = (name: string): string => String(new FormData(form).get(name) ?? '').trim();
    const events = text('events').split(/[\s,]+/).filter(Boolean);
    api.send<{ secret: string | null }>('POST', '/v1/endpoints', { name: text('name') || null, url: text('url'), events }).then((made) => {
      form.reset();
      setProblem(null);
      setSecret(made.secret);
      say('The endpoint was made.');
      onMade();
    }, (error: unknown) => setProblem(asProblem(error)));
  };
  return (
    <Card title="Make an endpoint">
      <form onSubmit={make} class="fields">
        <label>Name<input name="name" autoComplete="off" placeholder="My CRM" /></label>
        <label>Address<input name="url" type="url" required autoComplete="off" placeholder="https://example.com/hook" /></label>
        <label>Events <small class="soft">empty: what rules say</small><input name="events" autoComplete="off" spellcheck={false} placeholder="process:* invoice.paid" /></label>
        <button type="submit" class="main">Make it</button>
      </form>
      <Fault problem={problem} />
      {secret ? <><p>Its signing secret, which the receiver needs:</p><Code label="Signing secret">{secret}</Code></> : null}
    </Card>
  );
}
