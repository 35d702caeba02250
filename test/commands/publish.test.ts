import { createPublisher } from '../../src/commands/publish';
import type { Sql, Statement } from '../../src/store/db';
import type { NewEvent } from '../../src/store/event-insert';
import { createNewId } from '../../src/ids';

const newId = createNewId();
const event = (data = '1'): NewEvent => ({
  id: newId('event'), workspaceId: 'wsp_1', externalId: null, type: 't', sequence: null, causedBy: null, objectKind: null, objectId: null,
  object: null, previous: null, changes: null, data, actor: null, occurredAt: new Date(),
});

/** A database whose statements end when they are told to. */
function slowDb() {
  const statements: { readonly sizes: number; readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const db: Sql = {
    query: <R>({ values }: Statement) => new Promise<R[]>((resolve, reject) => {
      statements.push({ sizes: (values?.[0] as unknown[]).length, end: () => resolve([]), fail: reject });
    }),
  };
  return { db, statements };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('has at most three statements under way, and the next one takes all that wait', async () => {
  const { db, statements } = slowDb();
  const publisher = createPublisher(db, () => undefined);
  const answers: Promise<unknown>[] = [];
  for (let n = 0; n < 3; n++) {
    answers.push(publisher.publish(event()));
    await turn();
  }
  for (let n = 0; n < 20; n++) answers.push(publisher.publish(event()));
  await turn();
  expect(statements.map(({ sizes }) => sizes)).toEqual([1, 1, 1]);
  statements[1]?.end();
  await answers[1];
  await turn();
  expect(statements.map(({ sizes }) => sizes)).toEqual([1, 1, 1, 20]);
  statements.forEach(({ end }) => end());
  await Promise.all(answers);
});

it('answers each event after its own commit, and announces then', async () => {
  const { db, statements } = slowDb();
  let announced = 0;
  const publisher = createPublisher(db, () => announced++);
  let answered = false;
  const answer = publisher.publish(event()).then((inserted) => {
    answered = true;
    return inserted;
  });
  await turn();
  expect([answered, announced]).toEqual([false, 0]);
  statements[0]?.end();
  expect((await answer).duplicate).toBe(false);
  expect(announced).toBe(1);
});

it('lets an event that the database refuses take no others with it', async () => {
  const stored: string[] = [];
  const db: Sql = {
    query: <R>({ values }: Statement) => {
      const data = values?.[11] as string[];
      if (data.includes('bad')) return Promise.reject<R[]>(Object.assign(new Error('refused'), { code: '22021' }));
      stored.push(...data);
      return Promise.resolve<R[]>([]);
    },
  };
  const publisher = createPublisher(db, () => undefined);
  const settled = await Promise.allSettled(['1', 'bad', '2'].map((data) => publisher.publish(event(data))));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(stored).toEqual(['1', '2']);
});

it('tries only once while the database is away', async () => {
  const { db, statements } = slowDb();
  const publisher = createPublisher(db, () => undefined);
  const answers = Promise.allSettled([publisher.publish(event()), publisher.publish(event())]);
  await turn();
  statements[0]?.fail(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }));
  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(statements).toHaveLength(1);
});

it('refuses with 429 when too many wait', async () => {
  const { db, statements } = slowDb();
  const publisher = createPublisher(db, () => undefined, { statements: 1, batch: 10, waiting: 2 });
  const answers = [publisher.publish(event()), publisher.publish(event())];
  await expect(publisher.publish(event())).rejects.toMatchObject({ code: 'too_many_requests', retryAfterSeconds: 1 });
  await turn();
  statements.forEach(({ end }) => end());
  await Promise.all(answers);
});
