import { isSigned } from '../support/checks';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService({ env: { PUBLIC_URL: 'https://hooks.example' } });

const told = (path: string) => receiver.received(path).map(({ body }) => JSON.parse(body));
const untilTold = async (path: string, count: number) => {
  await until(() => receiver.received(path).length >= count, { what: `${count} requests at ${path}` });
  return told(path);
};
/** An endpoint that is told of everything of the family, in order. */
const endpoint = (path: string, events: readonly string[] = ['*']) =>
  service.endpoint(`${receiver.url}${path}`, { dialect: 'spektr', events, policy: { ordering: 'fifo' } });
const MS = expect.any(Number);

test('a run with its tasks is told field by field, signed, in order', async () => {
  const { id: endpointId, secret } = await endpoint('/run');
  const now = Date.now();
  const customer = await service.ok('POST', '/v1/records', { type: 'customer', attributes: { name: 'Ada' } });
  const run = await service.ok('POST', '/v1/processes', {
    type: 'run', recordId: customer.id,
    attributes: { processType: 'risk', processName: 'Risk Assessment', processId: '12345', reference: 'campaign-7' },
  });
  await service.ok('POST', '/v1/tasks', { type: 'service', processId: run.id, attributes: { vendorType: 'kyc' } });
  const alert = await service.ok('POST', '/v1/tasks', { type: 'alert', processId: run.id, attributes: { alertName: 'PEP' } });
  await service.ok('PATCH', `/v1/tasks/${alert.id}`, { status: 'RESOLVED', actor: { userId: 'u-1' } });
  const step = await service.ok('POST', '/v1/tasks', { type: 'step', processId: run.id });
  await service.ok('PATCH', `/v1/tasks/${step.id}`, { status: 'SUBMITTED' });
  const field = { key: 'k', label: 'l', helptext: null, placeholder: null, internalId: 'i', children: [{ key: 'c' }] };
  await service.ok('PATCH', `/v1/processes/${run.id}`, {
    status: 'COMPLETED',
    attributes: { output: 'approved', fields: [field], files: ['https://files.example/a.pdf'], data: { k: 'x', 7: 1 } },
  });

  const bodies = await untilTold('/run', 7);
  const shared = { id: expect.stringMatching(/^evt_/), spektrId: customer.id, delivered: null, createdAt: MS };
  const ofRun = { contextId: run.id, processId: '12345', processName: 'Risk Assessment', processType: 'risk' };
  expect(bodies).toEqual([
    { ...shared, type: 'process_run_start', reference: 'campaign-7', data: ofRun },
    { ...shared, type: 'service_run', data: { vendorType: 'kyc', ...ofRun, reference: 'campaign-7' } },
    { ...shared, type: 'alert_created', data: { contextId: run.id, processId: '12345', userId: null, alertId: alert.id, alertName: 'PEP' } },
    { ...shared, type: 'alert_resolved', data: { contextId: run.id, processId: '12345', userId: 'u-1', alertId: alert.id, alertName: 'PEP' } },
    { ...shared, type: 'step_init', data: { ...ofRun, stepId: step.id, userId: null } },
    { ...shared, type: 'step_submit', data: { ...ofRun, stepId: step.id, userId: null } },
    {
      ...shared, type: 'process_run_end', process_name: 'Risk Assessment', process_output: 'approved',
      files: { clientFiles: ['https://files.example/a.pdf'] }, fields: [field], data: { k: 'x', 7: 1 },
    },
  ]);
  expect(Object.keys(bodies[0])).toEqual(['id', 'spektrId', 'type', 'delivered', 'createdAt', 'reference', 'data']);
  expect(Object.keys(bodies[6])).toEqual(['id', 'spektrId', 'type', 'delivered', 'process_name', 'process_output', 'files', 'fields', 'data', 'createdAt']);
  for (const { createdAt } of bodies) expect(createdAt >= now && createdAt < now + 60_000).toBe(true);
  for (const request of receiver.received('/run')) {
    expect(isSigned(request, secret)).toBe(true);
    expect(request.headers['webhook-id']).toBe(JSON.parse(request.body).id);
  }
  // What never was a change of the family's is nobody's event.
  expect((await service.ok('GET', '/v1/events?type=process_run_start')).data).toHaveLength(1);
  await service.ok('DELETE', `/v1/endpoints/${endpointId}`);
});

