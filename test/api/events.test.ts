import { startApi, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const storedData = async (id: string): Promise<string | undefined> =>
  (await api.db.query<{ data: string }>({ text: 'select data from events where id = $1', values: [id] }))[0]?.data;

describe('publishing', () => {
  it('answers 202 with an id of ours, and stores the event with its outbox row', async () => {
    const reply = await api.call('POST', '/v1/events', { type: 'invoice.paid', data: { amount: 1 }, occurredAt: '2025-01-02T03:04:05.678+01:00' });
    expect(reply).toMatchObject({ status: 202, body: { externalId: null, duplicate: false } });
    const event = await api.call('GET', `/v1/events/${reply.body.id}`);
    expect(event.body).toEqual({
      id: reply.body.id, externalId: null, type: 'invoice.paid', sequence: null, causedBy: null, objectKind: null, objectId: null, object: null,
      previous: null, changes: null, data: { amount: 1 }, actor: null, occurredAt: '2025-01-02T02:04:05.678Z', createdAt: expect.any(String) as string,
      owed: null, delivered: null, deliveries: [], workflow: null,
    });
    const rows = await api.db.query({ text: 'select from outbox where event_id = $1', values: [reply.body.id] });
    expect(rows).toHaveLength(1);
  });

  it("keeps and shows the data's own bytes", async () => {
    const data = '{ "b" : 1.0, "a":12345678901234567890,\n "2":"\\u00e9", "1":[1e5 , -0], "a": "twice" }';
    const { body } = await api.call('POST', '/v1/events', `{"data":1, "type":"t", "d\\u0061ta" :\t${data} }`);
    expect(await storedData(body.id)).toBe(data);
    expect((await api.call('GET', `/v1/events/${body.id}`)).text).toContain(`"data":${data},`);
    expect((await api.call('GET', '/v1/events?limit=1&type=t')).text).toContain(`"data":${data},`);
  });

  it.each([['null'], ['false'], ['0'], ['""'], ['[]']])('takes any JSON as data: %s', async (data) => {
    const { status, body } = await api.call('POST', '/v1/events', `{"type":"t","data":${data}}`);
    expect([status, await storedData(body.id)]).toEqual([202, data]);
  });

  it('answers the first event to the same id again', async () => {
    const first = await api.call('POST', '/v1/events', { type: 't', data: 1, id: 'mine-1' });
    const again = await api.call('POST', '/v1/events', { type: 'other', data: 2, id: 'mine-1' });
    expect(first).toMatchObject({ status: 202, body: { externalId: 'mine-1', duplicate: false } });
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id, externalId: 'mine-1', duplicate: true } });
    const { headers } = await api.tenant('publish');
    expect((await api.call('POST', '/v1/events', { type: 't', data: 1, id: 'mine-1' }, headers)).body.duplicate).toBe(false);
  });

  it('stores one event when 50 post the same id at once, and tells all of it', async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => api.call('POST', '/v1/events', { type: 't', data: 1, id: 'race' })));
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect(replies.filter(({ status }) => status === 202)).toHaveLength(1);
    const rows = await api.db.query({ text: `select e.id from events e join outbox o on o.event_id = e.id where external_id = 'race'` });
    expect(rows).toHaveLength(1);
  });

  it('stores what 200 publish at once, each once', async () => {
    const replies = await Promise.all(Array.from({ length: 200 }, (_, n) => api.call('POST', '/v1/events', { type: 'many', data: n })));
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(200);
    const [row] = await api.db.query<{ stored: number; told: number }>({
      text: `select count(distinct e.id) stored, count(o.id) told from events e left join outbox o on o.event_id = e.id where type = 'many'`,
    });
    expect(row).toEqual({ stored: 200, told: 200 });
  });

  it("takes its object's next sequence, and keeps the object as it is", async () => {
    const record = (await api.call('POST', '/v1/records', { type: 'customer', attributes: { name: 'Asha' } })).body;
    const replies = await Promise.all(Array.from({ length: 10 }, (_, n) => api.call('POST', '/v1/events', { type: 'note', data: n, objectId: record.id })));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
    await api.call('PATCH', `/v1/records/${record.id}`, { attributes: { name: 'Bea' } });
    const { body } = await api.call('GET', `/v1/events?objectId=${record.id}`);
    expect(body.data.map(({ sequence }: { sequence: number }) => sequence).sort((a: number, b: number) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
    const note = body.data.find(({ type }: { type: string }) => type === 'note');
    expect(note).toMatchObject({ objectKind: 'record', objectId: record.id, object: record, previous: null, changes: null });
  });

  it('lets a duplicate take no sequence', async () => {
    const record = (await api.call('POST', '/v1/records', { type: 'customer' })).body;
    const publish = (id: string) => api.call('POST', '/v1/events', { type: 'note', data: 1, objectId: record.id, id });
    const first = await publish('dup-seq');
    expect((await publish('dup-seq')).body).toEqual({ ...first.body, duplicate: true });
    const next = await publish('dup-seq-2');
    expect((await api.call('GET', `/v1/events/${next.body.id}`)).body.sequence).toBe(3);
  });

  it('refuses an object that the workspace does not have', async () => {
    const { headers } = await api.tenant();
    const foreign = (await api.call('POST', '/v1/records', { type: 'customer' }, headers)).body.id;
    for (const objectId of [foreign, 'rec_01jc3f7x9k2m4n6p8q0r2s4t6v']) {
      expect(await api.call('POST', '/v1/events', { type: 't', data: 1, objectId })).toMatchObject({ status: 422, body: { errors: [{ path: 'objectId' }] } });
    }
  });

  it('refuses types that Posthorn announces itself, and bodies that are not as they must be', async () => {
    for (const [body, path] of [
      [{ type: 'record:create', data: 1 }, 'type'], [{ type: 'endpoint.deactivated', data: 1 }, 'type'], [{ type: 'a b', data: 1 }, 'type'],
      [{ type: 'a'.repeat(129), data: 1 }, 'type'], [{ type: 't' }, 'data'], [{ data: 1 }, 'type'], [{ type: 't', data: 1, sequence: 1 }, 'sequence'],
      [{ type: 't', data: 1, id: '' }, 'id'], [{ type: 't', data: 1, occurredAt: '2025-01-02' }, 'occurredAt'],
    ] as const) {
      const reply = await api.call('POST', '/v1/events', body);
      expect([path, reply.status, reply.body.errors?.[0]?.path]).toEqual([path, 422, path]);
    }
  });

  it('takes 256 KiB of data and not a byte more', async () => {
    const text = (bytes: number): string => `"${'é'.repeat((bytes - 2) / 2)}"`;
    expect((await api.call('POST', '/v1/events', `{"type":"t","data":${text(256 * 1024)}}`)).status).toBe(202);
    expect(await api.call('POST', '/v1/events', `{"type":"t","data":${text(256 * 1024 + 2)}}`)).toMatchObject({ status: 413, body: { code: 'too_large' } });
  });
});

