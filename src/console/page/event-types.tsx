import type { EventType } from './answers';
import { ChoiceFilter, Filters } from './filters';
import { useList } from './list';
import { Empty, Fault, IdLink, More, Table } from './parts';
import { setQuery, type Place } from './route';

const KINDS = [['', 'all'], ['custom', 'your own'], ['lifecycle', 'lifecycle'], ['operational', 'operational'], ['inbound', 'inbound'], ['family', 'family']] as const;

/** The catalogue of event types, by name. */
export function EventTypesView({ place }: { readonly place: Place }) {
  const { kind = '' } = place.query;
  const { rows, problem, next } = useList<EventType>('/v1/event-types', { kind }, { everyMs: 15_000 }, 50);
  return (
    <>
      <h1>Event types</h1>
      <Filters><ChoiceFilter label="Kind" value={kind} choices={KINDS} onChange={(value) => setQuery(place, { kind: value })} /></Filters>
      <Fault problem={problem} />
      {rows?.length === 0 ? (
        <Empty title="There is none of this kind"><p><code>PUT /v1/event-types/:type</code> puts one of your own into the catalogue.</p></Empty>
      ) : (
        <Table label="Event types" head={['Type', 'Kind', 'Enforce', 'Description']}>
          {(rows ?? []).map((one) => (
            <tr key={one.type}>
              <td><IdLink to="event-types" id={one.type} />{one.archived ? <> <small class="soft">archived</small></> : null}</td>
              <td>{one.kind}</td>
              <td>{one.enforce}</td>
              <td class="text">{one.description ?? <span class="soft">–</span>}</td>
            </tr>
          ))}
        </Table>
      )}
      <More next={next} />
    </>
  );
}
