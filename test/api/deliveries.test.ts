import { createHash } from 'node:crypto';
import { readEvents } from '../../src/store/attempts';
import { renderBody } from '../../src/wire/envelope';
import { startApi, type TestApi } from '../support/api';
import { makeEndpoint, makeEvents, newId } from '../support/make';
import { makeOwed, owedRow, takeSignals, type OwedRow } from '../support/owed';

let api: TestApi;
let workspaceId: string;
let endpointId: string;
let headers: Record<string, string>;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());
beforeEach(async () => {
  ({ workspaceId, headers } = await api.tenant());
  endpointId = await makeEndpoint(api.db, workspaceId);
});

const owe = (given: OwedRow = {}, endpoint = endpointId) => makeOwed(api.db, workspaceId, endpoint, given);
const call = (method: string, path: string, body?: unknown) => api.call(method, path, body, headers);
const signals = (id: string) => takeSignals(api.db, id);
const setStatus = (status: string) => api.db.query({ text: 'update endpoints set status = $2 where id = $1', values: [endpointId, status] });

async function addAttempt(delivery: { id: string; eventId: string }, number: number, fields: { outcome: string | null; status?: number }): Promise<void> {
  const [event] = await readEvents(api.db, [delivery.eventId]);
  const body = event ? renderBody('standard', event) : Buffer.alloc(0);
  const isKnown = fields.outcome !== null && fields.outcome !== 'unknown';
  await api.db.query({
    text: `insert into attempts (event_id, id, delivery_id, workspace_id, endpoint_id, number, lease_until, duration_ms, outcome, status_code,
             request_url, request_headers, body_sha256, response_headers, response_body, response_truncated)
           values ($1, $2, $3, $4, $5, $6, now(), $7, $8, $9, $10, $11, $12, '{"a":"b"}', 'busy', false)`,
    values: [
      delivery.eventId, newId('attempt'), delivery.id, workspaceId, endpointId, number, isKnown ? 12 : null, fields.outcome, fields.status ?? null,
      isKnown ? 'http://127.0.0.1:9/' : null, isKnown ? '{"webhook-id":"x","authorization":"[redacted]"}' : null,
      isKnown ? createHash('sha256').update(body).digest('hex') : null,
    ],
  });
}

