import { readConfig } from '../../src/config';
import type { Deps } from '../../src/deps';
import { keepHouse, startHousekeeper } from '../../src/relay/housekeeper';
import { ensurePartitions } from '../../src/store/partitions';
import { reconcile } from '../../src/store/reconcile';
import { SLICE } from '../../src/store/retention';
import { makeEndpoint, makeEvents, makeOwner } from '../support/make';
import { idFrom, makePastEvent } from '../support/past';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

let database: TestDatabase;
let workspaceId: string;
let endpointId: string;
beforeEach(async () => {
  database = await freshDatabase();
  ({ workspaceId, endpointId } = await makeOwner(database.db));
});
afterEach(() => database.drop());

const logged: string[] = [];
const log = { info: (_: unknown, line: string) => logged.push(line), warn: (_: unknown, line: string) => logged.push(line) } as unknown as Deps['log'];
const depsWith = (settings: Record<string, string> = {}): Deps => ({ db: database.db, log, config: readConfig(settings) }) as Deps;

const count = async (table: string): Promise<number> =>
  (await database.db.query<{ count: number }>({ text: `select count(*) as count from ${table}` }))[0]?.count ?? -1;
const countAll = (): Promise<number[]> => Promise.all(['events', 'plans', 'deliveries', 'attempts'].map(count));
const partitionsOf = async (table: string): Promise<string[]> =>
  (await database.db.query<{ name: string }>({
    text: 'select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1', values: [table],
  })).map(({ name }) => name);
// In one transaction: a housekeeper that runs must not drop the week before it is filled.
const past = (daysAgo: number, fields = {}) => database.db.transaction((trx) => makePastEvent(trx, workspaceId, endpointId, daysAgo, fields));

