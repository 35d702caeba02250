import type { Event, Tracked } from './answers';
import { tellsOfDeliveries, useData } from './context';
import { pretty } from './format';
import { useList } from './list';
import { pathOfKind } from './objects';
import { Card, Code, Delivered, Empty, Facts, Fault, IdLink, More, Status, Table, Time } from './parts';
import { href } from './route';

/** One object as it is, and all that was announced of it. */
export function ObjectView({ kind, id }: { readonly kind: string; readonly id: string }) {
  const freshness = { when: tellsOfDeliveries(), everyMs: 10_000 };
  const { data: object, problem } = useData<Tracked>(`/v1/${pathOfKind(kind)}/${encodeURIComponent(id)}`, freshness);
  const { rows, next } = useList<Event>('/v1/events', { objectId: id }, freshness);
  return (
    <>
      <p class="crumbs"><a href={`#/objects?kind=${encodeURIComponent(kind)}`}>Objects</a></p>
      <h1>{kind} <code>{object?.type ?? ''}</code></h1>
      <Fault problem={problem} />
      {object ? (
        <>
          <Facts of={[
            ['Id', <code>{object.id}</code>],
            ['Primary key', object.primaryKey ?? 'none'],
            ...(object.state !== undefined ? [['State', object.state === null ? 'none' : <code>{object.state}</code>] as const] : []),
            ...(object.status !== undefined ? [['Status', <Status of={object.status} />] as const] : []),
            ...(object.recordId ? [['Record', <a class="id" href={href('objects', 'record', object.recordId)}>{object.recordId}</a>] as const] : []),
            ...(object.processId ? [['Process', <a class="id" href={href('objects', 'process', object.processId)}>{object.processId}</a>] as const] : []),
            ['Version', String(object.version)],
            ['Changed', <Time at={object.updatedAt} />],
          ]} />
          <Card title="Attributes">{Object.keys(object.attributes).length === 0 ? <Empty title="It has none" /> : <Code label="Attributes">{pretty(object.attributes)}</Code>}</Card>
        </>
      ) : null}
      <Card title="What was announced of it">
        {rows?.length === 0 ? <Empty title="Nothing"><p>Its events are kept for as long as the service keeps events.</p></Empty> : (
          <Table label="Events of this object" head={['Number', 'Event', 'What changed', 'Delivered', 'When']}>
            {(rows ?? []).map((event) => (
              <tr key={event.id}>
                <td class="number">{event.sequence ?? '–'}</td>
                <td><IdLink to="events" id={event.id} name={event.type} /></td>
                <td>{event.changes && event.changes.length > 0 ? <code>{event.changes.join(', ')}</code> : <span class="soft">–</span>}</td>
                <td><Delivered owed={event.owed} delivered={event.delivered} /></td>
                <td><Time at={event.createdAt} /></td>
              </tr>
            ))}
          </Table>
        )}
        <More next={next} />
      </Card>
    </>
  );
}
