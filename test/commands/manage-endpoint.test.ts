import { randomBytes } from 'node:crypto';
import { changeHeaders, sealHeaders } from '../../src/commands/endpoint-headers';
import { changeEndpoint, createEndpoint, removeEndpoint, type NewEndpoint } from '../../src/commands/manage-endpoint';
import { changeRule, createRule } from '../../src/commands/manage-rule';
import { createKeyRing } from '../../src/seal';
import { loadTarget } from '../../src/store/routing';
import { makeEndpoint, makeWorkspace, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';

const keyRing = createKeyRing([`k1:${randomBytes(32).toString('base64')}`]);
const deps = { newId, keyRing };
const CONTENT: NewEndpoint = {
  name: null, url: 'http://127.0.0.1:9/', dialect: 'standard', events: [], scope: null, headers: {}, policy: {}, metadata: {}, secret: null,
};
const RULE = { name: 'r', events: ['*'], condition: {}, enabled: true };

let database: TestDatabase;
let by: { workspaceId: string; actor: string };
beforeAll(async () => void (database = await freshDatabase(20)));
afterAll(() => database.drop());
beforeEach(async () => void (by = { workspaceId: await makeWorkspace(database.db), actor: 'key_test' }));

const create = (content: Partial<NewEndpoint> = {}) => database.db.transaction((trx) => createEndpoint(deps, trx, by, { ...CONTENT, ...content }));

it('gives the sender headers and secrets in the clear again', async () => {
  const { id } = await create({ headers: { Authorization: 'one' }, secret: 'whsec_x' });
  expect(await loadTarget(database.db, keyRing, id)).toMatchObject({ headers: { Authorization: 'one' }, secrets: [{ secret: 'whsec_x', expiresAt: null }] });
  await database.db.transaction((trx) => changeEndpoint(deps, trx, by, id, { headers: { authorization: '[redacted]', 'X-B': 'two' } }));
  expect(await loadTarget(database.db, keyRing, id)).toMatchObject({ headers: { Authorization: 'one', 'X-B': 'two' } });
});

it('binds a sealed header to its endpoint and name', () => {
  const sealed = sealHeaders(keyRing, 'ep_1', { 'X-A': 'one' })['X-A'] ?? '';
  expect(keyRing.open(sealed, 'endpoint_header|ep_1|X-A')).toBe('one');
  expect(() => keyRing.open(sealed, 'endpoint_header|ep_2|X-A')).toThrow();
  expect(() => changeHeaders(keyRing, 'ep_1', {}, { 'X-A': '[redacted]' })).toThrow(/headers.X-A/);
});

it('refuses a policy whose parts contradict one another, also after a merge', async () => {
  const { id } = await create({ policy: { probe: { max: '1m', every: '30s' }, connectTimeout: '10s' } });
  const change = (policy: NewEndpoint['policy']) => database.db.transaction((trx) => changeEndpoint(deps, trx, by, id, { policy }));
  await expect(change({ probe: { every: '2m' } })).rejects.toMatchObject({ code: 'invalid', errors: [{ path: 'policy.probe.every' }] });
  await expect(change({ timeout: '5s' })).rejects.toMatchObject({ code: 'invalid', errors: [{ path: 'policy.connectTimeout' }] });
  await expect(change({ timeout: '12s' })).resolves.toMatchObject({ policyOverrides: { timeout: '12s', connectTimeout: '10s' } });
});

it('leaves no rule that names an endpoint which is deleted at the same moment', async () => {
  for (let round = 0; round < 10; round++) {
    const endpointId = await makeEndpoint(database.db, by.workspaceId);
    const rule = await database.db.transaction((trx) => createRule({ newId }, trx, by, { ...RULE, endpointIds: [] }));
    await Promise.allSettled([
      database.db.transaction((trx) => removeEndpoint(deps, trx, by, endpointId)),
      database.db.transaction((trx) => changeRule({ newId }, trx, by, rule.id, { endpointIds: [endpointId] })),
      database.db.transaction((trx) => changeRule({ newId }, trx, by, rule.id, { name: 'other' })),
      database.db.transaction((trx) => createRule({ newId }, trx, by, { ...RULE, endpointIds: [endpointId] })),
    ]);
    const left = await database.db.query({ text: 'select id from rules where $1 = any(endpoint_ids)', values: [endpointId] });
    expect(left).toEqual([]);
    expect(await database.db.query({ text: 'select id from endpoints where id = $1', values: [endpointId] })).toEqual([]);
  }
});

it('takes as many endpoints of other scopes as asked, and of a flow five', async () => {
  await Promise.all(Array.from({ length: 8 }, () => create({ scope: 'team:a' })));
  const flow = await Promise.allSettled(Array.from({ length: 8 }, () => create({ scope: 'flow:a' })));
  expect(flow.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
});
