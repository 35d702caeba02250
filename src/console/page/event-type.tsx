import type { EventTypeDetail } from './answers';
import { useData } from './context';
import { pretty } from './format';
import { Card, Code, Empty, Facts, Fault, Time } from './parts';

/** One type of event: what its data must be like, and a sample. */
export function EventTypeView({ type }: { readonly type: string }) {
  const { data: one, problem } = useData<EventTypeDetail>(`/v1/event-types/${encodeURIComponent(type)}`, { everyMs: 15_000 });
  return (
    <>
      <p class="crumbs"><a href="#/event-types">Event types</a></p>
      <h1><code>{type}</code></h1>
      <Fault problem={problem} />
      {one ? (
        <>
          {one.description === null ? null : <p>{one.description}</p>}
          <Facts of={[
            ['Kind', one.kind],
            ['What does not fit', { off: 'is taken (off)', warn: 'is taken with warnings (warn)', reject: 'is refused (reject)' }[one.enforce]],
            ['Dialects', one.dialects === null ? 'any' : <code>{one.dialects.join(', ')}</code>],
            ['Archived', one.archived ? 'yes: new rules and endpoints can not name it' : 'no'],
            ['Changed', one.updatedAt === null ? 'built in' : <Time at={one.updatedAt} />],
          ]} />
          <div class="columns">
            <Card title="Schema of its data">{one.schema === null ? <Empty title="Any data" /> : <Code label="Schema">{pretty(one.schema)}</Code>}</Card>
            <Card title={one.example === undefined ? 'Sample' : 'Example'}>{one.sample === undefined ? <Empty title="None can be made from its schema" /> : <Code label="Sample">{pretty(one.sample)}</Code>}</Card>
          </div>
        </>
      ) : null}
    </>
  );
}
