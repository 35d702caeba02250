import { createNewId } from '../../src/ids';
import { claimExternalIds, insertEvents, type NewEvent } from '../../src/store/event-insert';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
beforeAll(async () => void (database = await freshDatabase()));
afterAll(() => database.drop());

const newId = createNewId();
const event = (externalId: string | null, data = '1', workspaceId = 'wsp_1'): NewEvent => ({
  id: newId('event'), workspaceId, externalId, type: 't', sequence: null, causedBy: null, objectKind: null, objectId: null,
  object: null, previous: null, changes: null, data, actor: null, occurredAt: new Date(0),
});
const rows = async (table: string, ids: readonly string[]): Promise<number> => {
  const column = table === 'events' ? 'id' : 'event_id';
  return (await database.db.query({ text: `select from ${table} where ${column} = any($1)`, values: [ids] })).length;
};

it('stores each event with one outbox row, in the order given', async () => {
  const events = Array.from({ length: 50 }, (_, n) => event(null, JSON.stringify(`"{},\\ ${n} NULL é \n`)));
  expect(await insertEvents(database.db, events)).toEqual(events.map(({ id }) => ({ id, duplicate: false })));
  const told = await database.db.query<{ event_id: string; data: string }>({
    text: 'select o.event_id, e.data from outbox o join events e on e.id = o.event_id where o.event_id = any($1) order by o.id',
    values: [events.map(({ id }) => id)],
  });
  expect(told).toEqual(events.map(({ id, data }) => ({ event_id: id, data })));
});

it('stores nothing of a duplicate, within a call and across calls, and nothing at all for none', async () => {
  const [a, b, c, alone] = [event('x'), event('x'), event('y'), event(null)];
  expect(await insertEvents(database.db, [a, b, alone, c])).toEqual([
    { id: a.id, duplicate: false }, { id: a.id, duplicate: true }, { id: alone.id, duplicate: false }, { id: c.id, duplicate: false },
  ]);
  const [again, other] = [event('y'), event('y', '1', 'wsp_2')];
  expect(await insertEvents(database.db, [again, other])).toEqual([{ id: c.id, duplicate: true }, { id: other.id, duplicate: false }]);
  const ids = [a, b, c, alone, again, other].map(({ id }) => id);
  for (const table of ['events', 'outbox']) expect([table, await rows(table, ids)]).toEqual([table, 4]);
  expect(await insertEvents(database.db, [])).toEqual([]);
});

it('agrees on the first event when calls with the same ids, in any order, run at once', async () => {
  const names = Array.from({ length: 20 }, (_, n) => `shared-${n}`);
  const calls = Array.from({ length: 20 }, (_, n) => (n % 2 ? names : [...names].reverse()).map((name) => event(name)));
  const answers = await Promise.all(calls.map((events) => insertEvents(database.db, events)));
  const firstOf = new Map<string, Set<string>>();
  answers.forEach((answer, n) => answer.forEach(({ id }, m) => {
    const name = calls[n]?.[m]?.externalId ?? '';
    firstOf.set(name, (firstOf.get(name) ?? new Set()).add(id));
  }));
  expect([...firstOf.values()].map(({ size }) => size)).toEqual(names.map(() => 1));
  expect(answers.flat().filter(({ duplicate }) => !duplicate)).toHaveLength(names.length);
  expect(await rows('events', calls.flat().map(({ id }) => id))).toBe(names.length);
});

it('tells whose each external id is, when ids are claimed before their events are stored', async () => {
  const [a, b, none] = [event('claim'), event('claim'), event(null)];
  expect(await database.db.transaction((trx) => claimExternalIds(trx, [a, none, b]))).toEqual([a.id, null, a.id]);
  expect(await database.db.transaction((trx) => claimExternalIds(trx, [event('claim')]))).toEqual([a.id]);
});
