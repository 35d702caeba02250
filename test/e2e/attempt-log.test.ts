import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

const SECRET = 'a secret canary 41b7';
const TOKEN = 'a header canary 93ce';
const PAYLOAD = 'a payload canary 5d20';
const QUERY = 'a-query-canary-77aa';

const { service, receiver } = useService({ env: { LOG_LEVEL: 'info' } });

const linesOf = (log: string): Record<string, unknown>[] =>
  log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'attempt');

test('each attempt leaves one line with all of its ids and what came of it, and nothing that is secret', async () => {
  const path = `/hook?token=${QUERY}`;
  receiver.willAnswer(path, [{ status: 503, body: TOKEN }]);
  const endpoint = await service.endpoint(`${receiver.url}${path}`, {
    dialect: 'chakra', secret: SECRET, events: ['logged'], headers: { 'X-Token': TOKEN }, policy: { retry: { delays: ['1s'], jitter: 0 } },
  });
  const { id } = await service.ok('POST', '/v1/events', { type: 'logged', data: PAYLOAD });
  await untilSettled(service, [id]);
  const { data: [delivery] } = await service.ok('GET', `/v1/deliveries?eventId=${id}`);

  const lines = await until(() => {
    const all = linesOf(service.output());
    return all.length >= 2 && all;
  }, { what: 'two lines' });
  const same = { level: 30, process: 'worker', workspaceId: expect.any(String), eventId: id, eventType: 'logged', deliveryId: delivery.id, endpointId: endpoint.id };
  expect(lines).toEqual([
    expect.objectContaining({ ...same, number: 1, outcome: 'http_error', statusCode: 503, status: 'RETRYING', durationMs: expect.any(Number), afterMs: expect.any(Number) }),
    expect.objectContaining({ ...same, number: 2, outcome: 'ok', statusCode: 200, status: 'DELIVERED', afterMs: null }),
  ]);
  for (const canary of [SECRET, TOKEN, PAYLOAD, QUERY, service.rootKey]) expect(service.output()).not.toContain(canary);
});
