import { startApi, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const sequencesOf = async (objectId: string): Promise<readonly { type: string; sequence: number }[]> =>
  api.db.query({ text: 'select type, sequence from events where object_id = $1 order by sequence', values: [objectId] });

describe('creating', () => {
  it('answers a record as it is kept, with its version as ETag', async () => {
    const reply = await api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'c-1', attributes: { name: 'Asha', none: null } });
    expect(reply.status).toBe(201);
    expect(reply.headers.get('etag')).toBe('"1"');
    expect(reply.body).toMatchObject({ kind: 'record', type: 'customer', primaryKey: 'c-1', attributes: { name: 'Asha' }, version: 1 });
    expect(Object.keys(reply.body)).toEqual(['id', 'kind', 'type', 'primaryKey', 'attributes', 'version', 'createdAt', 'updatedAt']);
    expect((await api.call('GET', `/v1/records/${reply.body.id}`)).body).toEqual(reply.body);
  });

  it('begins a process OPEN, against its record', async () => {
    const record = await api.call('POST', '/v1/records', { type: 'customer' });
    const reply = await api.call('POST', '/v1/processes', { type: 'lead', recordId: record.body.id, state: 'NEW' });
    expect(reply).toMatchObject({ status: 201, body: { kind: 'process', recordId: record.body.id, state: 'NEW', status: 'OPEN', primaryKey: null } });
  });

  it('takes a task of a record, a process or both, and of neither not', async () => {
    const record = await api.call('POST', '/v1/records', { type: 'customer' });
    const lead = await api.call('POST', '/v1/processes', { type: 'lead' });
    const task = { type: 'call', recordId: record.body.id, processId: lead.body.id, status: 'PLANNED' };
    expect(await api.call('POST', '/v1/tasks', task)).toMatchObject({ status: 201, body: task });
    const stray = await api.call('POST', '/v1/tasks', { type: 'call' });
    expect(stray).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path: 'processId' }] } });
  });

  it('stores the event of a create with its outbox row in the same transaction', async () => {
    const { body } = await api.call('POST', '/v1/records', { type: 'customer', attributes: { a: 1 }, actor: { userId: 'u-1' } });
    const rows = await api.db.query<Record<string, string>>({
      text: `select e.type, e.sequence, e.object, e.previous, e.changes, e.actor, o.kind from events e
             join outbox o on o.event_id = e.id where e.object_id = $1`,
      values: [body.id],
    });
    expect(rows).toEqual([{
      type: 'record:create', sequence: 1, object: JSON.stringify(body), previous: '{}', changes: '[]', actor: '{"userId":"u-1"}', kind: 'event',
    }]);
  });

  it('refuses a second object of the same kind, type and primary key', async () => {
    await api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'twice' });
    const again = await api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'twice' });
    expect(again).toMatchObject({ status: 409, body: { code: 'duplicate_primary_key' } });
    expect((await api.call('POST', '/v1/records', { type: 'partner', primaryKey: 'twice' })).status).toBe(201);
    expect((await api.call('POST', '/v1/processes', { type: 'customer', primaryKey: 'twice' })).status).toBe(201);
  });

  it('names the reference that the workspace does not have', async () => {
    const other = await api.tenant();
    const foreign = await api.call('POST', '/v1/records', { type: 'customer' }, other.headers);
    const reply = await api.call('POST', '/v1/processes', { type: 'lead', recordId: foreign.body.id });
    expect(reply).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path: 'recordId' }] } });
    const task = await api.call('POST', '/v1/tasks', { type: 'call', processId: 'prc_01jc3f7x9k2m4n6p8q0r2s4t6v' });
    expect(task).toMatchObject({ status: 422, body: { errors: [{ path: 'processId' }] } });
  });

  it('takes 1,000 attributes and 256 KiB of them, and not more', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));
    expect((await api.call('POST', '/v1/records', { type: 't', attributes: many(1000) })).status).toBe(201);
    expect((await api.call('POST', '/v1/records', { type: 't', attributes: many(1001) })).status).toBe(422);
    const text = (bytes: number) => ({ a: 'x'.repeat(bytes - 8) });
    expect((await api.call('POST', '/v1/records', { type: 't', attributes: text(256 * 1024) })).status).toBe(201);
    expect((await api.call('POST', '/v1/records', { type: 't', attributes: text(256 * 1024 + 1) })).status).toBe(422);
  });
});

