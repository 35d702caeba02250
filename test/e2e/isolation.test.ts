import { check, type KnownEndpoint, readDeliveries } from '../support/checks';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';

const { service, receiver } = useService({ workers: 2 });

test('two workspaces with the same types, rules and objects are each told of their own alone', async () => {
  const [ours, theirs] = await Promise.all([tenant('ours'), tenant('theirs')]);
  const rounds = await Promise.all([ours, theirs].map(async ({ headers }) => {
    const ids = await service.publish(60, 'shared.type', headers);
    const made = await service.ok('POST', '/v1/processes', { type: 'lead', recordId: (await service.ok('POST', '/v1/records', { type: 'customer', primaryKey: 'same', attributes: {} }, headers)).id, state: 'NEW' }, headers);
    await service.ok('PATCH', `/v1/processes/${made.id}`, { state: 'CONVERTED' }, headers);
    const { data } = await service.ok('GET', `/v1/events?objectId=${made.id}&type=process:state-change`, undefined, headers);
    return [...ids, ...data.map(({ id }: { id: string }) => id)];
  }));
  await untilSettled(service, rounds.flat());

  const deliveries = (await Promise.all([ours, theirs].map(({ endpoint }) => readDeliveries(service.db, endpoint.id)))).flat();
  const endpoints = [ours.endpoint, theirs.endpoint];
  expect(check({
    acknowledged: rounds.flatMap((ids, n) => ids.map((eventId) => ({ eventId, workspaceId: endpoints[n]!.workspaceId, endpointIds: [endpoints[n]!.id] }))),
    endpoints, received: receiver.received(), deliveries, crashes: 0,
  })).toEqual([]);
  expect(deliveries.every(({ endpointId, workspaceId }) => endpoints.find(({ id }) => id === endpointId)?.workspaceId === workspaceId)).toBe(true);
  for (const [n, { path }] of endpoints.entries()) {
    expect(receiver.received(path).map(({ headers }) => headers['webhook-id']).sort()).toEqual([...rounds[n]!].sort());
  }

  // Neither sees, retries or cancels what is the other's.
  const [foreign] = await readDeliveries(service.db, theirs.endpoint.id);
  for (const [method, path] of [['GET', ''], ['POST', '/retry'], ['POST', '/cancel']] as const) {
    expect((await service.call(method, `/v1/deliveries/${foreign!.id}${path}`, undefined, ours.headers)).status).toBe(404);
  }
  expect((await service.call('POST', `/v1/events/${rounds[1]![0]}/resend`, { endpointIds: [ours.endpoint.id] }, ours.headers)).status).toBe(404);
});

test('a crowd of one workspace does not hold up a lone event of another', async () => {
  const [crowd, lone] = await Promise.all([tenant('crowd'), tenant('lone')]);
  receiver.willAnswer('/crowd', [], { status: 200, afterMs: 100 });
  const many = await service.publish(1_000, 'shared.type', crowd.headers);
  const [one] = await service.publish(1, 'shared.type', lone.headers);
  await untilSettled(service, [one!]);
  expect(receiver.received('/lone')).toHaveLength(1);
  expect(receiver.received('/crowd').length).toBeLessThan(many.length);
});

async function tenant(name: string): Promise<{ readonly headers: Record<string, string>; readonly endpoint: KnownEndpoint }> {
  const workspace = await service.ok('POST', '/v1/workspaces', { name });
  const key = await service.ok('POST', '/v1/api-keys', { name, role: 'admin' }, { 'posthorn-workspace': workspace.id });
  const headers = { authorization: `Bearer ${key.key}` };
  const { id, secret } = await service.endpoint(`${receiver.url}/${name}`, { events: ['shared.type'], policy: { maxInFlight: 20, ratePerSecond: 1_000 } }, headers);
  await service.ok('POST', '/v1/rules', { name, events: ['process:state-change'], condition: { state: 'CONVERTED' }, endpointIds: [id] }, headers);
  return { headers, endpoint: { id, secret, workspaceId: workspace.id, path: `/${name}` } };
}
