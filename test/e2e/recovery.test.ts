import { readDeliveries, violationsAt } from '../support/checks';
import { untilPlanned } from '../support/crowd';
import { untilJob, untilJobEnds } from '../support/jobs';
import type { TestEndpoint } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService({ workers: 2, env: { POSTHORN_RECONCILE_EVERY_MS: '2000' } });

const LONG_AGO = '2025-01-01T00:00:00Z';
const IN_FLIGHT = 10;
const FAST = { maxInFlight: IN_FLIGHT, ratePerSecond: 500, timeout: '3s' };

const recover = async ({ id }: { id: string }, body: object): Promise<string> =>
  (await service.ok('POST', `/v1/endpoints/${id}/recover`, { since: LONG_AGO, ...body })).job.id;
const status = async (jobId: string): Promise<string> => (await service.ok('GET', `/v1/jobs/${jobId}`)).status;

/** How many deliveries of an endpoint stand so. */
async function count(endpointId: string, condition: string): Promise<number> {
  const [row] = await service.db.query<{ count: number }>({ text: `select count(*) as count from deliveries where endpoint_id = $1 and ${condition}`, values: [endpointId] });
  return Number(row?.count);
}
const untilDelivered = (endpointId: string, expected: number): Promise<unknown> =>
  until(async () => (await count(endpointId, `status = 'DELIVERED'`)) === expected, { what: `${expected} deliveries`, deadlineMs: 90_000 });

/** An endpoint that was away, and whose policy discarded what came meanwhile. */
async function discarded(path: string, type: string, events: number): Promise<{ endpoint: TestEndpoint; eventIds: string[] }> {
  const endpoint = await service.endpoint(`${receiver.url}${path}`, { events: [type], policy: { ...FAST, whileDeactivated: 'discard' } });
  await service.ok('POST', `/v1/endpoints/${endpoint.id}/deactivate`);
  const eventIds = await service.publish(events, type);
  await untilPlanned(service, eventIds, eventIds.length, 60_000);
  expect(await count(endpoint.id, `status = 'CANCELLED' and reason = 'discarded'`)).toBe(events);
  await service.ok('POST', `/v1/endpoints/${endpoint.id}/reactivate`, { drain: true });
  return { endpoint, eventIds };
}

test('a thousand failed deliveries are each made again once, though both workers are killed in the middle', async () => {
  const { endpoint, eventIds } = await discarded('/killed', 'killed', 1_000);
  const jobId = await recover(endpoint, { ratePerSecond: 200 });
  await untilJob(service, jobId, 'the first page', ({ done }) => done >= 200);
  // Whichever of them is at it: the other goes on alone, and then one that is new.
  await service.workers()[0]!.kill('SIGKILL');
  await untilJob(service, jobId, 'more pages', ({ done }) => done >= 400);
  await service.workers()[0]!.kill('SIGKILL');
  expect(await status(jobId)).toBe('RUNNING');
  await service.startWorker();
  const job = await untilJobEnds(service, jobId);
  expect(job).toMatchObject({ status: 'COMPLETED', total: 1_000, done: 1_000, failed: 0, result: { resent: 1_000, added: 0, woken: 0 } });
  await untilDelivered(endpoint.id, 1_000);

  const deliveries = await readDeliveries(service.db, endpoint.id);
  const resends = deliveries.filter(({ resendOf }) => resendOf !== null);
  expect([deliveries.length, resends.length, new Set(resends.map(({ eventId }) => eventId)).size]).toEqual([2_000, 1_000, 1_000]);
  const requests = receiver.received('/killed').map(({ headers }) => headers['webhook-id']);
  expect(new Set(requests)).toEqual(new Set(eventIds));
  // Each kill leaves at most what was in flight in doubt.
  expect(requests.length).toBeLessThanOrEqual(1_000 + 2 * IN_FLIGHT);
  const unknown = resends.flatMap(({ attempts }) => attempts).filter(({ outcome }) => outcome === 'unknown').length;
  expect(requests.length - 1_000).toBeLessThanOrEqual(unknown);
  expect(await service.temporal.workflow.getHandle(`job/${jobId}`).result()).toEqual({ status: 'COMPLETED', total: 1_000, done: 1_000, failed: 0 });
}, 180_000);

