import { isSigned } from '../support/checks';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const { service, receiver } = useService();

const told = (path: string) => receiver.received(path).map(({ body }) => JSON.parse(body));
const untilTold = async (path: string, types: readonly string[]) => {
  await until(() => receiver.received(path).length >= types.length, { what: `${types.join(', ')} at ${path}` });
  const bodies = new Map(told(path).map((body) => [body.event, body]));
  expect([...bodies.keys()].sort()).toEqual([...types].sort());
  return bodies;
};
const webhook = (flow: string, path: string) => service.ok('POST', `/v1/flows/${flow}/webhooks`, { url: `${receiver.url}${path}` });

test('a session and its technologies are told from start to end, field by field, signed', async () => {
  const { secret } = await webhook('onboarding', '/onboarding');
  const standard = await service.endpoint(`${receiver.url}/standard`, { events: ['*'] });
  const seconds = Math.floor(Date.now() / 1000);
  const session = await service.ok('POST', '/v1/processes', {
    type: 'flow', attributes: { flow: 'onboarding', flow_name: 'Onboarding ☃', metadata: { source: 'app' }, data: { step: 1 } },
  });
  const technology = await service.ok('POST', '/v1/tasks', { type: 'technology', processId: session.id, attributes: { technology_code: 'liveness' } });
  await service.ok('PATCH', `/v1/tasks/${technology.id}`, { status: 'COMPLETED', attributes: { score: 0.98 } });
  await service.ok('PATCH', `/v1/processes/${session.id}`, { status: 'CANCELLED' });

  const bodies = await untilTold('/onboarding', ['flow.start', 'flow.end', 'technology.start', 'technology.end']);
  const shared = { id: expect.stringMatching(/^evt_/), session_id: session.id, created: expect.any(Number), flow_name: 'Onboarding ☃', metadata: { source: 'app' } };
  expect(bodies.get('flow.start')).toEqual({ ...shared, event: 'flow.start', success: true, data: { step: 1 } });
  expect(bodies.get('technology.start')).toEqual({ ...shared, event: 'technology.start', success: true, data: { technology_code: 'liveness' } });
  expect(bodies.get('technology.end')).toEqual({ ...shared, event: 'technology.end', success: true, data: { technology_code: 'liveness', score: 0.98 } });
  expect(bodies.get('flow.end')).toEqual({ ...shared, event: 'flow.end', success: false, data: { step: 1 } });
  expect(Object.keys(bodies.get('flow.end'))).toEqual(['id', 'event', 'session_id', 'created', 'success', 'flow_name', 'metadata', 'data']);
  for (const { created } of bodies.values()) {
    expect(Number.isInteger(created) && created >= seconds && created < seconds + 60).toBe(true);
  }
  for (const request of receiver.received('/onboarding')) {
    expect(isSigned(request, secret)).toBe(true);
    expect(request.headers['webhook-id']).toBe(JSON.parse(request.body).id);
  }

  const end = await service.ok('GET', `/v1/events/${bodies.get('flow.end').id}`);
  const cause = await service.ok('GET', `/v1/events/${end.causedBy}`);
  expect(cause).toMatchObject({ type: 'process:state-change', sequence: end.sequence, objectId: session.id, object: end.object });
  expect(end).toMatchObject({ type: 'flow.end', objectKind: 'process', owed: 1 });
  // Nobody but the family is owed its events.
  await until(() => told('/standard').length >= 5, { what: 'the lifecycle events' });
  expect(told('/standard').map(({ type }) => type).sort()).toEqual(
    ['process:create', 'process:state-change', 'process:update', 'task:create', 'task:update'].sort());
  await service.ok('DELETE', `/v1/endpoints/${standard.id}`);
});

test('another flow\'s session, and tasks of other processes, are not told', async () => {
  await webhook('scoped', '/scoped');
  const other = await service.ok('POST', '/v1/processes', { type: 'flow', attributes: { flow: 'elsewhere' } });
  // A task's own attribute does not make it one of another flow.
  await service.ok('POST', '/v1/tasks', { type: 'technology', processId: other.id, attributes: { flow: 'scoped' } });
  const lead = await service.ok('POST', '/v1/processes', { type: 'lead', attributes: { flow: 'scoped' } });
  await service.ok('POST', '/v1/tasks', { type: 'technology', processId: lead.id });
  const mine = await service.ok('POST', '/v1/processes', { type: 'flow', attributes: { flow: 'scoped' } });
  const bodies = await untilTold('/scoped', ['flow.start']);
  expect(bodies.get('flow.start')).toMatchObject({ session_id: mine.id, flow_name: 'scoped', metadata: {}, data: {} });
});

test('a status that leaves OPEN twice ends twice, and a change of anything else ends nothing', async () => {
  await webhook('twice', '/twice');
  const { id } = await service.ok('POST', '/v1/processes', { type: 'flow', status: 'COMPLETED', attributes: { flow: 'twice' } });
  for (const patch of [{ status: 'CANCELLED' }, { status: 'OPEN' }, { attributes: { a: 1 } }, { status: 'COMPLETED' }, { status: 'OPEN' }, { status: 'CANCELLED' }]) {
    await service.ok('PATCH', `/v1/processes/${id}`, patch);
  }
  await until(() => told('/twice').length >= 3, { what: 'one start and two ends' });
  expect(told('/twice').map(({ event, success }) => `${event} ${success}`).sort()).toEqual(['flow.end false', 'flow.end true', 'flow.start true']);
});

test('a custom event of the family\'s type is owed to its endpoints, with the fields it was posted with', async () => {
  await webhook('custom', '/custom');
  const data = { flow: 'custom', session_id: 's-1', success: false, flow_name: 'Mine', metadata: { a: 1 }, data: { technology_code: 'ocr' } };
  const { id } = await service.ok('POST', '/v1/events', { type: 'technology.end', data });
  const bodies = await untilTold('/custom', ['technology.end']);
  const { flow: _flow, ...fields } = data;
  expect(bodies.get('technology.end')).toEqual({ id, event: 'technology.end', created: expect.any(Number), ...fields });
});

test('a retry has the same bytes', async () => {
  const { id } = await webhook('again', '/again');
  await service.ok('PATCH', `/v1/endpoints/${id}`, { policy: { retry: { delays: ['50ms'], jitter: 0 } } });
  receiver.willAnswer('/again', [500]);
  await service.ok('POST', '/v1/processes', { type: 'flow', attributes: { flow: 'again' } });
  await until(() => receiver.received('/again').length === 2, { what: 'the retry' });
  const [first, second] = receiver.received('/again');
  expect(first!.body).toBe(second!.body);
});
