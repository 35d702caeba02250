import { type Stage, type StageSetting, useService } from '../support/stage';

type Hook = () => Promise<void>;

/** A stage whose hooks are not jest's, but ours to call. */
function staged(setting: StageSetting): { stage: Stage; open: Hook; close: Hook } {
  const { beforeAll, afterAll } = globalThis;
  const hooks: Hook[] = [];
  const keep = (hook: unknown): void => void hooks.push(hook as Hook);
  Object.assign(globalThis, { beforeAll: keep, afterAll: keep });
  try {
    const stage = useService(setting);
    return { stage, open: hooks[0]!, close: hooks[1]! };
  } finally {
    Object.assign(globalThis, { beforeAll, afterAll });
  }
}

test('what was opened is closed though the rest could not be, the last one first, and though closing fails', async () => {
  const closed: string[] = [];
  const { stage, open, close } = staged((later) => {
    later(() => closed.push('first'));
    later(() => {
      closed.push('second');
      throw new Error('of the second');
    });
    later(() => Promise.reject(new Error('of the third')));
    throw new Error('of what comes after them');
  });
  await expect(open()).rejects.toThrow('of what comes after them');
  await expect(close()).rejects.toThrow('of the third');
  expect(closed).toEqual(['second', 'first']);
  expect(() => stage.service.db).toThrow('The service is there only while tests run');
  await close();
  expect(closed).toEqual(['second', 'first']);
});

test('a receiver is closed though no service comes up', async () => {
  const { stage, open, close } = staged({ env: { POSTHORN_ROOT_KEY: 'too short' } });
  await expect(open()).rejects.toThrow('POSTHORN_ROOT_KEY');
  const { url } = stage.receiver;
  expect((await fetch(url)).status).toBe(200);
  await close();
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});
