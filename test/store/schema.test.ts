import { freshDatabase, type TestDatabase } from '../support/postgres';

describe('The schema', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.drop());

  it('has partitions for this week and the eight that follow', async () => {
    for (const parent of ['events', 'plans', 'deliveries', 'attempts']) {
      const rows = await database.db.query<{ name: string }>({
        text: 'select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass',
        values: [parent],
      });
      expect(rows.length).toBeGreaterThanOrEqual(9);
    }
  });
});
