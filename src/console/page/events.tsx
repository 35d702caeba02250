import type { Event } from './answers';
import { ChoiceFilter, Filters, TextFilter } from './filters';
import { tellsOfDeliveries } from './context';
import { useList } from './list';
import { Delivered, Empty, Fault, IdLink, More, Table, Time } from './parts';
import { setQuery, type Place } from './route';

const STATES = [['', 'all'], ['true', 'delivered'], ['false', 'not delivered'], ['null', 'under way']] as const;

/** Events, newest first. */
export function EventsView({ place }: { readonly place: Place }) {
  const { type = '', objectId = '', externalId = '', delivered = '' } = place.query;
  const { rows, problem, next } = useList<Event>('/v1/events', { type, objectId, externalId, delivered }, { when: tellsOfDeliveries(), everyMs: 15_000 });
  const isFiltered = [type, objectId, externalId, delivered].some((value) => value !== '');
  return (
    <>
      <h1>Events</h1>
      <Filters>
        <TextFilter label="Type" value={type} placeholder="process:state-change" onChange={(value) => setQuery(place, { type: value })} />
        <TextFilter label="Object" value={objectId} placeholder="prc_…" onChange={(value) => setQuery(place, { objectId: value })} />
        <TextFilter label="Your own id" value={externalId} onChange={(value) => setQuery(place, { externalId: value })} />
        <ChoiceFilter label="Delivered" value={delivered} choices={STATES} onChange={(value) => setQuery(place, { delivered: value })} />
      </Filters>
      <Fault problem={problem} />
      {rows?.length === 0 ? <EmptyEvents isFiltered={isFiltered} /> : (
        <Table label="Events" head={['Event', 'Type', 'Object', 'Owed', 'Delivered', 'When']}>
          {(rows ?? []).map((event) => (
            <tr key={event.id}>
              <td><IdLink to="events" id={event.id} /></td>
              <td><code>{event.type}</code></td>
              <td>{event.objectId ? <a class="id" href={`#/objects/${event.objectKind ?? ''}/${event.objectId}`}>{event.objectId}</a> : <span class="soft">–</span>}</td>
              <td class="number">{event.owed ?? '…'}</td>
              <td><Delivered owed={event.owed} delivered={event.delivered} /></td>
              <td><Time at={event.createdAt} /></td>
            </tr>
          ))}
        </Table>
      )}
      <More next={next} />
    </>
  );
}

function EmptyEvents({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No event fits these filters"><p>Change or clear them above.</p></Empty>;
  return (
    <Empty title="There is no event yet">
      <p>Change an object, or post an event of your own: <code>POST /v1/events</code> with a <code>type</code> and <code>data</code>. It appears here by itself.</p>
    </Empty>
  );
}