describe('reading deliveries', () => {
  it('lists them newest first, cut down by status, endpoint and event', async () => {
    const other = await makeEndpoint(api.db, workspaceId);
    const a = await owe();
    const b = await owe({ status: 'DELIVERED', eventId: a.eventId }, other);
    const c = await owe({ status: 'HELD' });
    const ids = async (query: string): Promise<string[]> => (await call('GET', `/v1/deliveries${query}`)).body.data.map((d: { id: string }) => d.id);
    expect(await ids('')).toEqual([c.id, b.id, a.id]);
    expect(await ids('?status=DELIVERED')).toEqual([b.id]);
    expect(await ids(`?endpointId=${endpointId}`)).toEqual([c.id, a.id]);
    expect(await ids(`?eventId=${a.eventId}&status=PENDING`)).toEqual([a.id]);
    const first = await call('GET', '/v1/deliveries?limit=2');
    expect(await ids(`?limit=2&cursor=${first.body.nextCursor}`)).toEqual([a.id]);
    expect(await call('GET', '/v1/deliveries?status=LOST')).toMatchObject({ status: 422, body: { errors: [{ path: 'status' }] } });
  });

  it('shows its fields, and why it is held', async () => {
    const { id, eventId } = await owe({ status: 'HELD' });
    const [line] = (await call('GET', '/v1/deliveries')).body.data;
    expect(line).toEqual({
      id, eventId, endpointId, status: 'HELD', reason: 'endpoint_deactivated', attemptCount: 0, nextAttemptAt: null, resendOf: null,
      createdAt: expect.any(String), updatedAt: expect.any(String),
    });
  });

  it('shows each attempt with the body that was sent, rendered again', async () => {
    const delivery = await owe({ status: 'RETRYING', way: 'retry', attemptCount: 2 });
    await addAttempt(delivery, 1, { outcome: 'unknown' });
    await addAttempt(delivery, 2, { outcome: 'http_error', status: 503 });
    await addAttempt(delivery, 3, { outcome: null });
    const { status, body } = await call('GET', `/v1/deliveries/${delivery.id}`);
    expect(status).toBe(200);
    expect(body.attempts).toMatchObject([
      { number: 1, outcome: 'unknown', request: null, response: null },
      {
        number: 2, outcome: 'http_error', statusCode: 503, durationMs: 12,
        request: { url: 'http://127.0.0.1:9/', headers: { 'webhook-id': 'x' } }, response: { headers: { a: 'b' }, body: 'busy', truncated: false },
      },
      { number: 3, outcome: null, durationMs: null, request: null, response: null },
    ]);
    expect(JSON.parse(body.attempts[1].request.body)).toMatchObject({ id: delivery.eventId, type: 'test.happened' });
  });

  it('still renders the body where the endpoint is gone, and shows none where it is not what was sent', async () => {
    const delivery = await owe({ status: 'EXHAUSTED', attemptCount: 2 });
    await addAttempt(delivery, 1, { outcome: 'timeout' });
    await addAttempt(delivery, 2, { outcome: 'timeout' });
    await api.db.query({ text: `update attempts set body_sha256 = 'other' where delivery_id = $1 and number = 2`, values: [delivery.id] });
    expect((await call('DELETE', `/v1/endpoints/${endpointId}`)).status).toBe(204);
    const { attempts } = (await call('GET', `/v1/deliveries/${delivery.id}`)).body;
    expect(attempts[0]).toMatchObject({ response: null, request: { body: expect.stringContaining(delivery.eventId) } });
    expect(attempts[1].request.body).toBeNull();
  });

  it('links to the workflow that has it in hand', async () => {
    const workflowOf = async (given: OwedRow) => (await call('GET', `/v1/deliveries/${(await owe(given)).id}`)).body.workflow;
    expect((await workflowOf({ status: 'RETRYING', way: 'retry' })).id).toMatch(/^delivery\/dlv_/);
    expect((await workflowOf({ way: 'lane' })).id).toBe(`endpoint/${endpointId}`);
    expect(await workflowOf({ way: 'fast' })).toBeNull();
    const fast = await owe({ way: 'fast' });
    await api.db.query({ text: `update plans set workflow_id = 'event/x', run_id = 'r-1' where event_id = $1`, values: [fast.eventId] });
    const { workflow } = (await call('GET', `/v1/deliveries/${fast.id}`)).body;
    expect(workflow).toEqual({ id: 'event/x', runId: 'r-1', url: expect.stringContaining('event%2Fx/r-1') });
  });

  it("answers 404 for another workspace's, in every call", async () => {
    const delivery = await owe();
    const stranger = (await api.tenant()).headers;
    for (const [method, path] of [
      ['GET', `/v1/deliveries/${delivery.id}`], ['POST', `/v1/deliveries/${delivery.id}/retry`], ['POST', `/v1/deliveries/${delivery.id}/cancel`],
      ['POST', `/v1/events/${delivery.eventId}/resend`],
    ] as const) {
      expect((await api.call(method, path, undefined, stranger)).status).toBe(404);
    }
    expect((await api.call('GET', `/v1/deliveries?eventId=${delivery.eventId}`, undefined, stranger)).body.data).toEqual([]);
  });
});

