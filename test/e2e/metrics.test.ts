import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { OUTCOMES } from '../../src/domain/attempt';
import { DIALECT_NAMES } from '../../src/domain/dialect';
import { routes } from '../../src/api/routes';
import { freePort } from '../support/ports';
import { missingIn } from '../support/promql';
import { familyOf, readScrape, type Scrape } from '../support/prometheus';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

/** Events that arrive, those that are answered 500 once and then arrive, those that are given up, those that are held. */
const [FINE, FLAKY, DEAD, HELD] = [40, 5, 3, 4];

let ports: { readonly api: number; readonly worker: number };

const { service, receiver } = useService(async () => {
  ports = { api: await freePort(), worker: await freePort() };
  return { env: { METRICS_PORT: String(ports.api), WORKER_METRICS_PORT: String(ports.worker) } };
});
beforeAll(async () => {
  receiver.willAnswer('/flaky', Array.from({ length: FLAKY }, () => 500));
  receiver.willAnswer('/dead', [], 503);
  const policy = { retry: { delays: ['1s'], jitter: 0 } };
  await service.endpoint(`${receiver.url}/fine`, { events: ['fine'] });
  await service.endpoint(`${receiver.url}/flaky`, { events: ['flaky'], dialect: 'chakra', secret: 'any string will do', policy });
  await service.endpoint(`${receiver.url}/dead`, { events: ['dead'], policy: { ...policy, retry: { delays: [], jitter: 0 } } });
  const held = await service.endpoint(`${receiver.url}/held`, { events: ['held'] });
  await service.ok('POST', `/v1/endpoints/${held.id}/deactivate`, { reason: 'moving' });
  const ids = [
    ...await service.publish(FINE, 'fine'), ...await service.publish(FLAKY, 'flaky'), ...await service.publish(DEAD, 'dead'), ...await service.publish(HELD, 'held'),
  ];
  await untilSettled(service, ids);
});

async function scrape(of: 'api' | 'worker'): Promise<Scrape> {
  const reply = await fetch(`http://127.0.0.1:${ports[of]}/metrics`);
  expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readScrape(await reply.text());
}

/** A count moves a moment after what it counts is on record. */
const untilCounted = async (expectations: () => Promise<void>): Promise<void> =>
  void await until(() => expectations().then(() => true), { what: 'the counts' });

test('attempts are counted by outcome and dialect, deliveries by how they ended', () => untilCounted(async () => {
  const worker = await scrape('worker');
  const attempts = (outcome: string, dialect: string): number => worker.value('posthorn_attempts_total', { outcome, dialect });
  expect(attempts('ok', 'standard')).toBe(FINE);
  expect(attempts('ok', 'chakra')).toBe(FLAKY);
  expect(attempts('http_error', 'chakra')).toBe(FLAKY);
  expect(attempts('http_error', 'standard')).toBe(DEAD);
  expect(worker.value('posthorn_attempts_total')).toBe(FINE + 2 * FLAKY + DEAD);
  expect(worker.value('posthorn_attempt_duration_seconds_count', { outcome: 'ok' })).toBe(FINE + FLAKY);
  expect(worker.value('posthorn_attempts_under_way')).toBe(0);
  expect(['delivered', 'exhausted', 'cancelled'].map((status) => worker.value('posthorn_deliveries_finished_total', { status }))).toEqual([FINE + FLAKY, DEAD, 0]);
}));

test('each stage has seen each event, attempt or start once', async () => {
  let events = 0;
  await untilCounted(async () => {
    const worker = await scrape('worker');
    events = worker.value('posthorn_events_planned_total');
    // Those that were published, and those that tell of the endpoints' own fate.
    const [stored] = await service.db.query<{ n: number }>({ text: 'select count(*) as n from events' });
    expect(events).toBe(stored?.n);
    const seen = (stage: string): number => worker.value('posthorn_stage_duration_seconds_count', { stage });
    expect([seen('relay_wait'), seen('plan')]).toEqual([events, events]);
    expect([seen('sign'), seen('post'), seen('record')]).toEqual(Array(3).fill(FINE + 2 * FLAKY + DEAD));
    expect(worker.value('posthorn_first_attempt_latency_seconds_count')).toBe(FINE + FLAKY + DEAD);
    expect(worker.value('posthorn_delivery_latency_seconds_count')).toBe(FINE + FLAKY);
  });

  const started = await until(async () => {
    const now = await scrape('worker');
    return now.value('posthorn_fold_events_sum') === events && now;
  }, { what: 'a workflow of each event' });
  const starts = started.value('posthorn_workflows_started_total', { workflow: 'deliverEvent' });
  expect(starts).toBe(started.value('posthorn_stage_duration_seconds_count', { stage: 'workflow_start' }));
  expect(starts).toBe(started.value('posthorn_fold_events_count'));
  expect(started.value('posthorn_workflows_started_total', { workflow: 'deliver' })).toBe(FLAKY);
  expect(started.value('posthorn_relay_places_used')).toBe(0);
  expect(started.value('posthorn_relay_places')).toBeGreaterThan(0);
  expect(started.value('posthorn_workers')).toBe(1);
});

