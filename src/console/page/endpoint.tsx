import type { Delivery, Endpoint, Health, Rule, Page, Stats } from './answers';
import { tellsOfDeliveries, useData } from './context';
import { EndpointActions } from './endpoint-actions';
import { ENDPOINT_SECTIONS } from './endpoint-sections';
import { count, duration, share, words } from './format';
import { Hours } from './hours';
import { useList } from './list';
import { Card, Empty, Facts, Fault, IdLink, More, Status, Table, Time, WorkflowLink } from './parts';
import { Recover } from './recover';

/** One endpoint: its health, what may be done with it, and what it was sent. */
export function EndpointView({ id }: { readonly id: string }) {
  const path = `/v1/endpoints/${encodeURIComponent(id)}`;
  const ofThis = tellsOfDeliveries({ endpointId: id });
  const { data: endpoint, problem, reload } = useData<Endpoint>(path, { when: (event) => event.type === 'endpoint' && event.endpointId === id });
  const { data: health, reload: reloadHealth } = useData<Health>(endpoint && `${path}/health`, {
    when: (event) => ofThis(event) || (event.type === 'endpoint' && event.endpointId === id), everyMs: 10_000,
  });
  const { data: stats } = useData<Stats>(endpoint && `/v1/stats?endpointId=${encodeURIComponent(id)}`, { everyMs: 10_000 });
  if (!endpoint) return <><h1>Endpoint</h1><Fault problem={problem} /></>;
  const changed = (): void => {
    reload();
    reloadHealth();
  };
  return (
    <>
      <p class="crumbs"><a href="#/endpoints">Endpoints</a></p>
      <h1>{endpoint.name ?? endpoint.url} <Status of={endpoint.status} note={endpoint.statusReason} /></h1>
      <p class="address">{endpoint.url}</p>
      <Fault problem={problem} />
      <EndpointActions endpoint={endpoint} health={health} onChanged={changed} />
      <Card title="Health" aside={<WorkflowLink of={health?.workflow ?? null} />}>
        {health ? <HealthFacts endpoint={endpoint} health={health} /> : null}
        {stats ? <Hours stats={stats} times="duration" /> : null}
      </Card>
      <Recover endpointId={endpoint.id} />
      <RecentDeliveries endpointId={endpoint.id} />
      <RulesOf endpointId={endpoint.id} events={endpoint.events} />
      {ENDPOINT_SECTIONS.map((Section, index) => <Section key={index} endpoint={endpoint} onChanged={changed} />)}
    </>
  );
}

function HealthFacts({ endpoint, health }: { readonly endpoint: Endpoint; readonly health: Health }) {
  const { lastFailure } = health;
  return (
    <Facts of={[
      ['Status', <><Status of={endpoint.status} note={endpoint.statusReason} /> since <Time at={endpoint.statusSince} /></>],
      ['Held', <strong data-fact="held">{count(health.held)}</strong>],
      ['Waiting', count(health.pending)],
      ['Failures in a row', count(health.consecutiveFailures)],
      ['Last success', <Time at={health.lastSuccessAt} />],
      ['Last failure', lastFailure ? <><Time at={lastFailure.at} /> {lastFailure.outcome ? `(${words(lastFailure.outcome)})` : ''}</> : 'none'],
      ['Attempts that succeed', `${share(health.successRate.lastHour)} in an hour, ${share(health.successRate.lastDay)} in a day`],
      ['Time of an attempt', `${duration(health.p50Ms)}, 95 of 100 within ${duration(health.p95Ms)}`],
    ]} />
  );
}

function RecentDeliveries({ endpointId }: { readonly endpointId: string }) {
  const { rows, problem, next } = useList<Delivery>('/v1/deliveries', { endpointId }, { when: tellsOfDeliveries({ endpointId }) }, 10);
  return (
    <Card title="Deliveries">
      <Fault problem={problem} />
      {rows?.length === 0 ? <Empty title="It was owed nothing yet"><p>What it is owed appears here. <b>Send a test</b> above shows whether it answers.</p></Empty> : (
        <Table label="Deliveries of this endpoint" head={['Delivery', 'Event', 'Status', 'Attempts', 'Changed']}>
          {(rows ?? []).map((delivery) => (
            <tr key={delivery.id}>
              <td><IdLink to="deliveries" id={delivery.id} /></td>
              <td><IdLink to="events" id={delivery.eventId} /></td>
              <td><Status of={delivery.status} note={delivery.reason} /></td>
              <td class="number">{delivery.attemptCount}</td>
              <td><Time at={delivery.updatedAt} /></td>
            </tr>
          ))}
        </Table>
      )}
      <More next={next} />
    </Card>
  );
}

function RulesOf({ endpointId, events }: { readonly endpointId: string; readonly events: readonly string[] }) {
  const { data } = useData<Page<Rule>>('/v1/rules?limit=250', { when: ({ type }) => type === 'rule' });
  const rules = (data?.data ?? []).filter((rule) => rule.endpointIds.includes(endpointId));
  return (
    <Card title="What it is told">
      <Facts of={[
        ['Subscribed to', events.length === 0 ? 'nothing: rules alone say what it is told' : <code>{events.join(', ')}</code>],
        ['Rules', rules.length === 0 ? 'none of the newest 250 names it' : <ul class="plain">{rules.map((rule) => <li key={rule.id}><IdLink to="rules" id={rule.id} name={rule.name} /> {rule.enabled ? null : <small>off</small>}</li>)}</ul>],
      ]} />
    </Card>
  );
}
