import { createGroupCommit } from '../src/group-commit';

describe('A group commit', () => {
  it('writes together what comes while others write, and answers each its own', async () => {
    const batches: number[][] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const commit = createGroupCommit<number, string>({ writers: 1, largest: 10 }, async (items) => {
      batches.push([...items]);
      if (batches.length === 1) await held;
      return items.map((n) => `wrote ${n}`);
    });
    const first = commit.add(1);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const others = [commit.add(2), commit.add(3)];
    release();
    expect(await first).toBe('wrote 1');
    expect(await Promise.all(others)).toEqual(['wrote 2', 'wrote 3']);
    expect(batches).toEqual([[1], [2, 3]]);
  });

  it('writes no more than the largest batch at once, and no more batches than writers', async () => {
    let active = 0;
    let most = 0;
    const sizes: number[] = [];
    const commit = createGroupCommit<number, number>({ writers: 2, largest: 3 }, async (items) => {
      active += 1;
      most = Math.max(most, active);
      sizes.push(items.length);
      await new Promise(setImmediate);
      active -= 1;
      return items;
    });
    await Promise.all(Array.from({ length: 20 }, (_, n) => commit.add(n)));
    expect(most).toBe(2);
    expect(Math.max(...sizes)).toBe(3);
  });

  it('fails all of a batch that fails, and none of the next', async () => {
    let fails = true;
    const commit = createGroupCommit<number, number>({ writers: 1, largest: 10 }, async (items) => {
      if (fails) throw new Error('away');
      return items;
    });
    await expect(commit.add(1)).rejects.toThrow('away');
    fails = false;
    await expect(commit.add(2)).resolves.toBe(2);
  });

  it('is drained when nothing is left to be written', async () => {
    let written = 0;
    const commit = createGroupCommit<number, number>({ writers: 1, largest: 1 }, async (items) => {
      await new Promise(setImmediate);
      written += items.length;
      return items;
    });
    void Promise.all([commit.add(1), commit.add(2), commit.add(3)]);
    await commit.drain();
    expect(written).toBe(3);
    await commit.drain();
  });
});