test('what waits is told by the API, from the database', async () => {
  const api = await until(async () => {
    const now = await scrape('api');
    return now.value('posthorn_outbox_rows') === 0 && now.value('posthorn_deliveries_waiting', { status: 'held' }) === HELD && now;
  }, { what: 'an empty outbox' });
  expect(['pending', 'retrying'].map((status) => api.value('posthorn_deliveries_waiting', { status }))).toEqual([0, 0]);
  expect(api.value('posthorn_deliveries_oldest_due_seconds')).toBe(0);
  expect(api.value('posthorn_outbox_oldest_seconds')).toBe(0);
  expect(['active', 'failing', 'deactivated'].map((status) => api.value('posthorn_endpoints', { status }))).toEqual([3, 0, 1]);
  expect(api.value('posthorn_database_up')).toBe(1);
  expect(api.value('posthorn_db_pool_connections', { pool: 'main', state: 'open' })).toBeGreaterThan(0);
});

test('requests are counted by route and class of status, and what was published by what became of it', async () => {
  await service.ok('POST', '/v1/events', { type: 'once', data: 1, id: 'mine' });
  await service.ok('POST', '/v1/events', { type: 'once', data: 1, id: 'mine' });
  await service.call('GET', '/v1/nothing/here');
  await service.call('GET', '/v1/endpoints/ep_none');
  const api = await scrape('api');
  const requests = (labels: Record<string, string>): number => api.value('posthorn_http_request_duration_seconds_count', labels);
  expect(requests({ method: 'POST', route: '/v1/events/batch', status: '2xx' })).toBe(4);
  expect(requests({ method: 'POST', route: '/v1/endpoints', status: '2xx' })).toBe(4);
  expect(requests({ route: 'other', status: '4xx' })).toBe(1);
  expect(requests({ route: '/v1/endpoints/:endpointId', status: '4xx' })).toBe(1);
  expect(api.value('posthorn_events_published_total', { result: 'stored' })).toBe(FINE + FLAKY + DEAD + HELD + 1);
  expect(api.value('posthorn_events_published_total', { result: 'duplicate' })).toBe(1);
  // Four endpoints, one of them deactivated, four batches and two events.
  expect(api.value('posthorn_stage_duration_seconds_count', { stage: 'ack' })).toBe(4 + 1 + 4 + 2);
});

test('the API’s own port tells the same to the root key alone', async () => {
  const admin = await service.ok('POST', '/v1/api-keys', { name: 'admin', role: 'admin' });
  expect((await service.call('GET', '/metrics', undefined, { authorization: null })).status).toBe(401);
  expect((await service.call('GET', '/metrics', undefined, { authorization: `Bearer ${admin.key}` })).status).toBe(403);
  const reply = await service.call('GET', '/metrics');
  expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4; charset=utf-8$/);
  expect(readScrape(reply.text).value('posthorn_endpoints', { status: 'active' })).toBe(3);
});

