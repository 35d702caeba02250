import { startApi, type TestApi } from '../support/api';
import { makeEvents } from '../support/make';

let api: TestApi;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api.close());

const endpoint = async (headers: Record<string, string> = {}): Promise<string> =>
  (await api.call('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/hooks' }, headers)).body.id;
const revision = async (): Promise<number> =>
  (await api.db.query<{ r: number }>({ text: `select routing_revision as r from workspaces where name = 'default'` }))[0]?.r ?? 0;
const CONVERTED = { name: 'converted', events: ['process:state-change'], condition: { state: 'CONVERTED' } };

describe('a rule', () => {
  it('is made, read, listed, changed part by part and deleted', async () => {
    const endpointId = await endpoint();
    const made = await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: [endpointId] });
    expect(made).toMatchObject({ status: 201, body: { ...CONVERTED, endpointIds: [endpointId], enabled: true } });
    expect(Object.keys(made.body)).toEqual(['id', 'name', 'events', 'condition', 'endpointIds', 'enabled', 'createdAt', 'updatedAt']);
    const { id } = made.body;
    expect((await api.call('GET', `/v1/rules/${id}`)).body).toEqual(made.body);
    expect((await api.call('GET', '/v1/rules?limit=1')).body.data).toEqual([made.body]);

    const changed = await api.call('PATCH', `/v1/rules/${id}`, { enabled: false, condition: { state: 'LOST' } });
    expect(changed).toMatchObject({ status: 200, body: { name: 'converted', condition: { state: 'LOST' }, endpointIds: [endpointId], enabled: false } });

    expect((await api.call('DELETE', `/v1/rules/${id}`)).status).toBe(204);
    expect((await api.call('GET', `/v1/rules/${id}`)).status).toBe(404);
    expect((await api.call('DELETE', `/v1/rules/${id}`)).status).toBe(404);
  });

  it('matches every event of its types and is enabled where nothing else is said', async () => {
    const made = await api.call('POST', '/v1/rules', { name: 'all', events: ['*'], endpointIds: [] });
    expect(made).toMatchObject({ status: 201, body: { condition: {}, enabled: true } });
  });

  it('bumps the routing revision with every change, and with a refused one not', async () => {
    const before = await revision();
    const { body } = await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: [] });
    await api.call('PATCH', `/v1/rules/${body.id}`, { name: 'other' });
    await api.call('DELETE', `/v1/rules/${body.id}`);
    expect(await revision()).toBe(before + 3);
    await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: ['ep_01jc3f7x9k2m4n6p8q0r2s4t6v'] });
    expect(await revision()).toBe(before + 3);
  });

  it('is audited with the key that made it', async () => {
    const { workspaceId, headers } = await api.tenant();
    const { body } = await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: [] }, headers);
    const rows = await api.db.query<{ actor: string; action: string }>({
      text: 'select actor, action from audit where workspace_id = $1 and subject_id = $2', values: [workspaceId, body.id],
    });
    expect(rows).toEqual([{ actor: expect.stringMatching(/^key_/), action: 'rule.create' }]);
  });
});

describe('what a rule may not be', () => {
  it('tells every mistake of a condition with its path', async () => {
    const condition = { state: { $gtt: 5 }, attributes: { $where: 'x' }, $or: [] };
    const reply = await api.call('POST', '/v1/rules', { ...CONVERTED, condition, endpointIds: [] });
    expect(reply).toMatchObject({ status: 422, body: { code: 'invalid' } });
    expect(reply.body.errors.map((e: { path: string }) => e.path)).toEqual(expect.arrayContaining(['condition.state.$gtt', 'condition.$or']));
  });

  it('refuses a malformed condition at a change too', async () => {
    const { body } = await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: [] });
    const reply = await api.call('PATCH', `/v1/rules/${body.id}`, { condition: { state: { $regex: '(a+)+$' } } });
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'condition.state.$regex' }] } });
  });

  it('refuses a condition of more than 16 KiB', async () => {
    const reply = await api.call('POST', '/v1/rules', { ...CONVERTED, condition: { state: 'x'.repeat(17_000) }, endpointIds: [] });
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ path: 'condition' }] } });
  });

  it('names the place of each endpoint that the workspace has not', async () => {
    const other = await api.tenant();
    const [own, foreign] = [await endpoint(), await endpoint(other.headers)];
    const reply = await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: [own, foreign, 'ep_01jc3f7x9k2m4n6p8q0r2s4t6v'] });
    expect(reply).toMatchObject({ status: 422, body: { code: 'invalid', errors: [{ path: 'endpointIds.1' }, { path: 'endpointIds.2' }] } });
  });

  it('refuses unknown keys, no types, patterns that are none, and more than 100 endpoints', async () => {
    expect((await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: [], filter: {} })).body.errors[0].path).toBe('filter');
    expect((await api.call('POST', '/v1/rules', { ...CONVERTED, events: [], endpointIds: [] })).status).toBe(422);
    expect((await api.call('POST', '/v1/rules', { ...CONVERTED, events: ['process*'], endpointIds: [] })).body.errors[0].path).toBe('events.0');
    const many = Array.from({ length: 101 }, () => 'ep_01jc3f7x9k2m4n6p8q0r2s4t6v');
    expect((await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: many })).body.errors[0].path).toBe('endpointIds');
  });

  it('is not seen, changed or deleted from another workspace', async () => {
    const other = await api.tenant();
    const { body } = await api.call('POST', '/v1/rules', { ...CONVERTED, endpointIds: [] });
    for (const [method, given] of [['GET', undefined], ['PATCH', { name: 'mine' }], ['DELETE', undefined]] as const) {
      expect((await api.call(method, `/v1/rules/${body.id}`, given, other.headers)).status).toBe(404);
    }
    expect((await api.call('GET', '/v1/rules', undefined, other.headers)).body.data).toEqual([]);
  });
});

