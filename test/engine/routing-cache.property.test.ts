import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { changeChannel, createChannel, removeChannel } from '../../src/commands/manage-channel';
import { changeEndpoint, createEndpoint, removeEndpoint } from '../../src/commands/manage-endpoint';
import { changeRule, createRule, removeRule } from '../../src/commands/manage-rule';
import { rotateSecret } from '../../src/commands/rotate-secret';
import { deactivateEndpoint, reactivateEndpoint } from '../../src/commands/switch-endpoint';
import type { DialectName } from '../../src/domain/dialect';
import { createRoutingCache, type RoutingCache } from '../../src/engine/routing-cache';
import { AppError } from '../../src/errors';
import { createKeyRing } from '../../src/seal';
import type { Sql } from '../../src/store/db';
import { readRevision } from '../../src/store/routing';
import { aCustomEvent, anEvent } from '../domain/samples';
import { makeWorkspace, newId } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
const keyRing = createKeyRing([`k1:${randomBytes(32).toString('base64')}`]);
const deps = { newId, keyRing, now: () => new Date() };

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

/** One change, of the `pick`th of what there is. */
interface Change {
  readonly kind: typeof KINDS[number];
  readonly pick: number;
  readonly others: readonly number[];
  readonly dialect: DialectName;
  readonly patterns: readonly string[];
  readonly scope: string | null;
  readonly wanted: number;
  readonly isOn: boolean;
}

const KINDS = [
  'make endpoint', 'subscribe', 'scope', 'move', 'delete endpoint', 'deactivate', 'reactivate', 'rotate',
  'make rule', 'change rule', 'name endpoints', 'switch rule', 'delete rule', 'make channel', 'change channel', 'delete channel',
] as const;

const aChange: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat(9),
  others: fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }),
  dialect: fc.constantFrom<DialectName>('standard', 'standard', 'meta', 'chakra-inbound'),
  patterns: fc.subarray(['*', 'order.paid', 'process:*', 'endpoint.failing', 'inbound.message'], { minLength: 1 }),
  scope: fc.constantFrom(null, 'city:Pune'),
  wanted: fc.nat(2),
  isOn: fc.boolean(),
});

/** What stands there before: something to change. */
const A_CHANGE: Change = { kind: 'make endpoint', pick: 0, others: [0, 1], dialect: 'standard', patterns: ['*'], scope: null, wanted: 0, isOn: true };
const FIRST: Partial<Change>[] = [
  {}, { patterns: ['order.paid', 'endpoint.failing'] }, { dialect: 'chakra-inbound' }, { kind: 'make rule' }, { kind: 'make rule', wanted: 1 },
  { kind: 'make channel', pick: 2 },
];

/** What happens at once: changes, each in a transaction of its own, and whether the second cache is asked afterwards. */
const aTurn = fc.record({ changes: fc.array(aChange, { minLength: 1, maxLength: 3 }), asksSecond: fc.boolean() });

const EVENTS = [
  ...[0, 1, 2].flatMap((a) => [aCustomEvent({ a }), anEvent({ data: JSON.stringify({ a }) })]),
  anEvent({ object: '{"attributes":{"city":"Oslo"}}' }),
];

async function listed(workspaceId: string): Promise<Record<'endpoints' | 'rules' | 'channels', string[]>> {
  const idsOf = async (table: string): Promise<string[]> =>
    (await database.db.query<{ id: string }>({ text: `select id from ${table} where workspace_id = $1 order by id`, values: [workspaceId] })).map(({ id }) => id);
  return { endpoints: await idsOf('endpoints'), rules: await idsOf('rules'), channels: await idsOf('channels') };
}

