import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readDeliveries, violationsAt } from '../support/checks';
import { type OwnServers, startOwnServers } from '../support/own-servers';
import { openReceiver, refusedAddress } from '../support/receiver';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

let servers: OwnServers;
const { service, receiver, violations } = useService(async (later) => {
  servers = await startOwnServers();
  later(() => servers.stop());
  return {
    workers: 2, database: servers.database(), temporal: { address: servers.temporal.address, namespace: 'default' }, env: { POSTHORN_RECONCILE_EVERY_MS: '1000' },
  };
});

/** Places enough for all at once: what finds none waits in the endpoint's lane, and for Temporal. */
const POLICY = { retry: { delays: Array(20).fill('300ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 200, ratePerSecond: 10_000 };

test('while Temporal is away first attempts still go out, and when it is back the retries go on', async () => {
  const fine = await service.endpoint(`${receiver.url}/fine`, { events: ['away'], policy: POLICY });
  receiver.willAnswer('/failing', Array(60).fill(500), 200);
  const failing = await service.endpoint(`${receiver.url}/failing`, { events: ['away'], policy: POLICY });
  const before = await service.publish(30, 'away');
  await until(() => receiver.received('/fine').length === 30, { what: 'the deliveries before' });

  await servers.temporal.server.stop();
  const meanwhile = await service.publish(60, 'away');
  await until(() => receiver.received('/fine').length === 90, { what: 'first attempts without Temporal', deadlineMs: 30_000 });
  expect((await service.call('GET', '/readyz')).status).toBe(200);
  const event = await until(async () => {
    const found = await service.ok('GET', `/v1/events/${meanwhile.at(-1)}`);
    return found.deliveries.some(({ endpointId, status }: { endpointId: string; status: string }) => endpointId === fine.id && status === 'DELIVERED') && found;
  }, { what: 'the record of the last one' });
  expect(event.workflow).toBeNull();

  await servers.restartTemporal();
  const eventIds = [...before, ...meanwhile];
  await untilSettled(service, eventIds, 90_000);
  expect(await violations(fine, '/fine', eventIds, 0)).toEqual([]);
  expect(await violations(failing, '/failing', eventIds, 0)).toEqual([]);
  expect(receiver.received('/fine')).toHaveLength(90);
  await until(async () => (await service.ok('GET', `/v1/events/${meanwhile.at(-1)}`)).workflow !== null, { what: 'the workflows of what came meanwhile', deadlineMs: 30_000 });
  await Promise.all([fine, failing].map(({ id }) => service.ok('DELETE', `/v1/endpoints/${id}`)));
}, 150_000);

test('when Temporal has lost all it knew, everything that waited is taken up again from PostgreSQL', async () => {
  // A retry that sleeps, an endpoint whose breaker is open, one that is probed, and events whose workflow was lost.
  receiver.willAnswer('/sleeping', [500], 200);
  receiver.willAnswer('/probed', [500, 500], 200);
  const sleeping = await service.endpoint(`${receiver.url}/sleeping`, { events: ['lost'], policy: { ...POLICY, retry: { delays: ['15s', '1h'], jitter: 0 } } });
  const closed = await refusedAddress();
  const broken = await service.endpoint(`${closed.url}/broken`, {
    events: ['lost'], policy: { ...POLICY, retry: { delays: Array(5).fill('100ms').concat(Array(5).fill('10s')), jitter: 0 }, probe: { every: '6s', max: '6s' } },
  });
  const probed = await service.endpoint(`${receiver.url}/probed`, {
    events: ['lost'], policy: { ...POLICY, deactivate: { afterConsecutiveFailures: 1 }, probe: { every: '6s', max: '6s' } },
  });
  const statusOf = async (id: string): Promise<string> => (await service.ok('GET', `/v1/endpoints/${id}`)).status;
  const [first] = await service.publish(1, 'lost');
  await until(async () => (await readDeliveries(service.db, sleeping.id))[0]?.status === 'RETRYING', { what: 'the retry to sleep' });
  await until(async () => (await statusOf(broken.id)) === 'FAILING' && (await statusOf(probed.id)) === 'DEACTIVATED', { what: 'both endpoints to fail', deadlineMs: 20_000 });

  await servers.temporal.server.stop();
  await Promise.all(['temporal.db', 'temporal.db-wal', 'temporal.db-shm'].map((name) => rm(join(servers.folder, name), { force: true })));
  const [second] = await service.publish(1, 'lost');
  await servers.restartTemporal();
  const opened = await openReceiver(closed.port);
  try {
    await until(async () => {
      const all = (await Promise.all([sleeping, broken, probed].map(({ id }) => readDeliveries(service.db, id)))).flat();
      return all.length === 6 && all.every(({ status }) => status === 'DELIVERED');
    }, { what: 'everything to be delivered', deadlineMs: 60_000 });
    expect(await violations(sleeping, '/sleeping', [first!, second!], 0)).toEqual([]);
    expect(await violationsAt({ db: service.db, receiver: opened, endpoint: broken, path: '/broken', eventIds: [first!, second!], crashes: 0 })).toEqual([]);
    expect(await violations(probed, '/probed', [first!, second!], 0)).toEqual([]);
    // Whose breaker is open becomes so when its watcher next looks.
    await until(async () => (await Promise.all([broken, probed].map(({ id }) => statusOf(id)))).every((status) => status === 'ACTIVE'), { what: 'both endpoints to be active' });
  } finally {
    await opened.close();
  }
}, 150_000);
