import { chakraSignature, isSigned, violationsAt } from '../support/checks';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

/** The three ways in which first attempts and their workflows come together. */
const WAYS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['with a head start and shared workflows', {}],
  ['with the workflow first', { HEAD_START: 'off' }],
  ['with a workflow for each event', { EVENTS_PER_WORKFLOW: '1' }],
];
const BURST = 300;

describe.each(WAYS)('deliveries %s', (name, env) => {
  const { service, receiver } = useService({ env, workers: 2 });

  test('a process becomes CONVERTED, the rule matches, and the signed delivery arrives', async () => {
    const endpoint = await service.endpoint(`${receiver.url}/converted`);
    await service.ok('POST', '/v1/rules', {
      name: 'converted', events: ['process:state-change'], condition: { state: 'CONVERTED' }, endpointIds: [endpoint.id],
    });
    const record = await service.ok('POST', '/v1/records', { type: 'customer', attributes: { name: 'Ada' } });
    const made = await service.ok('POST', '/v1/processes', { type: 'lead', recordId: record.id, state: 'NEW', attributes: { city: 'Pune' } });
    await service.ok('PATCH', `/v1/processes/${made.id}`, { state: 'CONTACTED' });
    await service.ok('PATCH', `/v1/processes/${made.id}`, { state: 'CONVERTED' });

    const [request] = await until(() => receiver.received('/converted').length > 0 && receiver.received('/converted'), { what: 'the delivery' });
    expect(isSigned(request!, endpoint.secret)).toBe(true);
    expect(JSON.parse(request!.body)).toMatchObject({
      type: 'process:state-change',
      data: { objectKind: 'process', objectId: made.id, object: { state: 'CONVERTED', attributes: { city: 'Pune' } }, previous: { state: 'CONTACTED' } },
    });

    const { data: [event] } = await service.ok('GET', `/v1/events?type=process:state-change&objectId=${made.id}`);
    expect(request!.headers['webhook-id']).toBe(event.id);
    const { data: all } = await service.ok('GET', `/v1/events?objectId=${made.id}`);
    await untilSettled(service, all.map(({ id }: { id: string }) => id));
    expect(receiver.received('/converted')).toHaveLength(1);
    expect(await service.ok('GET', `/v1/events/${event.id}`)).toMatchObject({ owed: 1, delivered: true, deliveries: [{ endpointId: endpoint.id, status: 'DELIVERED', attemptCount: 1 }] });
  });

  test('an endpoint that subscribes to a prefix, and one that subscribes to everything, are owed just that, once each', async () => {
    const everything = await service.endpoint(`${receiver.url}/everything`, { events: ['*'] });
    await service.endpoint(`${receiver.url}/processes`, { events: ['process:*'] });
    // Matched by a rule too: owed once all the same.
    await service.ok('POST', '/v1/rules', { name: 'again', events: ['process:create'], condition: {}, endpointIds: [everything.id] });
    const record = await service.ok('POST', '/v1/records', { type: 'customer', attributes: {} });
    const made = await service.ok('POST', '/v1/processes', { type: 'lead', recordId: record.id, state: 'NEW' });
    await service.ok('PATCH', `/v1/processes/${made.id}`, { state: 'WON' });
    const { id: custom } = await service.ok('POST', '/v1/events', { type: 'invoice.paid', data: { total: '12.50' } });

    const types = (path: string): string[] => receiver.received(path).map(({ body }) => JSON.parse(body).type as string).sort();
    await until(() => types('/everything').length >= 5 && types('/processes').length >= 3, { what: 'all deliveries' });
    await untilSettled(service, [custom]);
    expect(types('/everything')).toEqual(['invoice.paid', 'process:create', 'process:state-change', 'process:update', 'record:create']);
    expect(types('/processes')).toEqual(['process:create', 'process:state-change', 'process:update']);
    await service.ok('DELETE', `/v1/endpoints/${everything.id}`);
  });

  test('a chakra endpoint gets the whole event object, signed with bare hex', async () => {
    const secret = 'any string will do';
    await service.endpoint(`${receiver.url}/chakra`, { dialect: 'chakra', secret, events: ['lead.moved'], headers: { Authorization: 'Bearer abc' } });
    const { id } = await service.ok('POST', '/v1/events', { type: 'lead.moved', data: { b: 1, a: [1.50, 2] } });

    const [request] = await until(() => receiver.received('/chakra').length > 0 && receiver.received('/chakra'), { what: 'the delivery' });
    expect(request!.headers['x-chakra-signature-256']).toBe(chakraSignature(request!.body, secret));
    expect(request!.headers['authorization']).toBe('Bearer abc');
    const { deliveries: _, workflow: __, owed: ___, delivered: ____, ...event } = await service.ok('GET', `/v1/events/${id}`);
    expect(JSON.parse(request!.body)).toEqual(event);
  });

  test(`${BURST} events at once arrive once each, and each is found in Temporal`, async () => {
    const endpoint = await service.endpoint(`${receiver.url}/burst`, { events: ['burst.*'], policy: { maxInFlight: 100, ratePerSecond: 5_000 } });
    const ids = await service.publish(BURST, 'burst.happened');
    await untilSettled(service, ids);
    expect(await violationsAt({ db: service.db, receiver, endpoint, path: '/burst', eventIds: ids, crashes: 0 })).toEqual([]);
    expect(receiver.received('/burst')).toHaveLength(BURST);

    const shown = await until(async () => {
      const rows = await service.db.query<{ workflow_id: string; run_id: string }>({
        text: 'select workflow_id, run_id from plans where event_id = any($1) and run_id is not null', values: [ids],
      });
      return rows.length === BURST && rows;
    }, { what: 'all workflows to run', deadlineMs: 40_000 });
    const workflows = new Map(shown.map((row) => [row.workflow_id, row.run_id]));
    if (name.endsWith('each event')) expect(workflows.size).toBe(BURST);
    else expect(workflows.size).toBeLessThan(BURST / 2);

    const event = await service.ok('GET', `/v1/events/${ids.at(-1)}`);
    expect(workflows.get(event.workflow.id as string)).toBe(event.workflow.runId);
    const largest = await Promise.all([...workflows].slice(0, 20).map(async ([id, runId]) => {
      const handle = service.temporal.workflow.getHandle(id, runId);
      const { owed, delivered, waiting } = await handle.result() as { owed: number; delivered: number; waiting: number };
      expect((await handle.describe()).status.name).toBe('COMPLETED');
      // What found no place in flight within 250 ms waits in the endpoint's lane.
      expect(delivered + waiting).toBe(owed);
      return owed;
    }));
    expect(Math.max(...largest) > 1).toBe(!name.endsWith('each event'));
  });
});