test('a customer\'s status, then the tags that enter in their order, then those that leave, each once', async () => {
  const { id: endpointId } = await endpoint('/customer', ['customer_status_changed', 'customer_tag_add', 'customer_tag_remove']);
  const made = await service.ok('POST', '/v1/records', { type: 'customer', attributes: { name: 'Ada', status: 'new', tags: ['old', 'stays'] } });
  const actor = { userId: 'u-1', processId: 'p-1', processName: 'Screening' };
  await service.ok('PATCH', `/v1/records/${made.id}`, { attributes: { status: 'active', tags: ['vip', 'stays', 'eu', 'vip'], city: 'Graz' }, actor });
  await service.ok('PATCH', `/v1/records/${made.id}`, { attributes: { tags: ['eu', 'stays', 'vip'] } });
  await service.ok('PATCH', `/v1/records/${made.id}`, { attributes: { status: null } });

  const bodies = await untilTold('/customer', 5);
  const shared = { id: expect.any(String), spektrId: made.id, delivered: null, createdAt: MS };
  const tag = (tagId: string, action: string) =>
    ({ ...shared, type: `customer_tag_${action}`, data: { tagId, action, userId: 'u-1', processId: 'p-1' } });
  expect(bodies).toEqual([
    {
      ...shared, type: 'customer_status_changed',
      data: { oldStatus: 'new', newStatus: 'active', customerName: 'Ada', userId: 'u-1', processId: 'p-1', processName: 'Screening' },
    },
    tag('vip', 'add'), tag('eu', 'add'), tag('old', 'remove'),
    {
      ...shared, type: 'customer_status_changed',
      data: { oldStatus: 'active', newStatus: null, customerName: 'Ada', userId: null, processId: null, processName: null },
    },
  ]);

  const { data } = await service.ok('GET', `/v1/events?objectId=${made.id}`);
  const update = data.filter(({ type }: { type: string }) => type === 'record:update').at(-1);
  const caused = data.filter(({ causedBy }: { causedBy: string }) => causedBy === update.id);
  expect(caused.map(({ type, sequence, object }: { type: string; sequence: number; object: object }) => [type, sequence, object]))
    .toEqual(['customer_tag_remove', 'customer_tag_add', 'customer_tag_add', 'customer_status_changed'].map((type) => [type, update.sequence, update.object]));
  await service.ok('DELETE', `/v1/endpoints/${endpointId}`);
});

test('delivered is null at first, false after a failure, true in a resend of what arrived', async () => {
  const { id: endpointId } = await endpoint('/flag', ['alert_created']);
  await service.ok('PATCH', `/v1/endpoints/${endpointId}`, { policy: { retry: { delays: ['30ms', '30ms'], jitter: 0 } } });
  receiver.willAnswer('/flag', [500, 500], 200);
  const record = await service.ok('POST', '/v1/records', { type: 'customer' });
  const alert = await service.ok('POST', '/v1/tasks', { type: 'alert', recordId: record.id });
  const [first] = await untilTold('/flag', 3);
  const settled = async () => (await service.ok('GET', `/v1/events/${first.id}`)).delivered === true;
  await until(settled, { what: 'the delivery' });
  await service.ok('POST', `/v1/events/${first.id}/resend`, {});
  const bodies = await untilTold('/flag', 4);
  expect(bodies.map(({ delivered }) => delivered)).toEqual([null, false, false, true]);
  expect(first).toMatchObject({ spektrId: record.id, data: { contextId: null, processId: null, alertId: alert.id, alertName: null } });

  // What is shown of each attempt is what was sent.
  const { data } = await until(async () => {
    const page = await service.ok('GET', `/v1/deliveries?eventId=${first.id}`);
    return page.data.every(({ status }: { status: string }) => status === 'DELIVERED') && page;
  }, { what: 'the resend' });
  const shown = await Promise.all(data.map(async ({ id }: { id: string }) => (await service.ok('GET', `/v1/deliveries/${id}`)).attempts));
  expect(shown.reverse().flat().map(({ request }) => request.body)).toEqual(receiver.received('/flag').map(({ body }) => body));
  await service.ok('DELETE', `/v1/endpoints/${endpointId}`);
});