describe('a batch', () => {
  it('answers each event in its place, and keeps the bytes of each', async () => {
    const record = (await api.call('POST', '/v1/records', { type: 'customer' })).body;
    const raw = `{"events" : [
      {"type":"t","data":{"n": 1.0}}, {"type":"b d","data":1}, {"type":"t","data":2,"id":"batch-1"}, {"type":"t","data":3,"id":"batch-1"}, 7,
      {"type":"t","data": [ 4 ],"objectId":"${record.id}"}, {"type":"t","data":5,"objectId":"rec_01jc3f7x9k2m4n6p8q0r2s4t6v"}, {"type":"t","data":6,"objectId":"${record.id}"} ] }`;
    const { status, body } = await api.call('POST', '/v1/events/batch', raw);
    expect(status).toBe(202);
    const { results } = body;
    expect(results.map((one: object) => Object.keys(one))).toEqual([
      ['id', 'duplicate'], ['error'], ['id', 'duplicate'], ['id', 'duplicate'], ['error'], ['id', 'duplicate'], ['error'], ['id', 'duplicate'],
    ]);
    expect(results[3]).toEqual({ id: results[2].id, duplicate: true });
    expect(results[1].error).toMatchObject({ code: 'invalid', status: 422, errors: [{ path: 'type' }] });
    expect(results[6].error.errors).toMatchObject([{ path: 'objectId' }]);
    expect(await storedData(results[0].id)).toBe('{"n": 1.0}');
    expect(await storedData(results[5].id)).toBe('[ 4 ]');
    const sequences = await api.db.query({ text: `select sequence from events where object_id = $1 and type = 't' order by id`, values: [record.id] });
    expect(sequences).toEqual([{ sequence: 2 }, { sequence: 3 }]);
  });

  it('takes 1,000 events and not more, and not none', async () => {
    const batch = (count: number) => api.call('POST', '/v1/events/batch', { events: Array.from({ length: count }, (_, n) => ({ type: 'thousand', data: n })) });
    const reply = await batch(1_000);
    expect(reply.body.results).toHaveLength(1_000);
    expect((await batch(1_001)).status).toBe(422);
    expect((await batch(0)).status).toBe(422);
    const rows = await api.db.query<{ id: string; data: string }>({ text: `select id, data from events where type = 'thousand' order by id` });
    expect(rows.map(({ data }) => Number(data))).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  });
});