describe('changing', () => {
  it('merges attributes by key, removes those that are null, and announces what changed', async () => {
    const { body } = await api.call('POST', '/v1/records', { type: 'customer', attributes: { city: 'Pune', name: 'Asha', old: 1 } });
    const reply = await api.call('PATCH', `/v1/records/${body.id}`, { attributes: { city: 'Goa', old: null, neu: [1] } });
    expect(reply).toMatchObject({ status: 200, body: { version: 2, attributes: { city: 'Goa', name: 'Asha', neu: [1] } } });
    const [event] = await api.db.query<Record<string, string>>({
      text: `select type, sequence, previous, changes from events where object_id = $1 and sequence = 2`, values: [body.id],
    });
    expect(event).toMatchObject({ type: 'record:update' });
    expect(JSON.parse(event?.['previous'] ?? '')).toEqual({ attributes: { city: 'Pune', old: 1 } });
    expect(JSON.parse(event?.['changes'] ?? '').sort()).toEqual(['attributes.city', 'attributes.neu', 'attributes.old']);
  });

  it('announces nothing and keeps the version where nothing changed', async () => {
    const { body } = await api.call('POST', '/v1/processes', { type: 'lead', state: 'NEW', attributes: { a: { b: 1 } } });
    const reply = await api.call('PATCH', `/v1/processes/${body.id}`, { state: 'NEW', status: 'OPEN', attributes: { a: { b: 1 }, gone: null } });
    expect(reply).toMatchObject({ status: 200, body: { version: 1 } });
    expect(await sequencesOf(body.id)).toHaveLength(1);
  });

  it('announces an update and then a change of state', async () => {
    const { body } = await api.call('POST', '/v1/processes', { type: 'lead', state: 'NEW' });
    await api.call('PATCH', `/v1/processes/${body.id}`, { state: 'CONVERTED', status: 'COMPLETED' });
    expect((await sequencesOf(body.id)).map(({ type }) => type)).toEqual(['process:create', 'process:update', 'process:state-change']);
  });

  it('loses no update and leaves no gap when 20 change the same object at once', async () => {
    const { body } = await api.call('POST', '/v1/processes', { type: 'lead', state: 's' });
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) =>
      api.call('PATCH', `/v1/processes/${body.id}`, { state: `s${n}`, attributes: { [`k${n}`]: n } })));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    const after = await api.call('GET', `/v1/processes/${body.id}`);
    expect(Object.keys(after.body.attributes)).toHaveLength(20);
    expect(after.body.version).toBe(21);
    expect((await sequencesOf(body.id)).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 41 }, (_, n) => n + 1));
  });

  it('changes only the version that If-Match names', async () => {
    const { body } = await api.call('POST', '/v1/records', { type: 'customer' });
    const patch = (tag: string, value: number) => api.call('PATCH', `/v1/records/${body.id}`, { attributes: { value } }, { 'if-match': tag });
    const first = await patch('"1"', 1);
    expect([first.status, first.headers.get('etag')]).toEqual([200, '"2"']);
    expect(await patch('"1"', 2)).toMatchObject({ status: 412, body: { code: 'version_conflict' } });
    expect((await patch('"what"', 2)).status).toBe(412);
    expect((await patch('*', 3)).status).toBe(200);
    expect((await api.call('DELETE', `/v1/records/${body.id}`, undefined, { 'if-match': '"2"' })).status).toBe(412);
  });

  it('lets exactly one of 10 win who name the same version', async () => {
    const { body } = await api.call('POST', '/v1/records', { type: 'customer' });
    const replies = await Promise.all(Array.from({ length: 10 }, (_, n) =>
      api.call('PATCH', `/v1/records/${body.id}`, { attributes: { n } }, { 'if-match': '"1"' })));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
  });
});

describe('by primary key', () => {
  const path = (key: string) => `/v1/processes/by-primary-key/${encodeURIComponent('big lead')}/${encodeURIComponent(key)}`;

  it('creates where there is none and upsert is asked for, and changes after that', async () => {
    expect((await api.call('PATCH', path('a/b'), { state: 'NEW' })).status).toBe(404);
    const created = await api.call('PATCH', `${path('a/b')}?upsert=true`, { state: 'NEW', attributes: { a: 1 } });
    expect(created).toMatchObject({ status: 201, body: { type: 'big lead', primaryKey: 'a/b', state: 'NEW', version: 1 } });
    const changed = await api.call('PATCH', `${path('a/b')}?upsert=true`, { state: 'OLD' });
    expect(changed).toMatchObject({ status: 200, body: { id: created.body.id, state: 'OLD', attributes: { a: 1 }, version: 2 } });
    expect((await api.call('GET', path('a/b'))).body).toEqual(changed.body);
    expect((await api.call('DELETE', path('a/b'), { actor: { userId: 'u' } })).status).toBe(204);
    expect((await api.call('GET', path('a/b'))).status).toBe(404);
    expect((await api.call('POST', '/v1/processes', { type: 'big lead', primaryKey: 'a/b' })).status).toBe(201);
  });

  it('creates one object when 20 upsert it at once', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => api.call('PATCH', `${path('race')}?upsert=true`, { attributes: { [`k${n}`]: 1 } })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(19);
    const { body } = await api.call('GET', path('race'));
    expect(Object.keys(body.attributes)).toHaveLength(20);
    expect((await sequencesOf(body.id)).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it('refuses to change a reference', async () => {
    const reply = await api.call('PATCH', path('race'), { recordId: 'rec_01jc3f7x9k2m4n6p8q0r2s4t6v' });
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'recordId' }] } });
  });
});

