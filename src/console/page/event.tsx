import type { EventDetail } from './answers';
import { tellsOfDeliveries, useConsole, asProblem, useData } from './context';
import { pretty } from './format';
import { DeliveryTimeline } from './delivery';
import { Card, Code, Delivered, Empty, Facts, Fault, Time, WorkflowLink } from './parts';

/** One event, and what became of it at each endpoint. */
export function EventView({ id }: { readonly id: string }) {
  const { api, say } = useConsole();
  const { data: event, problem, reload } = useData<EventDetail>(`/v1/events/${encodeURIComponent(id)}`, { when: tellsOfDeliveries({ eventId: id }), everyMs: 10_000 });
  if (!event) return <><h1>Event</h1><Fault problem={problem} /></>;
  const resend = (): void => {
    api.send('POST', `/v1/events/${event.id}/resend`, {}).then(() => {
      say('The event is sent again.');
      reload();
    }, (error: unknown) => say(asProblem(error).message, true));
  };
  return (
    <>
      <p class="crumbs"><a href="#/events">Events</a></p>
      <h1><code>{event.type}</code></h1>
      <Fault problem={problem} />
      <div class="actions"><button type="button" onClick={resend} disabled={event.deliveries.length === 0}>Send again</button><WorkflowLink of={event.workflow} /></div>
      <Facts of={[
        ['Id', <code>{event.id}</code>],
        ['Delivered', <Delivered owed={event.owed} delivered={event.delivered} />],
        ['Made', <Time at={event.createdAt} />],
        ['Object', event.objectId ? <a class="id" href={`#/objects/${event.objectKind ?? ''}/${event.objectId}`}>{event.objectId}</a> : 'none'],
        ['Sequence', event.sequence === null ? 'none' : String(event.sequence)],
      ]} />
      <Card title={`Deliveries (${event.deliveries.length})`}>
        {event.deliveries.length === 0
          ? <Empty title="This event is owed to nobody"><p>No rule matched it, and no endpoint subscribes to its type. <a href="#/rules">Try a rule on it.</a></p></Empty>
          : event.deliveries.map((delivery) => <DeliveryTimeline key={delivery.id} id={delivery.id} />)}
      </Card>
      <Card title="What it says"><Code label="The event's content">{pretty(event.object === null ? event.data : { object: event.object, previous: event.previous, changes: event.changes })}</Code></Card>
    </>
  );
}