test('labels take their values from closed lists, and hold no id, address or secret', async () => {
  const closed: Readonly<Record<string, readonly string[]>> = {
    stage: ['ack', 'relay_wait', 'plan', 'sign', 'post', 'record', 'workflow_start'],
    outcome: OUTCOMES, dialect: DIALECT_NAMES, status: ['2xx', '3xx', '4xx', '5xx', 'delivered', 'exhausted', 'cancelled', 'pending', 'retrying', 'held', 'active', 'failing', 'deactivated'],
    kind: ['event', 'retry', 'signal', 'job', 'events', 'attempts', 'retries', 'watchers', 'jobs', 'orphans', 'lapsed'],
    route: ['other', ...routes.map(({ path }) => path)], method: ['other', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    pool: ['main', 'outbox'], state: ['open', 'idle', 'waiting'], workflow: ['deliverEvent', 'deliver'], result: ['stored', 'duplicate'], enforce: ['warn', 'reject'],
  };
  for (const part of ['api', 'worker'] as const) {
    const told = await scrape(part);
    const ours = told.samples.filter(({ name }) => name.startsWith('posthorn_'));
    const strange = ours.flatMap(({ name, labels }) =>
      Object.entries(labels).filter(([label, value]) => label !== 'le' && !closed[label]?.includes(value)).map(([label, value]) => `${name} ${label}=${value}`));
    expect(strange).toEqual([]);
    expect(ours.length).toBeLessThan(1_500);
    expect(told.samples.filter(({ name }) => !told.types.has(familyOf(told, name)))).toEqual([]);
    for (const secret of [service.rootKey, 'any string will do', '/flaky', 'evt_', 'ep_']) expect(told.text).not.toContain(secret);
  }
});

test('nothing else is answered on the ports of metrics', async () => {
  for (const port of [ports.api, ports.worker]) {
    expect((await fetch(`http://127.0.0.1:${port}/v1/endpoints`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status).toBe(404);
  }
});

describe('the files for operators', () => {
  const read = (name: string): string => readFileSync(join(__dirname, '..', '..', 'docs', name), 'utf8');
  let scrapes: readonly Scrape[];
  beforeAll(async () => {
    scrapes = [await scrape('api'), await scrape('worker')];
  });

  interface Panel { readonly id: number; readonly title: string; readonly type: string; readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[] }

  test('the dashboard shows nothing that is not told, and has no label in a legend that its query drops', () => {
    const { panels } = JSON.parse(read('deploy/grafana-dashboard.json')) as { panels: readonly Panel[] };
    const shown = panels.filter(({ type }) => type !== 'row');
    expect(shown.length).toBeGreaterThan(15);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, targets = [] } of shown) {
      expect([title, targets.length > 0]).toEqual([title, true]);
      for (const { expr, legendFormat } of targets) {
        expect([title, missingIn(expr, scrapes)]).toEqual([title, []]);
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? ['instance', 'job'];
        expect([title, named.filter((label) => !kept.includes(label))]).toEqual([title, []]);
      }
    }
  });

  test('the alert rules ask for nothing that is not told, and say what to do', () => {
    const { groups } = parse(read('deploy/alerts.yml')) as {
      groups: readonly { rules: readonly { alert: string; expr: string; for?: string; labels: { severity: string }; annotations: { summary: string; description: string } }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, expr, labels, annotations } of rules) {
      expect([alert, missingIn(expr, scrapes)]).toEqual([alert, []]);
      expect([alert, ['critical', 'warning', 'info'].includes(labels.severity)]).toEqual([alert, true]);
      expect(annotations.summary.length > 10 && annotations.description.length > 10).toBe(true);
    }
  });

  test('docs/observability.md has the table of what is told', () => {
    const table = /<!-- metrics -->\n([^]*?)\n<!-- \/metrics -->/.exec(read('observability.md'))?.[1];
    // On a mismatch the received text is to be put between the markers.
    expect(metricsTable(scrapes)).toBe(table);
  });
});

test('an expression that asks for what is not told is found out', () => {
  const told = readScrape('# TYPE posthorn_a_total counter\nposthorn_a_total{kind="x"} 1\n');
  expect(missingIn('sum by (kind) (rate(posthorn_a_total{kind="x"}[5m]))', [told])).toEqual([]);
  expect(missingIn('posthorn_b_total', [told])).toEqual(['posthorn_b_total']);
  expect(missingIn('posthorn_a_total{kind="y"}', [told])).toEqual(['posthorn_a_total{kind="y"}']);
  expect(missingIn('sum by (other) (posthorn_a_total{name=~".+"})', [told])).toEqual(['posthorn_a_total{name=~".+"}', 'by (other)']);
});

/** The table of docs/observability.md: our metrics as they are told, in alphabetical order. */
function metricsTable([api, worker]: readonly Scrape[]): string {
  const rows = new Map<string, { type: string; help: string; of: string[]; labels: Set<string> }>();
  for (const [part, told] of [['API', api], ['worker', worker]] as const) {
    for (const [name, type] of told?.types ?? []) {
      if (!name.startsWith('posthorn_')) continue;
      const help = new RegExp(`^# HELP ${name} (.*)$`, 'm').exec(told?.text ?? '')?.[1] ?? '';
      const row = rows.get(name) ?? { type, help, of: [], labels: new Set<string>() };
      rows.set(name, row);
      row.of.push(part);
      for (const sample of told?.samples ?? []) {
        if (told && familyOf(told, sample.name) === name) Object.keys(sample.labels).filter((label) => label !== 'le').forEach((label) => row.labels.add(label));
      }
    }
  }
  const lines = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { type, help, of, labels }]) =>
    `| \`${name}\` | ${type} | ${[...labels].map((label) => `\`${label}\``).join(', ')} | ${of.join(', ')} | ${help} |`);
  return ['| metric | type | labels | of | is |', '|---|---|---|---|---|', ...lines].join('\n');
}
