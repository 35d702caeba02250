import { effectivePolicy } from '../../src/domain/dialect';
import type { Policy } from '../../src/domain/policy';
import { createGate } from '../../src/engine/gate';

const policy = (fields: Partial<Policy>): Policy => ({ ...effectivePolicy('standard', {}), ...fields });

describe('The gate', () => {
  it('lets as many in as there are places, and the next when one leaves', async () => {
    const gate = createGate();
    const two = policy({ maxInFlight: 2, ratePerSecond: 1_000 });
    const first = await gate.enter('ep', two, 0, 'first');
    expect(await gate.enter('ep', two, 0, 'first')).not.toBeNull();
    expect(await gate.enter('ep', two, 0, 'first')).toBeNull();
    const third = gate.enter('ep', two, 5_000, 'first');
    first?.();
    expect(await third).not.toBeNull();
    expect(gate.inFlight('ep')).toBe(2);
  });

  it('gives a place back once, however often it is told', async () => {
    const gate = createGate();
    const one = policy({ maxInFlight: 1, ratePerSecond: 1_000 });
    const release = await gate.enter('ep', one, 0, 'first');
    release?.();
    release?.();
    expect(gate.inFlight('ep')).toBe(0);
  });

  it('lets a second of the rate through at once, and the rest as tokens come', async () => {
    let now = 0;
    const gate = createGate(() => now);
    const ten = policy({ maxInFlight: 200, ratePerSecond: 10 });
    for (let n = 0; n < 10; n += 1) expect(await gate.enter('ep', ten, 0, 'first')).not.toBeNull();
    expect(await gate.enter('ep', ten, 0, 'first')).toBeNull();
    now += 100;
    expect(await gate.enter('ep', ten, 0, 'first')).not.toBeNull();
    expect(await gate.enter('ep', ten, 0, 'first')).toBeNull();
  });

  it('lets those in who may have more places, as tokens come, beside one that waits to be alone', async () => {
    const gate = createGate();
    const ten = policy({ maxInFlight: 200, ratePerSecond: 10 });
    for (let n = 0; n < 10; n += 1) await gate.enter('ep', ten, 0, 'first');
    const waiting = [1, 2].map(() => gate.enter('ep', ten, 2_000, 'first'));
    const alone = gate.enter('ep', { ...ten, maxInFlight: 1 }, 1_000, 'retry');
    expect(await Promise.all(waiting)).toEqual([expect.any(Function), expect.any(Function)]);
    expect(await alone).toBeNull();
  });

  it('answers null to whom no place came in time, and forgets them', async () => {
    const gate = createGate();
    const one = policy({ maxInFlight: 1, ratePerSecond: 1_000 });
    const release = await gate.enter('ep', one, 0, 'first');
    expect(await gate.enter('ep', one, 20, 'first')).toBeNull();
    release?.();
    expect(await gate.enter('ep', one, 0, 'first')).not.toBeNull();
  });

  it('shares the caps between workers, rounded up', async () => {
    const gate = createGate();
    gate.setWorkers(2);
    const five = policy({ maxInFlight: 5, ratePerSecond: 1_000 });
    for (let n = 0; n < 3; n += 1) expect(await gate.enter('ep', five, 0, 'first')).not.toBeNull();
    expect(await gate.enter('ep', five, 0, 'first')).toBeNull();
  });

  it('lets first attempts, retries and the lane of an endpoint in by turns, however many of each wait', async () => {
    const gate = createGate();
    const one = policy({ maxInFlight: 1, ratePerSecond: 1_000 });
    const order: string[] = [];
    const release = await gate.enter('ep', one, 0, 'first');
    const enter = async (as: 'first' | 'retry' | 'lane'): Promise<void> => {
      const leave = await gate.enter('ep', one, 5_000, as);
      order.push(as);
      leave?.();
    };
    const all = [...Array.from({ length: 20 }, () => enter('retry')), enter('first'), enter('first'), enter('lane')];
    release?.();
    await Promise.all(all);
    expect(order.slice(0, 6).sort()).toEqual(['first', 'first', 'lane', 'retry', 'retry', 'retry']);
  });

  it('has places of the worker for first attempts however many retries hang, and the other way round', async () => {
    const gate = createGate(undefined, { first: 4, later: 4 });
    const many = policy({ maxInFlight: 100, ratePerSecond: 1_000 });
    for (let n = 0; n < 10; n += 1) await gate.enter(`hanging ${n}`, many, 0, 'retry');
    expect(await gate.enter('ep', many, 0, 'lane')).toBeNull();
    expect(await gate.enter('ep', many, 0, 'first')).not.toBeNull();
  });

  it('leaves the last quarter of the worker\'s places to endpoints that have none, and passes them on', async () => {
    const gate = createGate(undefined, { first: 8, later: 8 });
    const many = policy({ maxInFlight: 100, ratePerSecond: 1_000 });
    const taken = await Promise.all(Array.from({ length: 10 }, () => gate.enter('greedy', many, 0, 'first')));
    expect(taken.filter(Boolean)).toHaveLength(6);
    const others = await Promise.all(['a', 'b', 'c'].map((id) => gate.enter(id, many, 0, 'first')));
    expect(others.filter(Boolean)).toHaveLength(2);
    const next = gate.enter('c', many, 5_000, 'first');
    taken[0]?.();
    expect(await next).not.toBeNull();
    expect(gate.inFlight('greedy')).toBe(5);
  });

  it('says that it is crowded when all that are in hang', async () => {
    let now = 0;
    const gate = createGate(() => now);
    const two = policy({ maxInFlight: 2, ratePerSecond: 1_000 });
    const release = await gate.enter('ep', two, 0, 'first');
    await gate.enter('ep', two, 0, 'first');
    expect(gate.isCrowded('ep', two, 250)).toBe(false);
    now = 1_001;
    expect(gate.isCrowded('ep', two, 250)).toBe(true);
    release?.();
    expect(gate.isCrowded('ep', two, 250)).toBe(false);
  });

  it('keeps endpoints apart', async () => {
    const gate = createGate();
    const one = policy({ maxInFlight: 1 });
    expect(await gate.enter('a', one, 0, 'first')).not.toBeNull();
    expect(await gate.enter('b', one, 0, 'first')).not.toBeNull();
  });

  it('says that it is crowded when more wait than tokens come in time', async () => {
    const gate = createGate();
    const slow = policy({ maxInFlight: 1, ratePerSecond: 4 });
    const release = await gate.enter('ep', slow, 0, 'first');
    const waiting = [gate.enter('ep', slow, 10_000, 'first'), gate.enter('ep', slow, 10_000, 'first')];
    expect(gate.isCrowded('ep', slow, 250)).toBe(true);
    expect(gate.isCrowded('ep', slow, 1_000)).toBe(false);
    release?.();
    for (const one of waiting) (await one)?.();
  });

  describe('while an endpoint is drained', () => {
    const ten = policy({ maxInFlight: 200, ratePerSecond: 10 });
    /** Lets so many seconds go by in steps of 10 ms, in which both streams always have one more to send. */
    async function contend(gate: ReturnType<typeof createGate>, tick: () => void, seconds: number): Promise<{ first: number; drain: number }> {
      const through = { first: 0, drain: 0 };
      for (let n = 0; n < seconds * 100; n += 1) {
        tick();
        for (const stream of ['drain', 'first'] as const) {
          const release = await gate.enter('ep', ten, 0, stream);
          if (release) through[stream] += 1;
          release?.();
        }
      }
      return through;
    }

    it('gives the drain a fifth of the rate while live ones come', async () => {
      let now = 0;
      const gate = createGate(() => now);
      for (let n = 0; n < 10; n += 1) (await gate.enter('ep', ten, 0, 'first'))?.();
      const { first, drain } = await contend(gate, () => void (now += 10), 10);
      expect(first + drain).toBeGreaterThanOrEqual(99);
      expect(drain).toBeGreaterThanOrEqual(18);
      expect(drain).toBeLessThanOrEqual(22);
    });

    it('gives the drain what live ones leave of the rate', async () => {
      let now = 0;
      const gate = createGate(() => now);
      const hundred = policy({ maxInFlight: 200, ratePerSecond: 100 });
      for (let n = 0; n < 100; n += 1) (await gate.enter('ep', hundred, 0, 'first'))?.();
      const through = { first: 0, drain: 0 };
      // Ten live ones a second, of a hundred that may leave; the first two seconds remember those that used up what was saved.
      for (let n = 0; n < 1_000; n += 1) {
        now += 10;
        for (const stream of ['drain', ...(n % 10 === 0 ? ['first'] : [])] as ('first' | 'drain')[]) {
          const release = await gate.enter('ep', hundred, 0, stream);
          if (release) through[stream] += 1;
          release?.();
        }
      }
      expect(through.first).toBeGreaterThanOrEqual(95);
      expect(through.drain).toBeGreaterThanOrEqual(8 * 80);
    });

    it('gives it all of the rate when none come, a second later', async () => {
      let now = 0;
      const gate = createGate(() => now);
      (await gate.enter('ep', ten, 0, 'first'))?.();
      let through = 0;
      for (let n = 0; n < 300; n += 1) {
        now += 10;
        const release = await gate.enter('ep', ten, 0, 'drain');
        if (release) through += 1;
        release?.();
      }
      // A second at a fifth, what was saved up, and two seconds at all of it.
      expect(through).toBeGreaterThanOrEqual(29);
      gate.noteLive('ep');
      expect(await gate.enter('ep', ten, 0, 'drain')).toBeNull();
    });

    it('gives it a fifth of the places, and never less than one', async () => {
      let now = 0;
      const gate = createGate(() => now);
      const slow = policy({ maxInFlight: 10, ratePerSecond: 1_000 });
      const places = [await gate.enter('ep', slow, 0, 'first'), await gate.enter('ep', slow, 0, 'drain')];
      // The drain's own tokens come by the clock; within a second of the live one the drain is not alone.
      now += 50;
      places.push(await gate.enter('ep', slow, 50, 'drain'));
      expect(places.every((place) => place !== null)).toBe(true);
      now += 50;
      expect(await gate.enter('ep', slow, 20, 'drain')).toBeNull();
      expect(await gate.enter('ep', slow, 0, 'first')).not.toBeNull();
      const one = policy({ maxInFlight: 1, ratePerSecond: 1_000 });
      (await gate.enter('small', one, 0, 'first'))?.();
      expect(await gate.enter('small', one, 0, 'drain')).not.toBeNull();
    });

    it('lets one of the drain through for each four live ones that wait for the same place', async () => {
      const gate = createGate();
      const one = policy({ maxInFlight: 1, ratePerSecond: 10_000 });
      const first = await gate.enter('ep', one, 0, 'first');
      const order: string[] = [];
      const waiting = (['drain', 'drain', ...Array(12).fill('first')] as ('first' | 'drain')[]).map(async (stream) => {
        const release = await gate.enter('ep', one, 5_000, stream);
        order.push(stream);
        // The drain's own tokens come by the clock.
        setTimeout(() => release?.(), 2);
      });
      first?.();
      await Promise.all(waiting);
      expect(order.slice(0, 10).filter((stream) => stream === 'drain')).toHaveLength(2);
      expect(order.indexOf('drain')).toBeGreaterThanOrEqual(3);
    });

    it('does not count retries as live', async () => {
      let now = 0;
      const gate = createGate(() => now);
      const hundred = policy({ maxInFlight: 200, ratePerSecond: 100 });
      for (let n = 0; n < 50; n += 1) {
        now += 20;
        (await gate.enter('ep', hundred, 0, 'retry'))?.();
        const release = await gate.enter('ep', hundred, 0, 'drain');
        expect(release).not.toBeNull();
        release?.();
      }
    });
  });
});
