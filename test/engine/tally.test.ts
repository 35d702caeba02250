import { Tally } from '../../src/engine/tally';
import { startScribe } from '../../src/relay/scribe';
import { createLog } from '../../src/log';
import { addStats, readStats, WHOLE, type StatsRow } from '../../src/store/stats';
import { makeWorkspace } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';
import { until } from '../support/wait';

const HOUR = Date.UTC(2026, 0, 5, 10);
const attempt = { workspaceId: 'w', endpointId: 'e', isOk: true, durationMs: 12, status: 'DELIVERED', latencyMs: 30 };
const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

describe('A tally', () => {
  it('counts each attempt for its endpoint and for the workspace, in the hour in which it was over', () => {
    const tally = new Tally();
    tally.attempt(attempt, HOUR + 1);
    tally.attempt({ ...attempt, isOk: false, status: 'RETRYING', latencyMs: null }, HOUR + 2);
    tally.attempt({ ...attempt, endpointId: 'f', isOk: false, status: 'EXHAUSTED', latencyMs: null }, HOUR + 3_600_000);
    const rows = tally.take();
    const of = (endpointId: string, hourMs: number): StatsRow | undefined => rows.find((row) => row.endpointId === endpointId && row.hourMs === hourMs);
    expect(rows).toHaveLength(4);
    expect(of('e', HOUR)).toMatchObject({ delivered: 1, failedAttempts: 1, exhausted: 0 });
    expect(of(WHOLE, HOUR)).toMatchObject({ delivered: 1, failedAttempts: 1 });
    expect([sum(of('e', HOUR)?.durations ?? []), sum(of('e', HOUR)?.latencies ?? [])]).toEqual([2, 1]);
    expect(of('f', HOUR + 3_600_000)).toMatchObject({ delivered: 0, failedAttempts: 1, exhausted: 1 });
    expect(tally.take()).toEqual([]);
  });

  it('counts events in the hours in which they were accepted', () => {
    const tally = new Tally();
    tally.events('w', [HOUR - 1, HOUR, HOUR + 5, HOUR - 2]);
    expect(tally.take().map(({ hourMs, events }) => [hourMs, events])).toEqual([[HOUR - 3_600_000, 2], [HOUR, 2]]);
  });
});

describe('A scribe', () => {
  let database: TestDatabase;
  let workspaceId: string;
  beforeAll(async () => {
    database = await freshDatabase();
    workspaceId = await makeWorkspace(database.db);
  });
  afterAll(() => database.drop());
  const read = () => readStats(database.db, workspaceId, 'e', new Date(HOUR), new Date(HOUR + 1));

  it('adds what several have counted, and writes at its end what is left', async () => {
    const tallies = [new Tally(), new Tally()];
    const scribes = tallies.map((tally) => startScribe({ db: database.db, log: createLog('silent') }, tally, 10));
    for (const tally of tallies) tally.attempt({ ...attempt, workspaceId, durationMs: 3 }, HOUR);
    await until(async () => (await read())[0]?.delivered === 2);
    for (const tally of tallies) tally.attempt({ ...attempt, workspaceId, durationMs: 500 }, HOUR);
    await Promise.all(scribes.map((scribe) => scribe.stop()));
    const [row] = await read();
    expect(row).toMatchObject({ delivered: 4, events: 0 });
    expect([row?.durations[2], sum(row?.durations ?? []), sum(row?.latencies ?? [])]).toEqual([2, 4, 4]);
  });

  it('keeps what could not be written until it can', async () => {
    const tally = new Tally();
    let fails = 2;
    const db = { ...database.db, query: <R>(statement: { text: string }) => (fails-- > 0 ? Promise.reject(new Error('away')) : database.db.query<R>(statement)) };
    const scribe = startScribe({ db, log: createLog('silent') }, tally, 10);
    tally.attempt({ ...attempt, workspaceId, endpointId: 'g' }, HOUR);
    tally.events(workspaceId, [HOUR]);
    await until(() => fails < 0);
    await scribe.stop();
    expect((await readStats(database.db, workspaceId, 'g', new Date(HOUR), new Date(HOUR + 1)))[0]).toMatchObject({ delivered: 1 });
    expect((await readStats(database.db, workspaceId, WHOLE, new Date(HOUR), new Date(HOUR + 1)))[0]).toMatchObject({ events: 1 });
  });

  it('is not stopped by a row of nothing but zeros', async () => {
    const empty = { workspaceId, endpointId: 'z', hourMs: HOUR, events: 0, owed: 0, delivered: 0, failedAttempts: 0, exhausted: 0, latencies: [], durations: [] };
    await addStats(database.db, [empty]);
    await addStats(database.db, [empty]);
    expect((await readStats(database.db, workspaceId, 'z', new Date(HOUR), new Date(HOUR + 1)))[0]).toMatchObject({ latencies: [], durations: [] });
  });
});
