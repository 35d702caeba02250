import { createOnce } from '../../src/receiver';

test('what was done is not done again, what failed is', async () => {
  const once = createOnce();
  const done: string[] = [];
  const fail = (): never => {
    throw new Error('no disk');
  };
  await expect(once('evt_1', fail)).rejects.toThrow('no disk');
  expect(await once('evt_1', () => done.push('one'))).toBe(true);
  expect(await once('evt_1', () => done.push('one again'))).toBe(false);
  expect(await once('evt_2', () => done.push('two'))).toBe(true);
  expect(done).toEqual(['one', 'two']);
});

test('two at the same time are one, and hear of its failure both', async () => {
  const once = createOnce();
  let finish = (_error: Error | null): void => undefined;
  const run = (): Promise<void> => new Promise((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve());
  });
  const failing = [once('evt_1', run), once('evt_1', run)];
  finish(new Error('no disk'));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const going = [once('evt_1', run), once('evt_1', run)];
  finish(null);
  expect(await Promise.all(going)).toEqual([true, false]);
});

test('it remembers so many and no more', async () => {
  const once = createOnce(2);
  for (const id of ['a', 'b', 'c']) await once(id, () => undefined);
  expect([await once('c', () => undefined), await once('b', () => undefined), await once('a', () => undefined)]).toEqual([false, false, true]);
});
