import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { changeEndpoint, removeEndpoint } from '../../src/commands/manage-endpoint';
import { changeRule, removeRule } from '../../src/commands/manage-rule';
import { createRoutingCache, type RoutingCache, type WorkspaceRouting } from '../../src/engine/routing-cache';
import { createKeyRing, type KeyRing } from '../../src/seal';
import { openDb, type Db, type Sql } from '../../src/store/db';
import { bumpRouting, REVISIONS_KEPT } from '../../src/store/routing-revision';
import { readRevision } from '../../src/store/routing';
import { aCustomEvent, anEvent } from '../domain/samples';
import { explain, listenIn } from '../support/explain';
import { makeEndpoint, makeWorkspace, newId } from '../support/make';
import { makeManyRules, type ManyRules } from '../support/many-rules';
import { freshDatabase, type TestDatabase } from '../support/postgres';

const ENDPOINTS = 10_000;
const RULES = 5_000;

let database: TestDatabase;
let asProduction: Db;
let heard: ReturnType<typeof listenIn>;
const sealed = createKeyRing([`k1:${randomBytes(32).toString('base64')}`]);
let opened = 0;
const keyRing: KeyRing = { ...sealed, open: (text, where) => { opened += 1; return sealed.open(text, where); } };
const deps = { newId, keyRing };

beforeAll(async () => {
  database = await freshDatabase();
  asProduction = openDb(database.url, 4);
  heard = listenIn(asProduction);
});
afterAll(async () => {
  await asProduction.close();
  await database.drop();
});

const by = (workspaceId: string) => ({ workspaceId, actor: 'root' });

async function latest(cache: RoutingCache, workspaceId: string): Promise<WorkspaceRouting> {
  const revision = await readRevision(database.db, workspaceId);
  const routing = await cache.get(workspaceId, revision);
  if (!routing || routing.revision < revision) throw new Error(`The routing is not that of revision ${revision}`);
  return routing;
}

/** A routing before and after one change, what was asked to come from one to the other, and how often a secret was opened. */
async function after(cache: RoutingCache, workspaceId: string, change: (trx: Sql) => Promise<unknown>) {
  const before = await latest(cache, workspaceId);
  await database.db.transaction(change);
  heard.taken();
  opened = 0;
  const now = await latest(cache, workspaceId);
  return { before, now, statements: heard.taken(), opened };
}

