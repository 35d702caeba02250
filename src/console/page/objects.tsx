import type { Tracked } from './answers';
import { tellsOfDeliveries } from './context';
import { ChoiceFilter, Filters, TextFilter } from './filters';
import { useList } from './list';
import { Empty, Fault, More, Status, Table, Time } from './parts';
import { href, setQuery, type Place } from './route';

const KINDS = [['record', 'records'], ['process', 'processes'], ['task', 'tasks']] as const;

/** The path of a kind of object in the API. */
export const pathOfKind = (kind: string): string => KINDS.find(([name]) => name === kind)?.[1] ?? 'records';

/** Records, processes or tasks, newest first. */
export function ObjectsView({ place }: { readonly place: Place }) {
  const { kind = 'process', type = '', primaryKey = '', state = '' } = place.query;
  const query = { type, primaryKey, ...(kind === 'process' && { state }) };
  const { rows, problem, next } = useList<Tracked>(`/v1/${pathOfKind(kind)}`, query, { when: tellsOfDeliveries(), everyMs: 15_000 });
  const isFiltered = type !== '' || primaryKey !== '' || state !== '';
  return (
    <>
      <h1>Objects</h1>
      <Filters>
        <ChoiceFilter label="Kind" value={kind} choices={KINDS} onChange={(value) => setQuery(place, { kind: value, state: '' })} />
        <TextFilter label="Type" value={type} placeholder="customer" onChange={(value) => setQuery(place, { type: value })} />
        <TextFilter label="Primary key" value={primaryKey} onChange={(value) => setQuery(place, { primaryKey: value })} />
        {kind === 'process' ? <TextFilter label="State" value={state} placeholder="CONVERTED" onChange={(value) => setQuery(place, { state: value })} /> : null}
      </Filters>
      <Fault problem={problem} />
      {rows?.length === 0 ? (
        <Empty title={isFiltered ? `No ${kind} fits these filters` : `There is no ${kind} yet`}>
          <p>{isFiltered ? 'Change or clear them above.' : <>Make one with <code>POST /v1/{pathOfKind(kind)}</code>; each change of it announces events.</>}</p>
        </Empty>
      ) : (
        <Table label={pathOfKind(kind)} head={['Object', 'Type', 'Primary key', ...(kind === 'record' ? [] : ['Status']), 'Version', 'Changed']}>
          {(rows ?? []).map((object) => (
            <tr key={object.id}>
              <td><a class="id" href={href('objects', kind, object.id)}>{object.id}</a></td>
              <td><code>{object.type}</code></td>
              <td>{object.primaryKey ?? <span class="soft">–</span>}</td>
              {kind === 'record' ? null : <td>{object.state ? <code>{object.state}</code> : null} {object.status ? <Status of={object.status} /> : null}</td>}
              <td class="number">{object.version}</td>
              <td><Time at={object.updatedAt} /></td>
            </tr>
          ))}
        </Table>
      )}
      <More next={next} />
    </>
  );
}