test('an endpoint that was made too late gets what it missed, beside what comes now, each once, also from two recoveries', async () => {
  const early = await service.publish(300, 'late');
  await untilPlanned(service, early, early.length, 60_000);
  const endpoint = await service.endpoint(`${receiver.url}/late`, { events: ['late'], policy: FAST });
  const estimate = await service.ok('POST', `/v1/endpoints/${endpoint.id}/recover`, { since: LONG_AGO, only: 'missing', dryRun: true });
  expect(estimate).toMatchObject({ complete: true, found: { resent: 0, added: 300, woken: 0 }, deliveries: 300 });
  const jobs = await Promise.all([recover(endpoint, { only: 'missing' }), recover(endpoint, { only: 'all' })]);
  const live = await service.publish(100, 'late');
  const results = await Promise.all(jobs.map((jobId) => untilJobEnds(service, jobId)));
  expect(results.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED']);
  expect(results.reduce((sum, { result }) => sum + result.added, 0)).toBe(300);
  await untilDelivered(endpoint.id, 400);
  expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/late', eventIds: [...early, ...live], crashes: 0 })).toEqual([]);
  expect(receiver.mostOpen('/late')).toBeLessThanOrEqual(IN_FLIGHT);
  for (const eventId of [early[0], live[0]]) expect(await service.ok('GET', `/v1/events/${eventId}`)).toMatchObject({ owed: 1, delivered: true });
}, 120_000);

test('a backfill is held while its endpoint is deactivated, and leaves when it is back', async () => {
  const events = await service.publish(120, 'ruled');
  await untilPlanned(service, events, events.length, 60_000);
  const endpoint = await service.endpoint(`${receiver.url}/ruled`, { policy: FAST });
  const { id: ruleId } = await service.ok('POST', '/v1/rules', { name: 'half', events: ['ruled'], condition: { 'data.n': { $lt: 60 } }, endpointIds: [endpoint.id] });
  await service.ok('POST', `/v1/endpoints/${endpoint.id}/deactivate`);
  const { job } = await service.ok('POST', `/v1/rules/${ruleId}/backfill`, { endpointId: endpoint.id, since: LONG_AGO });
  expect(await untilJobEnds(service, job.id)).toMatchObject({ status: 'COMPLETED', result: { resent: 0, added: 60, woken: 0 } });
  expect(await count(endpoint.id, `status = 'HELD'`)).toBe(60);
  expect(receiver.received('/ruled')).toEqual([]);
  await service.ok('POST', `/v1/endpoints/${endpoint.id}/reactivate`, { drain: true });
  await untilDelivered(endpoint.id, 60);
  const arrived = receiver.received('/ruled').map(({ headers, body }) => [headers['webhook-id'], (JSON.parse(body) as { data: { n: number } }).data.n] as const);
  expect(arrived).toHaveLength(60);
  expect(new Set(arrived.map(([, n]) => n))).toEqual(new Set(Array.from({ length: 60 }, (_, n) => n)));
  expect(arrived.every(([id]) => events.includes(id ?? ''))).toBe(true);
}, 120_000);

test('a signal pauses it, nothing is handed over until it is resumed, and a cancel leaves the rest undone', async () => {
  const { endpoint } = await discarded('/steered', 'steered', 1_000);
  const jobId = await recover(endpoint, { ratePerSecond: 20 });
  const run = service.temporal.workflow.getHandle(`job/${jobId}`);
  await untilJob(service, jobId, 'the first page', ({ done }) => done >= 20);
  expect(await service.ok('GET', `/v1/jobs/${jobId}`)).toMatchObject({ workflow: { id: `job/${jobId}` } });
  await run.signal('pause');
  const paused = await untilJob(service, jobId, 'the pause', ({ status }) => status === 'PAUSED');
  await untilDelivered(endpoint.id, paused.result.resent);
  await until(async () => (await run.query<{ status: string }>('progress')).status === 'PAUSED', { what: 'the workflow to rest' });
  expect(await count(endpoint.id, 'resend_of is not null')).toBe(paused.result.resent);
  expect((await service.ok('GET', `/v1/jobs/${jobId}`)).done).toBe(paused.done);

  await service.ok('POST', `/v1/jobs/${jobId}/resume`);
  await untilJob(service, jobId, 'more', ({ done }) => done > paused.done);
  const cancelled = await service.ok('POST', `/v1/jobs/${jobId}/cancel`);
  expect(await run.result()).toMatchObject({ status: 'CANCELLED', done: cancelled.done });
  expect(cancelled.done).toBeLessThan(1_000);
  expect(await count(endpoint.id, 'resend_of is not null')).toBe(cancelled.result.resent);
  await untilDelivered(endpoint.id, cancelled.result.resent);
  const found = await until(async () => {
    const runs = [];
    for await (const one of service.temporal.workflow.list({ query: `WorkflowType = 'recover' and PosthornEndpoint = '${endpoint.id}'` })) runs.push(one.workflowId);
    return runs.length > 0 && runs;
  }, { what: 'the search to find it' });
  expect(found).toEqual([`job/${jobId}`]);
}, 120_000);
