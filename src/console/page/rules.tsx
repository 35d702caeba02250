import type { Rule } from './answers';
import { useList } from './list';
import { Empty, Fault, IdLink, More, Table, Time } from './parts';
import { href } from './route';

/** Rules, newest first. */
export function RulesView() {
  const { rows, problem, next } = useList<Rule>('/v1/rules', {}, { when: ({ type }) => type === 'rule' });
  return (
    <>
      <h1>Rules</h1>
      <div class="actions"><a class="button main" href={href('rules', 'new')}>Make a rule</a></div>
      <Fault problem={problem} />
      {rows?.length === 0 ? (
        <Empty title="There is no rule yet"><p>A rule says which events are owed to which endpoints, by what an object is and was. <a href={href('rules', 'new')}>Make one</a>, and try it on recent events before you save it.</p></Empty>
      ) : (
        <Table label="Rules" head={['Rule', 'Events', 'Condition', 'Endpoints', 'Changed']}>
          {(rows ?? []).map((rule) => (
            <tr key={rule.id}>
              <td><IdLink to="rules" id={rule.id} name={rule.name} />{rule.enabled ? null : <> <small class="soft">off</small></>}</td>
              <td><code>{rule.events.join(', ')}</code></td>
              <td><code class="clip">{JSON.stringify(rule.condition)}</code></td>
              <td class="number">{rule.endpointIds.length}</td>
              <td><Time at={rule.updatedAt} /></td>
            </tr>
          ))}
        </Table>
      )}
      <More next={next} />
    </>
  );
}