describe('retrying', () => {
  it('wakes the workflow of one that waits for its retry', async () => {
    const { id } = await owe({ status: 'RETRYING', way: 'retry', attemptCount: 1 });
    expect(await call('POST', `/v1/deliveries/${id}/retry`)).toMatchObject({ status: 202, body: { id, status: 'RETRYING' } });
    expect((await owedRow(api.db, id))?.due_ms).toBeLessThanOrEqual(0);
    expect(await signals(id)).toEqual(['retryNow']);
  });

  it('wakes the watcher of one in the lane, and nobody where the first attempt is under way', async () => {
    const lane = await owe({ status: 'RETRYING', attemptCount: 1 });
    await call('POST', `/v1/deliveries/${lane.id}/retry`);
    expect(await signals(endpointId)).toEqual(['changed']);
    const fast = await owe({ way: 'fast' });
    expect((await call('POST', `/v1/deliveries/${fast.id}/retry`)).status).toBe(202);
    expect([...(await signals(endpointId)), ...(await signals(fast.id))]).toEqual([]);
  });

  it.each(['DELIVERED', 'EXHAUSTED', 'CANCELLED'] as const)('makes a new one for one that is %s', async (status) => {
    const old = await owe({ status, attemptCount: 3 });
    const reply = await call('POST', `/v1/deliveries/${old.id}/retry`);
    expect(reply).toMatchObject({ status: 202, body: { eventId: old.eventId, endpointId, status: 'PENDING', reason: null, attemptCount: 0, resendOf: old.id } });
    expect(await owedRow(api.db, reply.body.id)).toMatchObject({ way: 'lane' });
    expect(await owedRow(api.db, old.id)).toMatchObject({ status });
    expect(await signals(endpointId)).toEqual(['changed']);
  });

  it('makes one where many ask at once', async () => {
    const old = await owe({ status: 'EXHAUSTED' });
    const replies = await Promise.all(Array.from({ length: 5 }, () => call('POST', `/v1/deliveries/${old.id}/retry`)));
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
  });

  it('answers the same delivery to a repeated request', async () => {
    const old = await owe({ status: 'EXHAUSTED' });
    const once = () => api.call('POST', `/v1/deliveries/${old.id}/retry`, undefined, { ...headers, 'idempotency-key': 'r' });
    const first = await once();
    await api.db.query({ text: `update deliveries set status = 'DELIVERED' where id = $1`, values: [first.body.id] });
    expect((await once()).body.id).toBe(first.body.id);
  });

  it('refuses one that is held, and one whose endpoint is gone', async () => {
    const held = await owe({ status: 'HELD' });
    expect(await call('POST', `/v1/deliveries/${held.id}/retry`)).toMatchObject({ status: 409, body: { code: 'endpoint_deactivated' } });
    await call('DELETE', `/v1/endpoints/${endpointId}`);
    expect((await owedRow(api.db, held.id))).toMatchObject({ status: 'CANCELLED', reason: 'endpoint_deleted' });
    expect(await call('POST', `/v1/deliveries/${held.id}/retry`)).toMatchObject({ status: 409, body: { code: 'not_possible' } });
  });

  it('holds the new one where the endpoint is deactivated', async () => {
    const old = await owe({ status: 'EXHAUSTED' });
    await setStatus('DEACTIVATED');
    const { body } = await call('POST', `/v1/deliveries/${old.id}/retry`);
    expect(body).toMatchObject({ status: 'HELD', reason: 'endpoint_deactivated', resendOf: old.id });
    expect((await owedRow(api.db, body.id))?.hold_ms).toBeGreaterThan(0);
    expect(await signals(endpointId)).toEqual([]);
  });
});

describe('cancelling', () => {
  it('ends one that is live, and wakes what had it in hand', async () => {
    const [retrying, held] = [await owe({ status: 'RETRYING', way: 'retry' }), await owe({ status: 'HELD' })];
    expect(await call('POST', `/v1/deliveries/${retrying.id}/cancel`)).toMatchObject({ status: 202, body: { status: 'CANCELLED', reason: 'cancelled', nextAttemptAt: null } });
    expect(await signals(retrying.id)).toEqual(['cancel']);
    await call('POST', `/v1/deliveries/${held.id}/cancel`);
    expect(await owedRow(api.db, held.id)).toMatchObject({ status: 'CANCELLED', hold_ms: null });
    expect(await signals(endpointId)).toEqual(['changed']);
  });

  it('refuses one that has ended', async () => {
    const { id } = await owe({ status: 'DELIVERED' });
    expect(await call('POST', `/v1/deliveries/${id}/cancel`)).toMatchObject({ status: 409, body: { code: 'not_possible' } });
  });
});

