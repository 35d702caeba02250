import { openCollector, type CollectedSpan, type Collector } from '../support/collector';
import { untilSettled } from '../support/service';
import { useService } from '../support/stage';
import { until } from '../support/wait';

let collector: Collector;

const { service, receiver } = useService(async (later) => {
  collector = await openCollector();
  later(() => collector.close());
  return {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=ours,x-note=a%20b', OTEL_SERVICE_NAME: 'deliveries', LOG_LEVEL: 'info' },
  };
});

const RETRY = { retry: { delays: ['100ms'], jitter: 0 } };
const TRACE = 'a'.repeat(31);
const traceparent = (mark: string, flags = '01') => ({ traceparent: `00-${TRACE}${mark}-${'b'.repeat(16)}-${flags}` });
const spansOf = (traceId: string): readonly CollectedSpan[] => collector.spans().filter((span) => span.traceId === traceId);
const named = (traceId: string, name: string): readonly CollectedSpan[] => spansOf(traceId).filter((span) => span.name === name);

test('one trace leads from the request that published an event through its plan and workflow to each attempt, and on to the receiver', async () => {
  receiver.willAnswer('/traced', [500], 200);
  const endpoint = await service.endpoint(`${receiver.url}/traced`, { events: ['traced'], policy: RETRY });
  const { id } = await service.ok('POST', '/v1/events', { type: 'traced', data: {} }, traceparent('1'));
  await untilSettled(service, [id]);
  const traceId = `${TRACE}1`;
  await until(() => spansOf(traceId).length >= 5, { what: 'the spans' });

  const [request] = named(traceId, 'POST /v1/events');
  expect(request).toMatchObject({ service: 'deliveries', process: 'api', parentSpanId: 'b'.repeat(16), kind: 2, isError: false, attributes: { 'http.response.status_code': 202 } });
  expect(spansOf(traceId).filter((span) => span !== request).every((span) => span.parentSpanId === request?.spanId && span.process === 'worker')).toBe(true);
  expect(named(traceId, 'plan')).toMatchObject([{ attributes: { 'posthorn.event.id': id, 'posthorn.owed': 1 } }]);
  expect(named(traceId, 'start workflow')).toMatchObject([{ attributes: { 'posthorn.workflow.id': `event/${id}` } }]);
  const attempts = [...named(traceId, 'attempt')].sort((a, b) => Number(a.attributes['posthorn.attempt.number']) - Number(b.attributes['posthorn.attempt.number']));
  expect(attempts).toMatchObject([
    { kind: 3, isError: true, attributes: { 'posthorn.attempt.number': 1, 'posthorn.endpoint.id': endpoint.id, 'http.response.status_code': 500, 'error.type': 'http_error' } },
    { kind: 3, isError: false, attributes: { 'posthorn.attempt.number': 2, 'posthorn.event.id': id, 'http.response.status_code': 200, 'server.address': '127.0.0.1' } },
  ]);
  expect(receiver.received('/traced').map(({ headers }) => headers['traceparent'])).toEqual(attempts.map(({ spanId }) => `00-${traceId}-${spanId}-01`));
  expect(receiver.received('/traced').every(({ headers }) => headers['tracestate'] === undefined && headers['baggage'] === undefined)).toBe(true);
  expect(collector.headers[0]).toMatchObject({ 'x-tenant': 'ours', 'x-note': 'a b' });

  const { data: [delivery] } = await service.ok('GET', `/v1/deliveries?eventId=${id}`);
  const shown = await service.ok('GET', `/v1/deliveries/${delivery.id}`);
  expect(shown.attempts[1].request.headers.traceparent).toBe(`00-${traceId}-${attempts[1]?.spanId}-01`);
  expect(service.output()).toContain(`"traceId":"${traceId}"`);
});

test('a change of an object is traced to what it announces, and a batch to each of its events', async () => {
  await service.endpoint(`${receiver.url}/changed`, { events: ['record:*', 'batched'] });
  await service.ok('POST', '/v1/records', { type: 'customer', attributes: {} }, traceparent('2'));
  await service.ok('POST', '/v1/events/batch', { events: [{ type: 'batched', data: 1 }, { type: 'batched', data: 2 }] }, traceparent('3'));
  await until(() => named(`${TRACE}2`, 'attempt').length === 1 && named(`${TRACE}3`, 'attempt').length === 2, { what: 'the attempts' });
  // The API tells of its spans by itself, which may be later.
  await until(() => named(`${TRACE}2`, 'POST /v1/records').length === 1, { what: 'the request' });
});

test('what its caller does not record is not recorded here, and the receiver is told so; without a caller it begins a trace', async () => {
  await service.endpoint(`${receiver.url}/quiet`, { events: ['quiet'] });
  const { id } = await service.ok('POST', '/v1/events', { type: 'quiet', data: 1 }, traceparent('4', '00'));
  const { id: lone } = await service.ok('POST', '/v1/events', { type: 'quiet', data: 2 });
  const { id: odd } = await service.ok('POST', '/v1/events', { type: 'quiet', data: 3 }, { traceparent: 'nonsense' });
  await untilSettled(service, [id, lone, odd]);
  const told = new Map(receiver.received('/quiet').map(({ headers }) => [headers['webhook-id'], headers['traceparent'] ?? '']));
  expect(told.get(id)).toMatch(new RegExp(`^00-${TRACE}4-[0-9a-f]{16}-00$`));
  const ownTraces = [lone, odd].map((one) => told.get(one)?.split('-')[1] ?? '');
  expect(new Set(ownTraces).size).toBe(2);
  for (const traceId of ownTraces) await until(() => named(traceId, 'attempt').length === 1 && named(traceId, 'POST /v1/events').length === 1, { what: 'a trace of its own' });
  expect(spansOf(`${TRACE}4`)).toEqual([]);
});
