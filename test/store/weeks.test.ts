import { idFloor } from '../../src/domain/ids';
import { inTheirWeeks, weekOf } from '../../src/store/partitions';
import { freshDatabase, type TestDatabase } from '../support/postgres';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const eventAt = (ms: number): string => `${idFloor('event', ms)}${'0'.repeat(16)}`;

it('the week of an event is that of its partition', async () => {
  const parts = await database.db.query<{ week: string; from: string; to: string }>({
    text: `select right(inhrelid::regclass::text, 8) as week, b[1] as from, b[2] as to
           from pg_inherits join pg_class on oid = inhrelid, regexp_match(pg_get_expr(relpartbound, oid), 'FROM \\(''(.*)''\\) TO \\(''(.*)''\\)') b
           where inhparent = 'events'::regclass`,
  });
  expect(parts.length).toBeGreaterThan(8);
  const inWeek = (id: string): string | undefined => parts.find(({ from, to }) => id >= from && id < to)?.week;
  for (let ms = Date.now(), end = ms + 40 * 86_400_000; ms < end; ms += 3_600_000) expect([ms, weekOf(eventAt(ms))]).toEqual([ms, inWeek(eventAt(ms))]);
  for (const { week, from, to } of parts.filter((one) => one !== parts.at(-1))) expect([weekOf(`${from}${'0'.repeat(16)}`), weekOf(`${to}${'0'.repeat(16)}`) > week]).toEqual([week, true]);
});

it('rows are worked on week by week, and those of a week that is gone are left out', async () => {
  const now = Date.now();
  const rows = [now, 0, now + 7 * 86_400_000, now + 1].map((ms) => ({ eventId: eventAt(ms) }));
  const answers = await inTheirWeeks(rows, async (week, some) => {
    await database.db.query({ text: `select 1 from events_${week} where id = any($1)`, values: [some.map(({ eventId }) => eventId)] });
    return some.map(({ eventId }) => [week, eventId]);
  });
  expect(answers).toEqual([rows[0], rows[3], rows[2]].map((row) => [weekOf(row!.eventId), row!.eventId]));
  await expect(inTheirWeeks(rows, () => database.db.query({ text: 'select 1 / 0' }))).rejects.toThrow('division by zero');
});
