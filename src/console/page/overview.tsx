import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Delivery, Page, Stats } from './answers';
import { useConsole, useData, useLive } from './context';
import { count, duration, rate, share } from './format';
import { Hours } from './hours';
import type { LiveDelivery } from './live';
import { Card, Empty, Fault, IdLink, Status, Table, Time } from './parts';

const REFRESH_MS = 10_000;
const RATE_SECONDS = 10;
const FEED_ROWS = 10;

/** How the workspace is: now, and over a day. */
export function Overview() {
  const { data: stats, problem } = useData<Stats>('/v1/stats', { everyMs: REFRESH_MS, when: ({ type }) => type === 'endpoint' });
  const perSecond = useRate();
  if (!stats) return <><h1>Overview</h1><Fault problem={problem} /></>;
  const { total, held, endpoints } = stats;
  const unwell = endpoints.failing + endpoints.deactivated;
  const none = endpoints.active + unwell === 0;
  return (
    <>
      <h1>Overview <small class="soft">the last 24 hours</small></h1>
      <Fault problem={problem} />
      {none ? <FirstSteps /> : null}
      <dl class="tiles">
        <Tile name="Delivering now" value={rate(perSecond)} note={`over ${RATE_SECONDS} seconds`} />
        <Tile name="Events" value={count(total.events ?? 0)} note={`${count(total.owed)} deliveries owed`} />
        <Tile name="Delivered" value={count(total.delivered)} note={total.exhausted > 0 ? `${count(total.exhausted)} given up` : 'none given up'} />
        <Tile name="Success rate" value={share(total.successRate)} note={`${count(total.failedAttempts)} attempts failed`} />
        <Tile name="Latency" value={duration(total.latency.p50Ms)} note={`95 of 100 within ${duration(total.latency.p95Ms)}`} />
        <Tile name="Held" value={`${count(held.count)}${held.complete ? '' : '+'}`} note={held.count > 0 ? 'waits for its endpoints' : 'nothing waits'} tone={held.count > 0 ? 'other' : ''} />
        <Tile name="Endpoints unwell" value={count(unwell)} note={`${count(endpoints.active)} active`} tone={unwell > 0 ? 'bad' : ''} />
      </dl>
      <Card title="Over the day"><Hours stats={stats} times="latency" /></Card>
      <div class="columns">
        <Card title="Endpoints that need a look">
          {stats.unwell.length === 0 ? <Empty title="All endpoints are well"><p>Those that fail or were deactivated stand here.</p></Empty> : (
            <Table label="Endpoints that need a look" head={['Endpoint', 'Status', 'Since', 'Failures']}>
              {stats.unwell.map((one) => (
                <tr key={one.id}>
                  <td><IdLink to="endpoints" id={one.id} name={one.name ?? one.url} /></td>
                  <td><Status of={one.status} note={one.reason} /></td>
                  <td><Time at={one.since} /></td>
                  <td class="number">{count(one.consecutiveFailures)}</td>
                </tr>
              ))}
            </Table>
          )}
        </Card>
        <Feed />
      </div>
    </>
  );
}

function Tile({ name, value, note, tone = '' }: { readonly name: string; readonly value: string; readonly note: ComponentChildren; readonly tone?: string }) {
  return <div class="tile"><dt>{name}</dt><dd><span class={`value ${tone}`}>{value}</span><small>{note}</small></dd></div>;
}

function FirstSteps() {
  return (
    <Empty title="There is no endpoint yet">
      <p>An endpoint is an address that asked to be told. <a href="#/endpoints">Make one</a>, then a <a href="#/rules">rule</a> that says what it is told, and post an event.
        The <a href="/docs/start" target="_blank" rel="noreferrer">five-minute start ↗</a> shows how.</p>
    </Empty>
  );
}

/** Deliveries a second, over the last few. */
function useRate(): number {
  const seen = useRef<{ at: number; n: number }[]>([]);
  const [perSecond, setPerSecond] = useState(0);
  useLive((event) => {
    if (event.type === 'deliveries') seen.current.push({ at: Date.now(), n: event.statuses['DELIVERED'] ?? 0 });
  });
  useEffect(() => {
    const timer = setInterval(() => {
      seen.current = seen.current.filter(({ at }) => at > Date.now() - RATE_SECONDS * 1_000);
      setPerSecond(seen.current.reduce((sum, { n }) => sum + n, 0) / RATE_SECONDS);
    }, 1_000);
    return () => clearInterval(timer);
  }, []);
  return perSecond;
}

interface Row {
  readonly id: string;
  readonly endpointId: string;
  readonly status: string;
  readonly note: string;
  readonly at: string;
}

const rowOf = (one: Delivery): Row => ({ id: one.id, endpointId: one.endpointId, status: one.status, note: `attempt ${one.attemptCount}`, at: one.updatedAt });
const liveRowOf = (one: LiveDelivery, at: string): Row =>
  ({ id: one.id, endpointId: one.endpointId, status: one.status, note: one.durationMs === null ? one.eventType : `${one.eventType} · ${duration(one.durationMs)}`, at });

/** The newest deliveries, as they happen. */
function Feed() {
  const { api } = useConsole();
  const [rows, setRows] = useState<readonly Row[] | null>(null);
  useEffect(() => {
    api.get<Page<Delivery>>(`/v1/deliveries?limit=${FEED_ROWS}`).then(({ data }) => setRows((before) => before ?? data.map(rowOf)), () => setRows((before) => before ?? []));
  }, [api]);
  useLive((event) => {
    if (event.type !== 'deliveries' || !event.deliveries) return;
    const at = new Date().toISOString();
    const fresh = event.deliveries.map((one) => liveRowOf(one, at)).reverse();
    setRows((before) => {
      const known = new Set<string>();
      return [...fresh, ...(before ?? [])].filter(({ id }) => !known.has(id) && known.add(id)).slice(0, FEED_ROWS);
    });
  });
  return (
    <Card title="As it happens">
      {rows?.length === 0 ? <Empty title="Nothing was delivered yet"><p>Post an event that an endpoint is owed, and its delivery appears here.</p></Empty> : (
        <Table label="The newest deliveries" head={['Status', 'Delivery', 'When']}>
          {(rows ?? []).map((row) => (
            <tr key={row.id}>
              <td><Status of={row.status} /></td>
              <td><IdLink to="deliveries" id={row.id} /><br /><small class="soft">{row.note}</small></td>
              <td><Time at={row.at} /></td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