describe('Weeks that are older than RETENTION_DAYS', () => {
  it('go whole, with all that became of their events; what is younger stays', async () => {
    await past(60);
    await past(45);
    await past(20);
    await makeEvents(database.db, workspaceId, 3);
    await database.db.query({ text: 'delete from outbox' });
    // A week may have begun since the database was made that this one is a copy of.
    await ensurePartitions(database.db);
    const before = await partitionsOf('events');

    const kept = await keepHouse(depsWith());
    expect(kept?.weeks).toHaveLength(2);
    expect(kept?.stay).toEqual([]);
    expect(await countAll()).toEqual([4, 1, 1, 1]);
    for (const table of ['events', 'plans', 'deliveries', 'attempts']) {
      expect((await partitionsOf(table)).map((name) => name.slice(-8))).toEqual(before.map((name) => name.slice(-8)).filter((week) => !kept?.weeks.includes(week)));
    }
    expect((await keepHouse(depsWith()))?.weeks).toEqual([]);
  });

  it('are over with their last day, not with their first', async () => {
    await past(30);
    expect((await keepHouse(depsWith()))?.weeks).toEqual([]);
    await past(37.1);
    expect((await keepHouse(depsWith()))?.weeks).toHaveLength(1);
    expect(await countAll()).toEqual([1, 1, 1, 1]);
  });

  it.each([
    ['is held', { status: 'HELD', way: 'lane' }],
    ['waits in a lane', { status: 'PENDING', way: 'lane' }],
    ['waits for its retry', { status: 'RETRYING', way: 'retry' }],
    ['has its first attempt under way', { status: 'PENDING', way: 'fast', outcome: null }],
  ])('stay while a delivery of them %s', async (_, fields) => {
    const { eventId } = await past(50, fields);
    const kept = await keepHouse(depsWith());
    expect(kept).toMatchObject({ weeks: [], stay: [expect.stringMatching(/^\d{8}$/)] });
    expect(await countAll()).toEqual([1, 1, 1, 1]);

    await database.db.query({ text: `update deliveries set status = 'EXHAUSTED', next_attempt_at = null where event_id = $1`, values: [eventId] });
    await database.db.query({ text: `update attempts set outcome = 'unknown' where event_id = $1`, values: [eventId] });
    expect(await keepHouse(depsWith())).toMatchObject({ weeks: kept?.stay, stay: [] });
    expect(await countAll()).toEqual([0, 0, 0, 0]);
  });

  it('do not stay for an attempt that a lost worker left open of a delivery that was cancelled then', async () => {
    await past(50, { status: 'CANCELLED', outcome: null });
    expect(await keepHouse(depsWith())).toMatchObject({ weeks: [] });
    await database.db.transaction((trx) => reconcile(trx, { lookBackMinutes: 60, turn: 1 }));
    expect((await keepHouse(depsWith()))?.weeks).toHaveLength(1);
    expect(await countAll()).toEqual([0, 0, 0, 0]);
  });

  it('stay while work of theirs waits in the outbox: an event that nobody has planned in all that time', async () => {
    const { eventId } = await past(50);
    await database.db.query({ text: `insert into outbox (kind, workspace_id, event_id) values ('event', $1, $2)`, values: [workspaceId, eventId] });
    expect(await keepHouse(depsWith())).toMatchObject({ weeks: [] });
    await database.db.query({ text: 'delete from outbox' });
    expect((await keepHouse(depsWith()))?.weeks).toHaveLength(1);
  });

  it('stay for as long as a delivery of any endpoint may last: what it may be held, and its schedule', async () => {
    await past(60);
    const sick = await makeEndpoint(database.db, workspaceId, { policy: { holdFor: '60d', retry: { delays: ['7d', '7d'] } } });
    expect(await keepHouse(depsWith())).toMatchObject({ weeks: [], stay: [] });
    await database.db.query({ text: `update endpoints set policy = '{"holdFor":"20d"}' where id = $1`, values: [sick] });
    expect((await keepHouse(depsWith()))?.weeks).toHaveLength(1);
  });

  it('go by the setting', async () => {
    await past(17);
    expect((await keepHouse(depsWith({ RETENTION_DAYS: '20' })))?.weeks).toEqual([]);
    // Two weeks of hold, the schedule of 3.2 days with its jitter, and the rest of its own week.
    await past(25.3);
    expect((await keepHouse(depsWith({ RETENTION_DAYS: '1' })))?.weeks).toHaveLength(1);
  });

  it('are not waited for at the cost of others: somebody reads for long, and who writes is kept waiting for an instant only', async () => {
    await past(60);
    let letGo = (): void => undefined;
    const reading = database.db.transaction(async (trx) => {
      await trx.query({ text: 'select count(*) from deliveries' });
      await new Promise<void>((resolve) => { letGo = resolve; });
    });
    await until(async () => (await database.db.query({ text: `select 1 from pg_locks where relation = 'deliveries'::regclass and pid <> pg_backend_pid()` })).length > 0);

    const stopping = new AbortController();
    const keeping = keepHouse(depsWith(), { signal: stopping.signal });
    const longest = { ms: 0, writes: 0 };
    while (longest.writes < 40) {
      const began = performance.now();
      await makeEvents(database.db, workspaceId, 1);
      longest.ms = Math.max(longest.ms, performance.now() - began);
      longest.writes += 1;
    }
    stopping.abort();
    expect(await keeping).toMatchObject({ weeks: [], stay: [expect.any(String)] });
    // Far less than the reader takes, which has no end here; four locks of 50 ms are the bound on an idle machine.
    expect(longest.ms).toBeLessThan(3_000);

    letGo();
    await reading;
    expect((await keepHouse(depsWith()))?.weeks).toHaveLength(1);
  });

  it('are dropped under writers, who do not notice', async () => {
    for (const days of [60, 53, 46]) await past(days);
    let isOver = false;
    let written = 0;
    const writers = [1, 2, 3, 4].map(async () => {
      while (!isOver) {
        const ids = await makeEvents(database.db, workspaceId, 5);
        written += ids.length;
        await database.db.query({ name: 'reads-all', text: 'select count(*) from deliveries d left join attempts a on a.event_id = d.event_id' });
      }
    });
    try {
      // A turn tries each week five times, with two seconds in between.
      await until(async () => (await keepHouse(depsWith())) && (await count('plans')) === 0, { deadlineMs: 90_000 });
    } finally {
      isOver = true;
    }
    await Promise.all(writers);
    expect(written).toBeGreaterThan(0);
    expect((await countAll())[0]).toBe(written);
  });
});