test('a kept file becomes a signed link that is good for 24 hours, and for nothing else', async () => {
  const { id: endpointId } = await endpoint('/files', ['process_run_end']);
  const bytes = Buffer.from([0, 255, 1, 2, 3]);
  const file = await service.call('POST', '/v1/files?name=r%C3%A9sum%C3%A9.pdf', bytes, { 'content-type': 'application/pdf' });
  expect(file).toMatchObject({ status: 201, body: { name: 'résumé.pdf', contentType: 'application/pdf', size: 5 } });
  const { id } = await service.ok('POST', '/v1/processes', { type: 'run' });
  await service.ok('PATCH', `/v1/processes/${id}`, { status: 'COMPLETED', attributes: { files: [{ fileId: file.body.id }, 'https://files.example/b'] } });

  const [{ files: { clientFiles: [link, other] }, createdAt }] = await untilTold('/files', 1);
  expect(other).toBe('https://files.example/b');
  const url = new URL(link);
  expect(url.origin).toBe('https://hooks.example');
  expect(Number(url.searchParams.get('expires'))).toBe(Math.floor(createdAt / 1000) + 86_400);
  const get = (path: string) => fetch(`${service.url()}${path}`);
  const read = await get(url.pathname + url.search);
  expect([read.status, Buffer.from(await read.arrayBuffer())]).toEqual([200, bytes]);
  expect(Object.fromEntries(read.headers)).toMatchObject({
    'content-type': 'application/pdf', 'content-disposition': "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf", 'x-content-type-options': 'nosniff',
  });
  expect((await get(url.pathname + url.search.replace(/expires=\d+/, `expires=${Number(url.searchParams.get('expires')) + 1}`))).status).toBe(403);
  expect((await get(`${url.pathname}?expires=1&signature=x`)).status).toBe(403);
  expect((await get(url.pathname)).status).toBe(422);
  expect((await service.call('POST', '/v1/files', Buffer.alloc(10 * 1024 * 1024 + 1), { 'content-type': 'image/png' })).status).toBe(413);
  await service.ok('DELETE', `/v1/endpoints/${endpointId}`);
});

test('without an endpoint of the family nothing of the family is written', async () => {
  const before = (await service.ok('GET', '/v1/events?type=process_run_start')).data.length;
  const { id } = await service.ok('POST', '/v1/processes', { type: 'run' });
  expect((await service.ok('GET', `/v1/events?objectId=${id}`)).data.map(({ type }: { type: string }) => type)).toEqual(['process:create']);
  expect((await service.ok('GET', '/v1/events?type=process_run_start')).data).toHaveLength(before);
});

test('a rule that names its endpoint with a type that it is never owed is refused; with a type of the family it decides', async () => {
  const { id: endpointId } = await endpoint('/rule', []);
  const rule = (events: readonly string[]) => service.call('POST', '/v1/rules', { name: 'r', events, condition: { 'attributes.level': 'high' }, endpointIds: [endpointId] });
  for (const events of [['process:update'], ['*', 'task:*'], ['alert_created', 'record:create']]) {
    expect(await rule(events)).toMatchObject({ status: 422, body: { errors: [{ path: 'endpointIds.0' }] } });
  }
  const made = await rule(['alert_created']);
  expect(made.status).toBe(201);
  expect((await service.call('PATCH', `/v1/rules/${made.body.id}`, { events: ['task:create'] })).status).toBe(422);
  expect((await service.call('POST', '/v1/endpoints', { url: receiver.url, dialect: 'spektr', events: ['process:create'] })).status).toBe(422);

  const record = await service.ok('POST', '/v1/records', { type: 'customer' });
  await service.ok('POST', '/v1/tasks', { type: 'alert', recordId: record.id, attributes: { level: 'low' } });
  const high = await service.ok('POST', '/v1/tasks', { type: 'alert', recordId: record.id, attributes: { level: 'high', alertName: 'Sanctions' } });
  const bodies = await untilTold('/rule', 1);
  expect(bodies.map(({ data }) => data.alertId)).toEqual([high.id]);
});