describe('resending an event', () => {
  const resend = (eventId: string, body?: object) => call('POST', `/v1/events/${eventId}/resend`, body);
  const owed = async (eventId: string) => (await api.db.query<{ owed: number | null }>({ text: 'select owed from plans where event_id = $1', values: [eventId] }))[0]?.owed;

  it('goes to all who have a delivery of it: new where it is over, woken where not, held where deactivated', async () => {
    const [second, third, gone] = [await makeEndpoint(api.db, workspaceId), await makeEndpoint(api.db, workspaceId), await makeEndpoint(api.db, workspaceId)];
    const over = await owe({ status: 'DELIVERED', attemptCount: 1 });
    const { eventId } = over;
    const waiting = await owe({ eventId, status: 'RETRYING', way: 'retry', attemptCount: 1 }, second);
    const held = await owe({ eventId, status: 'HELD' }, third);
    await owe({ eventId, status: 'DELIVERED' }, gone);
    await call('DELETE', `/v1/endpoints/${gone}`);
    const reply = await resend(eventId);
    expect(reply.status).toBe(202);
    const byEndpoint = Object.fromEntries(reply.body.deliveries.map((d: { endpointId: string }) => [d.endpointId, d]));
    expect(byEndpoint).toEqual({
      [endpointId]: expect.objectContaining({ status: 'PENDING', resendOf: over.id }),
      [second]: expect.objectContaining({ id: waiting.id, status: 'RETRYING' }),
      [third]: expect.objectContaining({ id: held.id, status: 'HELD' }),
    });
    expect(await signals(waiting.id)).toEqual(['retryNow']);
    expect(await owed(eventId)).toBe(4);
  });

  it('links the second resend to the first', async () => {
    const first = await owe({ status: 'DELIVERED' });
    const [again] = (await resend(first.eventId)).body.deliveries;
    await api.db.query({ text: `update deliveries set status = 'DELIVERED' where id = $1`, values: [again.id] });
    expect((await resend(first.eventId)).body.deliveries).toMatchObject([{ resendOf: again.id }]);
  });

  it('goes to a named endpoint that was not owed it, once, and counts as owed', async () => {
    const newcomer = await makeEndpoint(api.db, workspaceId, { status: 'FAILING' });
    const { eventId } = await owe({ status: 'DELIVERED' });
    const replies = await Promise.all([1, 2, 3].map(() => resend(eventId, { endpointIds: [newcomer] })));
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(replies.map(({ body }) => body.deliveries[0].id)).size).toBe(1);
    expect(replies[0]?.body.deliveries).toMatchObject([{ endpointId: newcomer, status: 'PENDING', reason: 'endpoint_failing', resendOf: null }]);
    expect(await owed(eventId)).toBe(2);
  });

  it('names each endpoint that the workspace has not', async () => {
    const { eventId } = await owe();
    const foreign = await makeEndpoint(api.db, (await api.tenant()).workspaceId);
    expect(await resend(eventId, { endpointIds: [endpointId, foreign] })).toMatchObject({ status: 422, body: { errors: [{ path: 'endpointIds.1' }] } });
  });

  it('before the plan has nobody to go to, and takes no names', async () => {
    const [eventId = ''] = await makeEvents(api.db, workspaceId, 1);
    expect(await resend(eventId)).toMatchObject({ status: 202, body: { deliveries: [] } });
    expect(await resend(eventId, { endpointIds: [endpointId] })).toMatchObject({ status: 409, body: { code: 'not_possible' } });
    expect(await owed(eventId)).toBeUndefined();
  });
});

describe("an endpoint's health", () => {
  it('counts what waits and what is held, and how the newest attempts went', async () => {
    const delivery = await owe({ status: 'RETRYING', attemptCount: 2 });
    await owe({ status: 'HELD' });
    await owe();
    for (const [n, outcome] of ['ok', 'ok', 'http_error', 'unknown'].entries()) await addAttempt(delivery, n + 1, { outcome, status: 200 });
    const { body } = await call('GET', `/v1/endpoints/${endpointId}/health`);
    expect(body).toMatchObject({ held: 1, pending: 2, p50Ms: 12, p95Ms: 12 });
    expect(body.successRate.lastHour).toBeCloseTo(2 / 3);
    expect(body.successRate.lastDay).toBeCloseTo(2 / 3);
  });
});

describe('deleting an endpoint', () => {
  it('cancels all that it is owed and wakes its watcher', async () => {
    const rows = [await owe({ way: 'fast' }), await owe({ status: 'RETRYING', way: 'retry', attemptCount: 1 }), await owe({ status: 'HELD' })];
    const done = await owe({ status: 'DELIVERED' });
    await call('DELETE', `/v1/endpoints/${endpointId}`);
    for (const { id } of rows) expect(await owedRow(api.db, id)).toMatchObject({ status: 'CANCELLED', reason: 'endpoint_deleted', due_ms: null, hold_ms: null });
    expect(await owedRow(api.db, done.id)).toMatchObject({ status: 'DELIVERED' });
    expect(await signals(endpointId)).toEqual(['changed']);
  });
});
