import { insist } from '../support/insist';
import { type OwnServers, startOwnServers } from '../support/own-servers';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

let servers: OwnServers;
const { service, receiver, violations } = useService(async (later) => {
  servers = await startOwnServers();
  later(() => servers.stop());
  return { workers: 2, database: servers.database(), temporal: { address: servers.temporal.address, namespace: 'default' } };
});

const POLICY = { timeout: '1s', connectTimeout: '1s', retry: { delays: Array(20).fill('100ms'), jitter: 0 }, deactivate: 'never', maxInFlight: 50, ratePerSecond: 2_000 };

test('PostgreSQL dies under load: what was acknowledged is delivered, and nothing else needs to be restarted', async () => {
  receiver.willAnswer('/load', Array.from({ length: 100 }, (_, n) => (n % 10 === 0 ? 500 : { status: 200, afterMs: 20 })), { status: 200, afterMs: 20 });
  receiver.willAnswer('/narrow', [], { status: 200, afterMs: 10 });
  const endpoint = await service.endpoint(`${receiver.url}/load`, { events: ['load'], policy: POLICY });
  // Most of what this one is owed goes by its lane.
  const narrow = await service.endpoint(`${receiver.url}/narrow`, { events: ['load'], policy: { ...POLICY, maxInFlight: 6, ratePerSecond: 200 } });
  const total = 400;
  const refused = new Map<number, number>();
  const acknowledged: string[] = [];
  let next = 0;
  const clients = Array.from({ length: 8 }, async () => {
    while (next < total) {
      const n = next++;
      acknowledged.push((await insist(service, 'POST', '/v1/events', { type: 'load', data: { n }, id: `load-${n}` }, { refused })).id);
    }
  });
  await until(() => acknowledged.length >= 100, { what: 'the first events' });
  await servers.killPostgres();
  const { status, headers } = await until(async () => {
    const reply = await service.call('GET', '/readyz');
    return reply.status !== 200 && reply;
  }, { what: 'the API to notice' });
  expect([status, headers.has('retry-after')]).toEqual([503, true]);
  expect((await service.call('GET', '/healthz')).status).toBe(200);
  await servers.restartPostgres();
  await Promise.all(clients);

  expect(new Set(acknowledged).size).toBe(total);
  expect([...refused.keys()]).toEqual([503]);
  await untilSettled(service, acknowledged, 60_000);
  expect(await violations(endpoint, '/load', acknowledged, 1)).toEqual([]);
  expect(await violations(narrow, '/narrow', acknowledged, 1)).toEqual([]);
  expect(service.workers()).toHaveLength(2);
  expect(service.api().isAlive()).toBe(true);
}, 150_000);
