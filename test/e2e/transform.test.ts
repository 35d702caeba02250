import { Webhook } from 'standardwebhooks';
import type { Received } from '../support/receiver';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const POLICY = { timeout: '1s', connectTimeout: '1s', retry: { delays: ['1s', '1s', '1s'], jitter: 0 }, deactivate: { afterConsecutiveFailures: 1 } };

const { service, receiver } = useService();

const jsonata = (expression: string) => ({ language: 'jsonata', expression });
const endpointAt = (path: string, expression: string | null, policy: object = POLICY) =>
  service.endpoint(`${receiver.url}${path}`, { events: [path.slice(1)], policy, ...(expression !== null && { transform: jsonata(expression) }) });
const change = (id: string, transform: object | null) => service.ok('PATCH', `/v1/endpoints/${id}`, { transform });
const arrived = async (path: string, count: number): Promise<readonly Received[]> => {
  await until(() => receiver.received(path).length >= count, { what: `${count} requests at ${path}`, deadlineMs: 30_000 });
  return receiver.received(path);
};
const bodies = (requests: readonly Received[]): string[] => requests.map(({ body }) => body);
const attemptsOf = async (eventId: string) => {
  const { data } = await service.ok('GET', `/v1/deliveries?eventId=${eventId}`);
  return (await service.ok('GET', `/v1/deliveries/${data[0].id}`)).attempts;
};

test('the receiver gets the transformed bytes, signed; retries get the same, whatever becomes of the expression; a resend is made anew', async () => {
  const path = '/frozen';
  receiver.willAnswer(path, [500, 500], 200);
  const { id, secret } = await endpointAt(path, '{"told": "first", "n": data.n}', { ...POLICY, deactivate: 'never' });
  const [eventId = ''] = await service.publish(1, 'frozen');
  await arrived(path, 1);
  await change(id, jsonata('{"told": "second"}'));
  await arrived(path, 2);
  await change(id, null);
  const requests = await arrived(path, 3);
  expect(bodies(requests)).toEqual(Array(3).fill('{"told":"first","n":0}'));
  for (const { body, headers } of requests) {
    expect(new Webhook(secret).verify(body, headers)).toEqual({ told: 'first', n: 0 });
    expect(headers['webhook-id']).toBe(eventId);
  }
  await untilSettled(service, [eventId]);
  expect((await attemptsOf(eventId)).map((one: { outcome: string; request: { body: string } }) => [one.outcome, one.request.body]))
    .toEqual([['http_error', requests[0]?.body], ['http_error', requests[0]?.body], ['ok', requests[0]?.body]]);

  await change(id, jsonata('{"told": "third"}'));
  await service.ok('POST', `/v1/events/${eventId}/resend`, {});
  expect(bodies(await arrived(path, 4)).at(-1)).toBe('{"told":"third"}');
});

test('what went out plain before there was an expression is retried plain', async () => {
  const path = '/plain';
  receiver.willAnswer(path, [500], 200);
  const { id } = await endpointAt(path, null, { ...POLICY, deactivate: 'never' });
  await service.publish(1, 'plain');
  await arrived(path, 1);
  await change(id, jsonata('{"late": true}'));
  const [first, second] = bodies(await arrived(path, 2));
  expect(second).toBe(first);
  await service.publish(1, 'plain');
  expect(bodies(await arrived(path, 3)).at(-1)).toBe('{"late":true}');
});

test('an expression that gives no body is an attempt without a request, is retried, and says nothing of the endpoint', async () => {
  const path = '/mended';
  // Retries enough for whatever is asked before it is mended; and one failure of another kind would deactivate it.
  const { id } = await endpointAt(path, '{"sum": data.n + data.nothing.there + "x"}', { ...POLICY, timeout: '10s', retry: { delays: Array(20).fill('1s'), jitter: 0 } });
  const [eventId = ''] = await service.publish(1, 'mended');
  const failed = await until(async () => {
    const attempts = await attemptsOf(eventId).catch(() => []);
    return attempts[0]?.outcome && attempts[0];
  }, { what: 'the attempt' });
  expect(failed).toMatchObject({
    outcome: 'transform_error', statusCode: null, request: null, response: null, error: expect.stringMatching(/^transform: .+ \(at character \d+\)$/),
  });
  expect(receiver.received(path)).toHaveLength(0);
  expect(await service.ok('GET', `/v1/endpoints/${id}/health`)).toMatchObject({ status: 'ACTIVE', consecutiveFailures: 0, lastFailure: null, successRate: { lastHour: null } });
  expect(await service.ok('POST', `/v1/endpoints/${id}/test`, { event: { type: 'x', data: { n: 1 } } })).toMatchObject({ outcome: 'transform_error', error: expect.stringContaining('transform: ') });

  await change(id, jsonata('{"sum": data.n + 1}'));
  expect(bodies(await arrived(path, 1))).toEqual(['{"sum":1}']);
  await untilSettled(service, [eventId]);
  expect((await attemptsOf(eventId)).at(-1)).toMatchObject({ outcome: 'ok' });
});

test('a worker that dies after the request left: another one sends the same bytes, although the expression is another by then', async () => {
  const path = '/died';
  await Promise.all(service.workers().map((worker) => worker.kill('SIGTERM')));
  const doomed = await service.startWorker({ POSTHORN_FAILPOINT: 'after-response@1' });
  const { id } = await endpointAt(path, '{"told": "before"}', { ...POLICY, deactivate: 'never' });
  const [eventId = ''] = await service.publish(1, 'died');
  expect(await doomed.end).toBe('SIGKILL');
  await change(id, jsonata('{"told": "after"}'));
  await service.startWorker();
  expect(bodies(await arrived(path, 2))).toEqual(['{"told":"before"}', '{"told":"before"}']);
  await untilSettled(service, [eventId]);
});

test('a crowd of events at an expression that never ends keeps nobody else waiting', async () => {
  const endless = await endpointAt('/endless', '($f := function($x){$f($x)}; $f(1))', { ...POLICY, retry: { delays: [], jitter: 0 } });
  const fine = await endpointAt('/fine', '{"n": data.n}', { ...POLICY, timeout: '10s' });
  const stuck = await service.publish(100, 'endless');
  const ids = await service.publish(100, 'fine');
  await arrived('/fine', 100);
  await untilSettled(service, [...ids, ...stuck]);
  expect(new Set(bodies(receiver.received('/fine'))).size).toBe(100);
  expect(receiver.received('/endless')).toHaveLength(0);
  expect(await service.ok('GET', `/v1/endpoints/${endless.id}`)).toMatchObject({ status: 'ACTIVE' });
  expect(await service.ok('GET', `/v1/endpoints/${fine.id}/health`)).toMatchObject({ consecutiveFailures: 0 });
});