describe('In a workspace of 10,000 endpoints and 5,000 rules', () => {
  let many: ManyRules;
  let cache: RoutingCache;
  let client: Client;
  beforeAll(async () => {
    many = await makeManyRules(database.db, sealed, ENDPOINTS, RULES);
    cache = createRoutingCache({ db: heard.db, keyRing });
    client = new Client({ connectionString: database.url, options: '-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off' });
    await client.connect();
  }, 60_000);
  afterAll(() => client.end());

  const rowsRead = async (statements: Parameters<typeof explain>[1][]): Promise<number> => {
    let rows = 0;
    for (const statement of statements) for (const count of (await explain(client, statement)).rows.values()) rows += count;
    return rows;
  };

  it('everything is read once', async () => {
    const routing = await latest(cache, many.workspaceId);
    expect(routing.endpoints.size).toBe(ENDPOINTS);
    expect(routing.rules.size).toBe(RULES);
    expect(opened).toBe(ENDPOINTS);
  });

  it('a changed endpoint is read alone, and nothing is compiled where only its address differs', async () => {
    const id = many.endpointIds[7] ?? '';
    const { before, now, statements, ...counted } = await after(cache, many.workspaceId, (trx) =>
      changeEndpoint(deps, trx, by(many.workspaceId), id, { url: 'http://127.0.0.1:9/new' }));
    expect(statements).toHaveLength(4);
    expect(await rowsRead(statements)).toBeLessThanOrEqual(5);
    expect(counted.opened).toBe(1);
    expect(now.endpoints.get(id)).toEqual({ ...before.endpoints.get(id), url: 'http://127.0.0.1:9/new' });
    expect(now.rules).toBe(before.rules);
    expect(now.ruleSet).toBe(before.ruleSet);
    expect(many.endpointIds.filter((other) => now.endpoints.get(other) !== before.endpoints.get(other))).toEqual([id]);
  });

  it('a changed rule is read alone', async () => {
    const id = many.ruleIds[4] ?? '';
    const event = anEvent({ object: '{"type":"lead","state":"NOW"}' });
    const { before, now, statements, ...counted } = await after(cache, many.workspaceId, (trx) =>
      changeRule(deps, trx, by(many.workspaceId), id, { condition: { state: 'NOW' } }));
    expect(statements).toHaveLength(4);
    expect(await rowsRead(statements)).toBeLessThanOrEqual(5);
    expect(counted.opened).toBe(0);
    expect(now.endpoints).toBe(before.endpoints);
    expect(many.ruleIds.filter((other) => now.rules.get(other) !== before.rules.get(other))).toEqual([id]);
    expect(before.ruleSet.owedTo(event)).toEqual([]);
    expect(now.ruleSet.owedTo(event)).toEqual([...(now.rules.get(id)?.endpointIds ?? [])].sort());
  });

  it('what is deleted is gone, but not from a routing that somebody holds', async () => {
    const rule = many.ruleIds[4] ?? '';
    const id = (await latest(cache, many.workspaceId)).rules.get(rule)?.endpointIds[0] ?? '';
    const event = anEvent({ object: '{"type":"lead","state":"NOW"}' });
    const ofEndpoint = await after(cache, many.workspaceId, (trx) => removeEndpoint(deps, trx, by(many.workspaceId), id));
    expect(ofEndpoint.before.ruleSet.owedTo(event)).toHaveLength(2);
    expect(ofEndpoint.before.endpoints.has(id)).toBe(true);
    expect(ofEndpoint.now.ruleSet.owedTo(event)).toHaveLength(1);
    expect(ofEndpoint.now.endpoints.has(id)).toBe(false);
    const ofRule = await after(cache, many.workspaceId, (trx) => removeRule(deps, trx, by(many.workspaceId), rule));
    expect(ofRule.before.ruleSet.owedTo(event)).toHaveLength(1);
    expect(ofRule.now.ruleSet.owedTo(event)).toEqual([]);
    expect(ofRule.now.rules.has(rule)).toBe(false);
  });

  it('a change notes itself by its key', async () => {
    heard.taken();
    await heard.db.transaction((trx) => bumpRouting(trx, many.workspaceId, 'ep_1'));
    const [bump] = heard.taken();
    if (!bump) throw new Error('Nothing was asked');
    const explained = await explain(client, bump);
    expect([...explained.indexes].sort()).toEqual(['routing_changes_pkey', 'workspaces_pkey']);
    expect(explained.scanned.size).toBe(0);
  });
});