describe('deleting', () => {
  it('announces the object as it was last, and keeps the actor', async () => {
    const { body } = await api.call('POST', '/v1/tasks', { type: 'call', processId: (await api.call('POST', '/v1/processes', { type: 'lead' })).body.id });
    expect((await api.call('DELETE', `/v1/tasks/${body.id}`, { actor: { processName: 'sweep' } })).status).toBe(204);
    const [, event] = await api.db.query<Record<string, string>>({ text: 'select * from events where object_id = $1 order by sequence', values: [body.id] });
    expect(event).toMatchObject({ type: 'task:delete', sequence: 2, object: JSON.stringify(body), actor: '{"processName":"sweep"}' });
    expect((await api.call('DELETE', `/v1/tasks/${body.id}`)).status).toBe(404);
  });

  it('refuses while others refer to it', async () => {
    const record = await api.call('POST', '/v1/records', { type: 'customer' });
    const lead = await api.call('POST', '/v1/processes', { type: 'lead', recordId: record.body.id });
    expect(await api.call('DELETE', `/v1/records/${record.body.id}`)).toMatchObject({ status: 409, body: { code: 'in_use' } });
    await api.call('DELETE', `/v1/processes/${lead.body.id}`);
    expect((await api.call('DELETE', `/v1/records/${record.body.id}`)).status).toBe(204);
  });
});

describe('lists', () => {
  it('page through everything, newest first, each once', async () => {
    const { headers } = await api.tenant('write');
    const made: string[] = [];
    for (let n = 0; n < 7; n++) made.push((await api.call('POST', '/v1/records', { type: n % 2 ? 'odd' : 'even' }, headers)).body.id);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await api.call('GET', `/v1/records?limit=3${cursor && `&cursor=${cursor}`}`, undefined, headers);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor ?? '';
    } while (cursor);
    expect(seen).toEqual([...made].reverse());
    const odd = await api.call('GET', '/v1/records?type=odd', undefined, headers);
    expect(odd.body.data).toHaveLength(3);
  });

  it('narrow by each of their filters', async () => {
    const { headers } = await api.tenant('write');
    const record = (await api.call('POST', '/v1/records', { type: 'customer', primaryKey: 'k' }, headers)).body;
    const lead = (await api.call('POST', '/v1/processes', { type: 'lead', recordId: record.id, state: 'NEW' }, headers)).body;
    await api.call('POST', '/v1/processes', { type: 'lead', status: 'CANCELLED' }, headers);
    await api.call('POST', '/v1/tasks', { type: 'call', processId: lead.id, status: 'DUE' }, headers);
    const count = async (path: string): Promise<number> => (await api.call('GET', path, undefined, headers)).body.data.length;
    expect(await count('/v1/records?primaryKey=k')).toBe(1);
    expect(await count('/v1/records?primaryKey=other')).toBe(0);
    expect(await count(`/v1/processes?recordId=${record.id}`)).toBe(1);
    expect(await count('/v1/processes?state=NEW')).toBe(1);
    expect(await count('/v1/processes?status=CANCELLED')).toBe(1);
    expect(await count('/v1/processes?type=lead')).toBe(2);
    expect(await count(`/v1/tasks?processId=${lead.id}&status=DUE`)).toBe(1);
    expect(await count('/v1/records?createdBefore=2001-01-01T00:00:00Z')).toBe(0);
    expect(await count('/v1/records?createdAfter=2001-01-01T00:00:00Z')).toBe(1);
    expect(await count('/v1/records?createdAfter=2101-01-01T00:00:00Z')).toBe(0);
  });

  it('refuse a cursor of another list or workspace, and one that was changed', async () => {
    const { headers } = await api.tenant('write');
    for (let n = 0; n < 2; n++) await api.call('POST', '/v1/records', { type: 'a' }, headers);
    const cursor: string = (await api.call('GET', '/v1/records?limit=1', undefined, headers)).body.nextCursor;
    expect((await api.call('GET', `/v1/records?cursor=${cursor}`, undefined, headers)).status).toBe(200);
    const changed = `${cursor.slice(0, 20)}${cursor[20] === 'A' ? 'B' : 'A'}${cursor.slice(21)}`;
    for (const path of [`/v1/records?cursor=${changed}`, `/v1/tasks?cursor=${cursor}`, '/v1/records?cursor=rec_zzz', '/v1/records?cursor=']) {
      expect(await api.call('GET', path, undefined, headers)).toMatchObject({ status: 422, body: { errors: [{ path: 'cursor' }] } });
    }
    expect((await api.call('GET', `/v1/records?cursor=${cursor}`)).status).toBe(422);
  });

  it('refuse limits, filters and repeated filters that they do not know', async () => {
    for (const query of ['limit=0', 'limit=251', 'limit=x', 'limit=1.5', 'state=NEW', 'type=a&type=b', 'type=%00', 'createdAfter=yesterday']) {
      const reply = await api.call('GET', `/v1/records?${query}`);
      expect([query, reply.status, reply.body.errors?.[0]?.path]).toEqual([query, 422, query.split('=')[0]]);
    }
  });
});