describe('trying rules', () => {
  const sample = { type: 'process:state-change', object: { kind: 'process', state: 'CONVERTED', attributes: { city: 'Pune' } }, previous: { state: 'NEW' }, changes: ['state'] };
  const tried = async (rule: object, event: object = sample) => (await api.call('POST', '/v1/rules/try', { rule, event })).body.results;

  it('says that a rule matches a sample, and why not where it does not', async () => {
    expect(await tried(CONVERTED)).toMatchObject([{ ruleId: null, name: 'converted', matches: true }]);
    const [missed] = await tried({ ...CONVERTED, condition: { state: 'LOST' } });
    expect(missed).toMatchObject({ matches: false, reason: expect.stringContaining('"CONVERTED"') });
    const [untyped] = await tried({ ...CONVERTED, events: ['task:*'] });
    expect(untyped).toMatchObject({ matches: false, reason: expect.stringContaining('process:state-change') });
  });

  it('looks at previous, changes and data of a sample', async () => {
    expect(await tried({ ...CONVERTED, condition: { 'previous.state': 'NEW', changes: 'state', 'attributes.city': { $startsWith: 'Pu' } } })).toMatchObject([{ matches: true }]);
    expect(await tried({ events: ['order.paid'], condition: { 'data.total': { $gte: 5 } } }, { type: 'order.paid', data: { total: 5 } })).toMatchObject([{ matches: true }]);
  });

  it('says what a disabled rule would do', async () => {
    expect(await tried({ ...CONVERTED, enabled: false })).toMatchObject([{ matches: false, reason: expect.stringContaining('would match') }]);
  });

  it('tries all rules of the workspace on a stored event', async () => {
    const { workspaceId, headers } = await api.tenant();
    const [eventId] = await makeEvents(api.db, workspaceId, 1, 'order.paid');
    const hit = await api.call('POST', '/v1/rules', { name: 'hit', events: ['order.*'], endpointIds: [] }, headers);
    const miss = await api.call('POST', '/v1/rules', { name: 'miss', events: ['*'], condition: { 'data.n': 7 }, endpointIds: [] }, headers);
    const reply = await api.call('POST', '/v1/rules/try', { eventId }, headers);
    expect(reply).toMatchObject({ status: 200, body: { results: [{ ruleId: hit.body.id, matches: true }, { ruleId: miss.body.id, matches: false }] } });
    const one = await api.call('POST', '/v1/rules/try', { ruleId: miss.body.id, eventId }, headers);
    expect(one.body.results).toHaveLength(1);
  });

  it("refuses both or neither of event and eventId, and another workspace's ids", async () => {
    expect((await api.call('POST', '/v1/rules/try', { rule: CONVERTED })).status).toBe(422);
    expect((await api.call('POST', '/v1/rules/try', { event: sample, eventId: 'evt_01jc3f7x9k2m4n6p8q0r2s4t6v' })).status).toBe(422);
    const { workspaceId } = await api.tenant();
    const [foreign] = await makeEvents(api.db, workspaceId, 1);
    expect((await api.call('POST', '/v1/rules/try', { rule: CONVERTED, eventId: foreign })).status).toBe(404);
  });
});