function apply(trx: Sql, workspaceId: string, there: Awaited<ReturnType<typeof listed>>, change: Change): Promise<unknown> {
  const { kind, pick, patterns, scope, isOn } = change;
  const by = { workspaceId, actor: 'root' };
  const one = (ids: readonly string[], n = pick): string => ids[n % ids.length] ?? 'none_0';
  const endpointId = one(there.endpoints);
  const of = { workspaceId, endpointId, actor: 'root' };
  const endpointIds = change.others.map((n) => one(there.endpoints, n));
  const condition = { 'data.a': change.wanted };
  const friendly = { friendlyEndpointId: isOn ? endpointId : null, events: ['message'] as const };
  switch (kind) {
    case 'make endpoint': return createEndpoint(deps, trx, by, {
      name: null, url: 'http://127.0.0.1:9/', dialect: change.dialect, events: change.dialect === 'standard' ? patterns.filter((p) => p !== 'inbound.message') : [],
      scope, headers: { 'x-token': 'abc' }, policy: {}, metadata: {}, secret: isOn ? `whsec_${randomBytes(24).toString('base64')}` : null,
    });
    case 'subscribe': return changeEndpoint(deps, trx, by, endpointId, { events: patterns, scope });
    case 'scope': return changeEndpoint(deps, trx, by, endpointId, { scope });
    case 'move': return changeEndpoint(deps, trx, by, endpointId, { url: `http://127.0.0.1:9/${pick}` });
    case 'delete endpoint': return removeEndpoint(deps, trx, by, endpointId);
    case 'deactivate': return deactivateEndpoint(deps, trx, { ...of, reason: 'manual' });
    case 'reactivate': return reactivateEndpoint(deps, trx, { ...of, drain: true });
    case 'rotate': return rotateSecret(deps, trx, by, endpointId, { secret: `whsec_${randomBytes(24).toString('base64')}`, graceSeconds: isOn ? 3_600 : 0 });
    case 'make rule': return createRule(deps, trx, by, { name: 'a rule', events: patterns, condition, endpointIds, enabled: isOn });
    case 'change rule': return changeRule(deps, trx, by, one(there.rules), { events: patterns, condition });
    case 'name endpoints': return changeRule(deps, trx, by, one(there.rules), { endpointIds });
    case 'switch rule': return changeRule(deps, trx, by, one(there.rules), { enabled: isOn });
    case 'delete rule': return removeRule(deps, trx, by, one(there.rules));
    case 'make channel': return createChannel(deps, trx, by, { kind: 'whatsapp', verifyToken: 'abc', appSecret: null, passThroughEndpointId: null, ...friendly });
    case 'change channel': return changeChannel(deps, trx, by, one(there.channels), friendly);
    case 'delete channel': return removeChannel(deps, trx, by, one(there.channels));
  }
}

/** A change that is refused changes nothing. */
const attempt = (workspaceId: string, there: Awaited<ReturnType<typeof listed>>, change: Change): Promise<unknown> =>
  database.db.transaction((trx) => apply(trx, workspaceId, there, change)).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
  });

/** All that planning and sending take of a cache, as of now. */
async function answers(cache: RoutingCache, workspaceId: string, channelIds: readonly string[]): Promise<unknown> {
  const routing = await cache.get(workspaceId, await readRevision(database.db, workspaceId));
  const received = channelIds.map((channelId) => aCustomEvent({}, { type: 'inbound.message', received: { channelId, signature: null } }));
  const ids = [...(routing?.endpoints.keys() ?? [])].sort();
  const failing = ids.map((endpointId) => aCustomEvent({ endpointId }, { type: 'endpoint.failing' }));
  return {
    revision: routing?.revision,
    endpoints: ids.map((id) => routing?.endpoints.get(id)),
    owed: [...EVENTS, ...received, ...failing].map((event) => routing?.ruleSet.owedTo(event)),
  };
}

test('whatever was changed, by how many at once, and whenever a worker looked: it knows what one does that has just started', async () => {
  await fc.assert(fc.asyncProperty(fc.array(aTurn, { minLength: 4, maxLength: 14 }), async (turns) => {
    const workspaceId = await makeWorkspace(database.db);
    const [first, second] = [createRoutingCache({ db: database.db, keyRing }), createRoutingCache({ db: database.db, keyRing })];
    const compare = async (cache: RoutingCache): Promise<void> => {
      const { channels } = await listed(workspaceId);
      const channelIds = [...channels, 'chn_gone'];
      expect(await answers(cache, workspaceId, channelIds)).toEqual(await answers(createRoutingCache({ db: database.db, keyRing }), workspaceId, channelIds));
    };
    for (const kind of FIRST) await attempt(workspaceId, await listed(workspaceId), { ...A_CHANGE, ...kind });
    await second.get(workspaceId, 1);
    for (const { changes, asksSecond } of turns) {
      const there = await listed(workspaceId);
      const looking = readRevision(database.db, workspaceId).then((revision) => first.get(workspaceId, revision + 1));
      await Promise.all([looking, ...changes.map((change) => attempt(workspaceId, there, change))]);
      await compare(first);
      if (asksSecond) await compare(second);
    }
    await compare(second);
  }), { numRuns: 60 });
}, 180_000);
