import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from './context';
import { DeliveryView } from './delivery';
import { EndpointView } from './endpoint';
import { EndpointsView } from './endpoints';
import { EventView } from './event';
import { EventTypeView } from './event-type';
import { EventTypesView } from './event-types';
import { EventsView } from './events';
import { JobView } from './job';
import { JobsView } from './jobs';
import type { LiveState } from './live';
import { ObjectView } from './object';
import { ObjectsView } from './objects';
import { Overview } from './overview';
import { Empty } from './parts';
import { href, usePlace, type Place } from './route';
import { RuleView } from './rule';
import { RulesView } from './rules';

const PAGES: readonly (readonly [path: string, title: string])[] = [
  ['', 'Overview'], ['events', 'Events'], ['endpoints', 'Endpoints'], ['rules', 'Rules'], ['event-types', 'Types'], ['objects', 'Objects'], ['jobs', 'Jobs'],
];

/** The frame around every view: where one may go, and whether what is shown is live. */
export function Shell({ workspace, onLeave }: { readonly workspace: string; readonly onLeave: () => void }) {
  const place = usePlace();
  const main = useRef<HTMLElement>(null);
  const [page = '', id] = place.parts;
  const path = place.parts.join('/');
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${[id, PAGES.find(([name]) => name === page)?.[1]].filter(Boolean).join(' – ') || 'Console'} – Posthorn`;
    // Whoever goes on by keyboard or hears the page begins at its top; not when the console is opened.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
  }, [path]);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        main.current?.focus();
      }}>Skip to the text</a>
      <header class="bar">
        <a class="brand" href="#/"><img src="/console/icon.svg" alt="" width="22" height="22" />Posthorn</a>
        <nav aria-label="Pages">
          {PAGES.map(([name, title]) => <a key={name} href={name === '' ? '#/' : href(name)} aria-current={page === name || (page === 'deliveries' && name === 'events') ? 'page' : undefined}>{title}</a>)}
        </nav>
        <span class="spread" />
        <LiveMark />
        {workspace === '' ? null : <span class="workspace" title="Workspace">{workspace}</span>}
        <button type="button" class="small" onClick={onLeave}>Sign out</button>
      </header>
      <main ref={main} id="main" tabIndex={-1} key={path}>{viewOf(place)}</main>
    </>
  );
}

function viewOf(place: Place) {
  const [page, id, inner] = place.parts;
  switch (page) {
    case undefined: return <Overview />;
    case 'events': return id ? <EventView id={id} /> : <EventsView place={place} />;
    case 'deliveries': return id ? <DeliveryView id={id} /> : <EventsView place={place} />;
    case 'endpoints': return id ? <EndpointView id={id} /> : <EndpointsView place={place} />;
    case 'rules': return id ? <RuleView id={id} /> : <RulesView />;
    case 'event-types': return id ? <EventTypeView type={id} /> : <EventTypesView place={place} />;
    case 'objects': return id && inner ? <ObjectView kind={id} id={inner} /> : <ObjectsView place={place} />;
    case 'jobs': return id ? <JobView id={id} /> : <JobsView />;
    default: return <Empty title="There is no such page"><p><a href="#/">Go to the overview</a></p></Empty>;
  }
}

const STATES: Readonly<Record<LiveState, readonly [tone: string, text: string]>> = {
  live: ['good', 'live'], connecting: ['calm', 'connecting'], away: ['warn', 'not live: trying again'],
};

function LiveMark() {
  const { live } = useConsole();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => live.onState(setState), [live]);
  const [tone, text] = STATES[state];
  return <span class={`status ${tone} live`} role="status"><span class="dot" aria-hidden="true" />{text}</span>;
}
