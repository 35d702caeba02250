import fc from 'fast-check';
import { firstId, lastId, MOST_TRIED } from '../../src/store/lists';
import { listEvents, type EventFilters } from '../../src/store/events';
import { makeWorkspace } from '../support/make';
import { freshDatabase, type TestDatabase } from '../support/postgres';

const EVENTS = 12_500;
/** Places, from the newest, of the few events that the filters pass: around the edges of what one page looks at. */
const RARE = [0, 7, 4_998, 4_999, 5_000, 5_001, 9_999, 10_000, 12_499];

let database: TestDatabase;
let workspaceId: string;
let ids: string[];
beforeAll(async () => {
  database = await freshDatabase();
  workspaceId = await makeWorkspace(database.db);
  const rows = await database.db.query<{ id: string }>({
    text: `insert into events (id, workspace_id, type, data, occurred_at)
           select id_floor('evt', now()) || lpad(n::text, 16, '0'), $1, case when $2 - n = any($3::int[]) then 'rare' else 'common' end, '{}', now()
           from generate_series(1, $2::int) n returning id`,
    values: [workspaceId, EVENTS, RARE],
  });
  ids = rows.map(({ id }) => id).sort().reverse();
});
afterAll(() => database.drop());

/** All pages, to the last. */
async function pages(filters: EventFilters, limit: number): Promise<string[][]> {
  const read: string[][] = [];
  for (let below = lastId('event'); ;) {
    const { rows, readTo } = await listEvents(database.db, workspaceId, { below, from: firstId('event'), limit }, filters);
    const page = rows.slice(0, limit).map(({ id }) => id);
    read.push(page);
    const next = rows.length > limit ? page.at(-1) : readTo;
    if (!next) return read;
    below = next;
  }
}

test('Page by page a list shows all that passes its filters, once, in order, whatever the size of a page', () =>
  fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 12 }), async (limit) => {
    expect((await pages({ type: 'rare' }, limit)).flat()).toEqual(RARE.map((place) => ids[place]));
  }), { numRuns: 8 }));

test('A page that nothing passes is empty and has a next one, until the end of the list', async () => {
  const read = await pages({ type: 'none' }, 50);
  expect(read.flat()).toEqual([]);
  expect(read).toHaveLength(Math.floor(EVENTS / MOST_TRIED) + 1);
});

test('A page of what all pass is full, and a list without filters is as it was', async () => {
  expect((await pages({ type: 'common' }, 250)).slice(0, -1).every((page) => page.length === 250)).toBe(true);
  expect((await pages({ delivered: [null], type: 'rare' }, 3)).flat()).toHaveLength(RARE.length);
  expect((await pages({}, 250)).flat()).toEqual(ids);
});
