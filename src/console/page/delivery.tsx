import type { DeliveryDetail, Endpoint } from './answers';
import { AttemptView } from './attempt';
import { asProblem, useConsole, useData } from './context';
import { Fault, IdLink, Status, Time, WorkflowLink } from './parts';

/** One delivery on a page of its own. */
export function DeliveryView({ id }: { readonly id: string }) {
  return (
    <>
      <p class="crumbs"><a href="#/events">Events</a></p>
      <h1>Delivery <code>{id}</code></h1>
      <DeliveryTimeline id={id} isAlone />
    </>
  );
}

const isOver = (status: string): boolean => ['DELIVERED', 'EXHAUSTED', 'CANCELLED'].includes(status);

/** A delivery and its attempts in their order, with what may be done about it. */
export function DeliveryTimeline({ id, isAlone = false }: { readonly id: string; readonly isAlone?: boolean }) {
  const { api, say } = useConsole();
  const { data: delivery, problem, reload } = useData<DeliveryDetail>(`/v1/deliveries/${encodeURIComponent(id)}`, {
    when: (event) => event.type === 'deliveries' && (event.deliveries === null || event.deliveries.some((one) => one.id === id)), everyMs: 10_000,
  });
  const { data: endpoint } = useData<Endpoint>(delivery ? `/v1/endpoints/${delivery.endpointId}` : null);
  if (!delivery) return <Fault problem={problem} />;
  const act = (action: 'retry' | 'cancel', done: string) => (): void => {
    api.send('POST', `/v1/deliveries/${delivery.id}/${action}`, {}).then(() => {
      say(done);
      reload();
    }, (error: unknown) => say(asProblem(error).message, true));
  };
  return (
    <article class="timeline">
      <header>
        <Status of={delivery.status} note={delivery.reason} />
        <span>to <IdLink to="endpoints" id={delivery.endpointId} name={endpoint?.name ?? endpoint?.url} /></span>
        {isAlone ? <IdLink to="events" id={delivery.eventId} /> : <IdLink to="deliveries" id={delivery.id} />}
        {delivery.nextAttemptAt ? <span>next attempt <Time at={delivery.nextAttemptAt} /></span> : null}
        <span class="spread" />
        <button type="button" class="small" onClick={act('retry', 'It is attempted again.')} disabled={delivery.status === 'HELD'}>{isOver(delivery.status) ? 'Deliver again' : 'Attempt now'}</button>
        <button type="button" class="small" onClick={act('cancel', 'The delivery was cancelled.')} disabled={isOver(delivery.status)}>Cancel</button>
        <WorkflowLink of={delivery.workflow} />
      </header>
      {delivery.attempts.length === 0 ? <p class="soft">{delivery.status === 'HELD' ? 'It is held until its endpoint is reactivated.' : 'Nothing was sent yet.'}</p> : (
        <ol>{delivery.attempts.map((attempt, index) => <AttemptView key={attempt.id} attempt={attempt} isOpen={isAlone && index === delivery.attempts.length - 1} />)}</ol>
      )}
    </article>
  );
}