describe('What was missed', () => {
  const event = aCustomEvent({});

  async function start(): Promise<{ workspaceId: string; cache: RoutingCache }> {
    const workspaceId = await makeWorkspace(database.db);
    const cache = createRoutingCache({ db: heard.db, keyRing });
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual([]);
    return { workspaceId, cache };
  }

  const add = async (workspaceId: string): Promise<string> => {
    const id = await makeEndpoint(database.db, workspaceId);
    await database.db.transaction((trx) => bumpRouting(trx, workspaceId, id));
    return id;
  };

  it('is read at once, however many changes it was', async () => {
    const { workspaceId, cache } = await start();
    const ids = [await add(workspaceId), await add(workspaceId), await add(workspaceId)];
    heard.taken();
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual(ids);
    expect(heard.taken().map(({ name }) => name)).toContain('routing-endpoints-changed');
  });

  it('is read with everything else where a revision was raised without a word', async () => {
    const { workspaceId, cache } = await start();
    const silent = await makeEndpoint(database.db, workspaceId);
    await database.db.query({ text: 'update workspaces set routing_revision = routing_revision + 1 where id = $1', values: [workspaceId] });
    const told = await add(workspaceId);
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual([silent, told]);
    const next = await add(workspaceId);
    heard.taken();
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual([silent, told, next]);
    expect(heard.taken().map(({ name }) => name)).toContain('routing-endpoints-changed');
  });

  it('is read with everything else where a revision is another than the one that was read', async () => {
    const { workspaceId, cache } = await start();
    const lost = await add(workspaceId);
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual([lost]);
    // A replica that never had the last transaction takes over.
    await database.db.query({ text: 'delete from endpoints where id = $1', values: [lost] });
    await database.db.query({ text: 'delete from routing_changes where workspace_id = $1', values: [workspaceId] });
    await database.db.query({ text: 'update workspaces set routing_revision = routing_revision - 1 where id = $1', values: [workspaceId] });
    const ids = [await add(workspaceId), await add(workspaceId)];
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual(ids);
  });

  it('is read with everything else where it is forgotten, and a workspace remembers no more than its newest changes', async () => {
    const { workspaceId, cache } = await start();
    const ids = [await add(workspaceId)];
    await database.db.query({
      text: `insert into routing_changes (workspace_id, revision, subject_id) select $1, n, 'ep_gone' from generate_series(3, $2::int) n`,
      values: [workspaceId, REVISIONS_KEPT + 1],
    });
    await database.db.query({ text: 'update workspaces set routing_revision = $2 where id = $1', values: [workspaceId, REVISIONS_KEPT + 1] });
    ids.push(await add(workspaceId));
    const [kept] = await database.db.query<{ least: number; count: number }>({
      text: 'select min(revision) as least, count(*) as count from routing_changes where workspace_id = $1', values: [workspaceId],
    });
    expect(kept).toEqual({ least: 3, count: REVISIONS_KEPT });
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual(ids);
  });

  it('comes with the next load where the revision moves while it is read', async () => {
    const workspaceId = await makeWorkspace(database.db);
    let moving: (() => Promise<unknown>) | undefined;
    const moved: Db = {
      ...database.db,
      async query<R>(statement: Parameters<Sql['query']>[0]): Promise<R[]> {
        const rows = await database.db.query<R>(statement);
        const move = statement.name === 'routing-news' ? moving : undefined;
        moving = statement.name === 'routing-news' ? undefined : moving;
        await move?.();
        return rows;
      },
    };
    const cache = createRoutingCache({ db: moved, keyRing });
    const kept = await add(workspaceId);
    await latest(cache, workspaceId);
    const seen = await add(workspaceId);
    let early = '';
    // Of two changes that land between the statements one is of what is read there.
    moving = async () => {
      early = await add(workspaceId);
      await database.db.query({ text: `update endpoints set events = '{other}' where id = $1`, values: [seen] });
      await database.db.transaction((trx) => bumpRouting(trx, workspaceId, seen));
    };
    const between = await cache.get(workspaceId, 3);
    expect(between?.revision).toBe(3);
    expect(between?.ruleSet.owedTo(event)).toEqual([kept]);
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(event)).toEqual([kept, early]);
    expect((await latest(cache, workspaceId)).ruleSet.owedTo(aCustomEvent({}, { type: 'other' }))).toEqual([kept, seen, early]);
  });

  it('is read once for all who ask at the same time', async () => {
    const { workspaceId, cache } = await start();
    const id = await add(workspaceId);
    heard.taken();
    const routings = await Promise.all(Array.from({ length: 20 }, () => cache.get(workspaceId, 2)));
    expect(new Set(routings).size).toBe(1);
    expect(routings[0]?.ruleSet.owedTo(event)).toEqual([id]);
    expect(heard.taken()).toHaveLength(4);
  });

  it('is read by the next who asks where the database was away', async () => {
    const workspaceId = await makeWorkspace(database.db);
    let isAway = false;
    const cache = createRoutingCache({
      keyRing, db: { ...heard.db, query: (statement) => (isAway ? Promise.reject(new Error('away')) : heard.db.query(statement)) },
    });
    await latest(cache, workspaceId);
    const id = await add(workspaceId);
    isAway = true;
    const refused = await Promise.allSettled([cache.get(workspaceId, 2), cache.get(workspaceId, 2)]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await cache.get(workspaceId, 1))?.revision).toBe(1);
    isAway = false;
    heard.taken();
    expect((await cache.get(workspaceId, 2))?.ruleSet.owedTo(event)).toEqual([id]);
    expect(heard.taken().map(({ name }) => name)).toContain('routing-endpoints-changed');
  });

  it('is nothing where the workspace is gone', async () => {
    expect(await createRoutingCache({ db: heard.db, keyRing }).get('wsp_gone', 1)).toBeNull();
  });
});