describe('A turn', () => {
  it('is one worker\'s: others that come meanwhile leave it alone', async () => {
    await past(60);
    const turns = await Promise.all([1, 2, 3].map(() => keepHouse(depsWith())));
    expect(turns.flatMap((kept) => kept?.weeks ?? [])).toHaveLength(1);
    expect(turns.filter((kept) => kept === null).length).toBeGreaterThan(0);
  });

  it('forgets answers after a day, dedupe ids with the events, and the audit trail after a year, in slices', async () => {
    const many = 2 * SLICE + 10;
    await database.db.query({
      text: `insert into idempotency_keys (workspace_id, key, fingerprint, status, created_at)
             select $1, 'k' || n, '', 200, now() - n * interval '12 hours' from generate_series(0, 4) n`,
      values: [workspaceId],
    });
    await database.db.query({
      text: `insert into external_ids (workspace_id, external_id, event_id, created_at)
             select $1, 'x' || n, 'evt_' || n, now() - case when n <= $2 then interval '31 days' else interval '29 days' end from generate_series(1, $2 + 3) n`,
      values: [workspaceId, many],
    });
    for (const days of [366, 364, 1]) {
      await database.db.query({
        text: `insert into audit (id, workspace_id, actor, action, subject_id, detail) values ($1, $2, 'root', 'rule.create', 'rul_1', '{}')`,
        values: [await idFrom(database.db, 'aud', days), workspaceId],
      });
    }
    expect(await keepHouse(depsWith())).toMatchObject({ rows: many + 3 + 1 });
    expect([await count('idempotency_keys'), await count('external_ids'), await count('audit')]).toEqual([2, 3, 2]);
  });

  it('removes jobs that ended so long ago, with their entries, and none that is under way', async () => {
    await database.db.query({
      text: `insert into jobs (id, workspace_id, kind, status, parameters, total, finished_at)
             select 'job_' || n, $1, 'bulk', case when n = 3 then 'PAUSED' else 'COMPLETED' end, '{}', 2, case when n < 3 then now() - n * interval '20 days' end
             from generate_series(1, 3) n`,
      values: [workspaceId],
    });
    await database.db.query({ text: `insert into job_entries (job_id, index, status) select 'job_' || n, i, 'done' from generate_series(1, 3) n, generate_series(0, 1) i` });
    await keepHouse(depsWith());
    expect([await count('jobs'), await count('job_entries')]).toEqual([2, 4]);
  });

  it('removes files a day after the last event could link to them, but none that an object names', async () => {
    const file = async (days: number): Promise<string> => {
      const id = await idFrom(database.db, 'fil', days);
      await database.db.query({
        text: `insert into files (id, workspace_id, content_type, size, content, created_at) values ($1, $2, 'text/plain', 1, 'x', now() - $3 * interval '1 day')`,
        values: [id, workspaceId, days],
      });
      return id;
    };
    const [unused, named, young] = [await file(32), await file(32), await file(30.5)];
    await database.db.query({
      text: `insert into objects (id, workspace_id, kind, type, attributes) values ('rec_1', $1, 'record', 'client', $2)`,
      values: [workspaceId, JSON.stringify({ files: [{ fileId: named }], other: 'fil_' })],
    });
    expect(await keepHouse(depsWith(), { turn: 1 })).toMatchObject({ files: 0 });
    expect(await keepHouse(depsWith(), { turn: 24 })).toMatchObject({ files: 1 });
    const left = await database.db.query<{ id: string }>({ text: 'select id from files' });
    expect(left.map(({ id }) => id).sort()).toEqual([named, young].sort());
    expect(left.map(({ id }) => id)).not.toContain(unused);
  });
});

it('A housekeeper takes its first turn by itself, the next after a while, and stops in between', async () => {
  await past(60);
  const housekeeper = startHousekeeper(depsWith(), 30);
  await until(async () => (await count('events')) === 0);
  await past(60);
  await until(async () => (await count('events')) === 0);
  await housekeeper.stop();
  await past(60);
  expect(await count('events')).toBe(1);
});
