/**
 * Records the histories of deliveries and watchers anew: `npm run build`, then `npx jest --testMatch '**\/test/workflows/record.ts'`. To be run when
 * workflow code changes on purpose (behind `patched`), beside the histories that are there: those of older releases stay.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Connection } from '@temporalio/client';
import { findTemporalCli } from '../../src/embedded/temporal-cli';
import { SEARCH_ATTRIBUTE_TYPES } from '../../src/search-attributes';
import { saveHistory } from '../support/history';
import { freePort } from '../support/ports';
import { openReceiver, type Receiver, refusedAddress } from '../support/receiver';
import { startService, type Service, untilSettled } from '../support/service';
import { until } from '../support/wait';

let temporal: ChildProcess;
let service: Service;
let receiver: Receiver;

beforeAll(async () => {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  // A watcher's history is as long as ten thousand signals make it; here it goes on as new after some sixty events.
  temporal = spawn(await findTemporalCli(), [
    'server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error',
    '--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=60',
    ...Object.entries(SEARCH_ATTRIBUTE_TYPES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ], { stdio: 'ignore' });
  await until(() => Connection.connect({ address }).then((connection) => connection.close()).then(() => true), { what: 'Temporal', deadlineMs: 30_000 });
  receiver = await openReceiver();
  service = await startService({ temporal: { address, namespace: 'default' } });
}, 90_000);
afterAll(async () => {
  await service?.stop();
  await receiver?.close();
  temporal.kill('SIGTERM');
  await once(temporal, 'exit');
});

const delivery = async (eventId: string): Promise<{ id: string; status: string; attemptCount: number }> =>
  until(async () => (await service.ok('GET', `/v1/deliveries?eventId=${eventId}`)).data[0], { what: 'the plan' });
const untilDelivery = (eventId: string, status: string, attempts = 1): Promise<{ id: string }> => until(async () => {
  const found = await delivery(eventId);
  return found.status === status && found.attemptCount >= attempts && found;
}, { what: `a delivery to be ${status}` });
const untilEnded = (workflowId: string): Promise<boolean> => until(async () => (await service.temporal.workflow.getHandle(workflowId).describe()).status.name !== 'RUNNING', { what: `the end of ${workflowId}` });

async function save(name: string, workflowId: string, runId?: string): Promise<void> {
  saveHistory(name, await service.temporal.workflow.getHandle(workflowId, runId).fetchHistory());
}

test('deliverEvent: one event, one that fails, one that is owed to nobody, several in one workflow', async () => {
  await service.endpoint(`${receiver.url}/one`, { events: ['one'] });
  const [one] = await service.publish(1, 'one');
  await untilSettled(service, [one!]);
  await untilEnded(`event/${one}`);
  await save('deliver-event-one', `event/${one}`);

  const [nobody] = await service.publish(1, 'nobody');
  await until(() => untilEnded(`event/${nobody}`), { what: 'the workflow' });
  await save('deliver-event-nobody', `event/${nobody}`);

  const ids = await service.publish(40, 'one');
  await untilSettled(service, ids);
  const rows = await until(async () => {
    const found = await service.db.query<{ workflow_id: string }>({ text: `select distinct workflow_id from plans where event_id = any($1) and workflow_id like 'events/%'`, values: [ids] });
    return found.length > 0 && found;
  }, { what: 'a shared workflow' });
  await untilEnded(rows[0]!.workflow_id);
  await save('deliver-event-fold', rows[0]!.workflow_id);
}, 60_000);

test('deliver: delivered at the second retry, exhausted, cancelled, woken, held', async () => {
  const cases = [
    ['delivered', [500, 503], ['50ms', '50ms', '1h']],
    ['exhausted', [500, 500], ['50ms']],
    ['cancelled', [500], ['1h']],
    ['woken', [500], ['1h']],
    ['held', [500, 410], ['50ms', '1h']],
  ] as const;
  for (const [name, answers, delays] of cases) {
    receiver.willAnswer(`/${name}`, answers, 200);
    await service.endpoint(`${receiver.url}/${name}`, { events: [name], policy: { retry: { delays, jitter: 0 }, deactivate: { afterFailingFor: null } } });
    const [eventId] = await service.publish(1, name);
    const { id } = await until(() => delivery(eventId!), { what: 'the plan' });
    if (name === 'cancelled' || name === 'woken') {
      await untilDelivery(eventId!, 'RETRYING');
      await until(() => service.temporal.workflow.getHandle(`delivery/${id}`).describe(), { what: 'the workflow' });
      await service.ok('POST', `/v1/deliveries/${id}/${name === 'woken' ? 'retry' : 'cancel'}`);
    }
    await until(() => untilEnded(`delivery/${id}`), { what: name });
    await save(`deliver-${name}`, `delivery/${id}`);
  }
}, 60_000);

test('watchEndpoint: deactivated by its policy and reactivated by signal, failing and recovered, as new', async () => {
  receiver.willAnswer('/policy', [500, 500], 200);
  const policy = await service.endpoint(`${receiver.url}/policy`, { events: ['policy'], policy: { retry: { delays: ['20ms', '1h'], jitter: 0 }, deactivate: { afterConsecutiveFailures: 2 } } });
  const status = async (id: string): Promise<string> => (await service.ok('GET', `/v1/endpoints/${id}`)).status;
  const [eventId] = await service.publish(1, 'policy');
  await until(async () => (await status(policy.id)) === 'DEACTIVATED', { what: 'the deactivation' });
  await service.temporal.workflow.getHandle(`endpoint/${policy.id}`).signal('reactivate');
  await untilDelivery(eventId!, 'DELIVERED');
  await service.ok('DELETE', `/v1/endpoints/${policy.id}`);
  await untilEnded(`endpoint/${policy.id}`);
  await save('watch-policy-and-signal', `endpoint/${policy.id}`);

  const closed = await refusedAddress();
  const breaker = await service.endpoint(`${closed.url}/`, {
    events: ['breaker'], policy: { retry: { delays: Array(5).fill('50ms').concat('1h'), jitter: 0 }, deactivate: 'never', probe: { every: '100ms', max: '100ms' } },
  });
  const first = await service.publish(1, 'breaker');
  await until(async () => (await status(breaker.id)) === 'FAILING', { what: 'the breaker' });
  const waiting = await service.publish(2, 'breaker');
  const opened = await openReceiver(closed.port);
  await until(async () => (await status(breaker.id)) === 'ACTIVE', { what: 'the recovery' });
  await service.ok('POST', `/v1/deliveries/${(await delivery(first[0]!)).id}/retry`).catch(() => undefined);
  await untilSettled(service, [...first, ...waiting]);
  await service.ok('DELETE', `/v1/endpoints/${breaker.id}`);
  await untilEnded(`endpoint/${breaker.id}`);
  await opened.close();
  await save('watch-breaker', `endpoint/${breaker.id}`);

  receiver.willAnswer('/as-new', [500], 200);
  const asNew = await service.endpoint(`${receiver.url}/as-new`, { events: ['as-new'], policy: { retry: { delays: ['1h'], jitter: 0 } } });
  await service.publish(1, 'as-new');
  const watcher = service.temporal.workflow.getHandle(`endpoint/${asNew.id}`);
  const { runId } = await until(() => watcher.describe(), { what: 'the watcher' });
  await until(async () => {
    await watcher.signal('changed');
    return (await watcher.describe()).runId !== runId;
  }, { what: 'the next run', deadlineMs: 30_000 });
  await save('watch-as-new', `endpoint/${asNew.id}`, runId);
  await service.ok('DELETE', `/v1/endpoints/${asNew.id}`);
  await untilEnded(`endpoint/${asNew.id}`);
  await save('watch-carried-on', `endpoint/${asNew.id}`);
}, 90_000);

test('deliverEvent: deliveries one by one that end in every way, and more of them than are shown', async () => {
  receiver.willAnswer('/shown-sick', [], 500);
  const make = (name: string, policy: object = {}): Promise<{ id: string }> => service.endpoint(`${receiver.url}/${name}`, { events: ['shown'], policy });
  await make('shown-well');
  await make('shown-sick', { retry: { delays: ['1h'], jitter: 0 }, deactivate: 'never' });
  const held = await make('shown-held');
  await service.ok('POST', `/v1/endpoints/${held.id}/deactivate`, {});
  await make('shown-fifo', { ordering: 'fifo' });
  const [shown] = await service.publish(1, 'shown');
  await until(() => untilEnded(`event/${shown}`), { what: 'the workflow' });
  await save('deliver-event-shown', `event/${shown}`);

  for (let n = 0; n < 51; n += 1) await service.endpoint(`${receiver.url}/crowd`, { events: ['crowd'] });
  const [crowd] = await service.publish(1, 'crowd');
  await untilSettled(service, [crowd!]);
  await until(() => untilEnded(`event/${crowd}`), { what: 'the workflow' });
  await save('deliver-event-crowd', `event/${crowd}`);
}, 90_000);

test('deliver: gone to the lane, and woken while it is at it', async () => {
  receiver.willAnswer('/elsewhere', [500], 200);
  const elsewhere = await service.endpoint(`${receiver.url}/elsewhere`, { events: ['elsewhere'], policy: { retry: { delays: ['1h'], jitter: 0 } } });
  const [first] = await service.publish(1, 'elsewhere');
  await untilDelivery(first!, 'RETRYING');
  const { id: sleeping } = await delivery(first!);
  await until(() => service.temporal.workflow.getHandle(`delivery/${sleeping}`).describe(), { what: 'the workflow' });
  await service.ok('PATCH', `/v1/endpoints/${elsewhere.id}`, { policy: { ordering: 'fifo' } });
  await until(() => untilEnded(`delivery/${sleeping}`), { what: 'the end' });
  await save('deliver-elsewhere', `delivery/${sleeping}`);

  receiver.willAnswer('/meanwhile', [500, { status: 410, afterMs: 1_500 }], 200);
  await service.endpoint(`${receiver.url}/meanwhile`, { events: ['meanwhile'], policy: { retry: { delays: ['50ms', '1h'], jitter: 0 } } });
  const [second] = await service.publish(1, 'meanwhile');
  await until(() => receiver.received('/meanwhile').length === 2, { what: 'the second attempt' });
  const { id } = await delivery(second!);
  await service.temporal.workflow.getHandle(`delivery/${id}`).signal('wake');
  await until(() => untilEnded(`delivery/${id}`), { what: 'the end' });
  await save('deliver-woken-meanwhile', `delivery/${id}`);
}, 90_000);

test('watchEndpoint: probed, drained, switched by signals, in order, and what it can not do', async () => {
  const health = (id: string): Promise<{ status: string; held: number; pending: number }> => service.ok('GET', `/v1/endpoints/${id}/health`);
  const untilHealth = (id: string, condition: (seen: { status: string; held: number; pending: number }) => boolean, what: string): Promise<true> =>
    until(async () => condition(await health(id)), { what });
  const end = async (id: string, name: string): Promise<void> => {
    await service.ok('DELETE', `/v1/endpoints/${id}`);
    await untilEnded(`endpoint/${id}`);
    await save(name, `endpoint/${id}`);
  };

  receiver.willAnswer('/probed', [500, 500, 500, 500], 200);
  const probed = await service.endpoint(`${receiver.url}/probed`, {
    events: ['probed'], policy: { retry: { delays: ['20ms', '1h'], jitter: 0 }, deactivate: { afterConsecutiveFailures: 2 }, probe: { every: '50ms', max: '100ms' } },
  });
  await service.publish(1, 'probed');
  await untilHealth(probed.id, ({ status }) => status === 'DEACTIVATED', 'the deactivation');
  await untilHealth(probed.id, ({ status, held }) => status === 'ACTIVE' && held === 0, 'the probe');
  await end(probed.id, 'watch-probed');

  receiver.willAnswer('/drained', [], { status: 200, afterMs: 20 });
  const drained = await service.endpoint(`${receiver.url}/drained`, { events: ['drained'] });
  await service.ok('POST', `/v1/endpoints/${drained.id}/deactivate`, {});
  const held = await service.publish(25, 'drained');
  await untilSettled(service, held);
  await service.ok('POST', `/v1/endpoints/${drained.id}/reactivate`, { drain: true });
  await untilSettled(service, held);
  await end(drained.id, 'watch-drained');

  receiver.willAnswer('/switched', [], { status: 200, afterMs: 50 });
  const switched = await service.endpoint(`${receiver.url}/switched`, { events: ['switched'], policy: { maxInFlight: 1 } });
  const watcher = service.temporal.workflow.getHandle(`endpoint/${switched.id}`);
  await until(() => watcher.describe(), { what: 'the watcher' });
  await watcher.signal('deactivate', { reason: 'by hand' });
  await untilHealth(switched.id, ({ status }) => status === 'DEACTIVATED', 'the deactivation');
  await service.publish(30, 'switched');
  await untilHealth(switched.id, (seen) => seen.held === 30, 'what is held');
  await watcher.signal('drain');
  await watcher.signal('drain', { action: 'sideways' });
  await watcher.signal('reactivate', { drain: false });
  await untilHealth(switched.id, ({ status }) => status === 'ACTIVE', 'the reactivation');
  await watcher.signal('drain', { action: 'start' });
  await until(() => receiver.received('/switched').length >= 3, { what: 'the drain' });
  await watcher.signal('drain', { action: 'pause' });
  await untilHealth(switched.id, (seen) => seen.pending === 0, 'the pause');
  await watcher.signal('drain', { action: 'drop' });
  await untilHealth(switched.id, (seen) => seen.held === 0, 'the drop');
  await end(switched.id, 'watch-switched-by-signals');

  receiver.willAnswer('/in-order', [200, 500], 200);
  const inOrder = await service.endpoint(`${receiver.url}/in-order`, { events: ['in-order'], policy: { ordering: 'fifo', retry: { delays: ['200ms', '1h'], jitter: 0 } } });
  await untilSettled(service, await service.publish(6, 'in-order'));
  await end(inOrder.id, 'watch-in-order');

  const expired = await service.endpoint(`${receiver.url}/expired`, { events: ['expired'], policy: { holdFor: '100ms' } });
  await service.ok('POST', `/v1/endpoints/${expired.id}/deactivate`, {});
  const over = await service.publish(2, 'expired');
  await until(async () => (await health(expired.id)).held === 0 && (await delivery(over[0]!)).status === 'EXHAUSTED', { what: 'the end of the hold', deadlineMs: 40_000 });
  await service.ok('POST', `/v1/endpoints/${expired.id}/reactivate`, { drain: true });
  await end(expired.id, 'watch-hold-expired');

  receiver.willAnswer('/gone', [410], 200);
  const gone = await service.endpoint(`${receiver.url}/gone`, { events: ['gone'] });
  await service.publish(1, 'gone');
  await untilHealth(gone.id, ({ status }) => status === 'DEACTIVATED', 'the deactivation');
  await end(gone.id, 'watch-gone');
}, 180_000);

test('recover: as new', async () => {
  const endpoint = await service.endpoint(`${receiver.url}/recovered`, { events: ['recovered'], policy: { whileDeactivated: 'discard' } });
  await service.ok('POST', `/v1/endpoints/${endpoint.id}/deactivate`);
  await untilSettled(service, await service.publish(12, 'recovered'));
  await service.ok('POST', `/v1/endpoints/${endpoint.id}/reactivate`, { drain: true });
  const { job } = await service.ok('POST', `/v1/endpoints/${endpoint.id}/recover`, { since: '2025-01-01T00:00:00Z', ratePerSecond: 1 });
  const run = service.temporal.workflow.getHandle(`job/${job.id}`);
  const { runId } = await until(() => run.describe(), { what: 'the job' });
  await until(async () => (await run.describe()).runId !== runId, { what: 'the next run', deadlineMs: 60_000 });
  await save('recover-as-new', `job/${job.id}`, runId);
  await untilEnded(`job/${job.id}`);
  await save('recover-carried-on', `job/${job.id}`);
}, 90_000);