describe('reading', () => {
  it('tells whether an event was delivered, over the latest delivery per endpoint', async () => {
    const { headers, workspaceId } = await api.tenant('write');
    const publish = async (): Promise<string> => (await api.call('POST', '/v1/events', { type: 't', data: 1 }, headers)).body.id;
    const owe = async (eventId: string, deliveries: readonly (readonly [endpoint: string, status: string])[]): Promise<void> => {
      await api.db.query({
        text: `insert into plans (event_id, workspace_id, planned_at, owed, workflow_id) values ($1, $2, now(), $3, 'event/' || $1)
               on conflict (event_id) do update set planned_at = excluded.planned_at, owed = excluded.owed, workflow_id = excluded.workflow_id`,
        values: [eventId, workspaceId, deliveries.length],
      });
      for (const [n, [endpoint, status]] of deliveries.entries()) {
        await api.db.query({
          text: `insert into deliveries (event_id, id, workspace_id, endpoint_id, status, way, next_attempt_at, resend_of) values ($1, $2, $3, $4, $5, 'fast', now(), $6)`,
          values: [eventId, `dlv_01jc3f7x9k2m4n6p8q0r2s4t${String(n).padStart(2, '0')}`, workspaceId, `ep_01jc3f7x9k2m4n6p8q0r2s4t${endpoint}`, status, n === 0 ? null : 'dlv_x'],
        });
      }
    };
    const [unplanned, nothing, all, one, again, open] = [await publish(), await publish(), await publish(), await publish(), await publish(), await publish()];
    await owe(nothing, []);
    await owe(all, [['0a', 'DELIVERED'], ['0b', 'DELIVERED']]);
    await owe(one, [['0a', 'DELIVERED'], ['0b', 'HELD']]);
    await owe(again, [['0a', 'EXHAUSTED'], ['0a', 'DELIVERED']]);
    await owe(open, [['0a', 'DELIVERED'], ['0b', 'RETRYING']]);

    const told = async (id: string) => (await api.call('GET', `/v1/events/${id}`, undefined, headers)).body;
    expect((await told(unplanned)).owed).toBeNull();
    expect(await told(nothing)).toMatchObject({ owed: 0, delivered: null });
    expect(await told(all)).toMatchObject({ owed: 2, delivered: true, deliveries: [{ status: 'DELIVERED', attemptCount: 0 }, {}] });
    expect((await told(one)).delivered).toBe(false);
    expect((await told(again)).delivered).toBe(true);
    expect((await told(open)).delivered).toBeNull();
    expect((await told(all)).workflow).toEqual({ id: `event/${all}`, runId: null, url: `http://127.0.0.1:8233/namespaces/default/workflows/event%2F${all}` });

    const ids = async (filter: string) => (await api.call('GET', `/v1/events?delivered=${filter}`, undefined, headers)).body.data.map(({ id }: { id: string }) => id);
    expect(await ids('true')).toEqual([again, all]);
    expect(await ids('false')).toEqual([one]);
    expect(await ids('null')).toEqual([open, nothing, unplanned]);
    expect(await ids('true,false')).toEqual([again, one, all]);
  });

  it('finds events by type and by the id that the caller gave them', async () => {
    const { headers } = await api.tenant('write');
    const a = (await api.call('POST', '/v1/events', { type: 'a', data: 1, id: 'x/1' }, headers)).body.id;
    await api.call('POST', '/v1/events', { type: 'b', data: 1 }, headers);
    const ids = async (query: string) => (await api.call('GET', `/v1/events?${query}`, undefined, headers)).body.data.map(({ id }: { id: string }) => id);
    expect(await ids('type=a')).toEqual([a]);
    expect(await ids('externalId=x%2F1')).toEqual([a]);
    expect(await ids('externalId=none')).toEqual([]);
    expect((await api.call('GET', '/v1/events?delivered=maybe', undefined, headers)).status).toBe(422);
  });
});
