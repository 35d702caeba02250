import { effectivePolicy } from '../../src/domain/dialect';
import type { Policy } from '../../src/domain/policy';
import { createGate } from '../../src/engine/gate';

const policy = (fields: Partial<Policy>): Policy => ({ ...effectivePolicy('standard', {}), ...fields });

describe('The gate', () => {
  it('lets as many in as there are places, and the next when one leaves', async () => {
    const gate = createGate();
    const two = policy({ maxInFlight: 2, ratePerSecond: 1_000 });
    const first = await gate.enter('ep', two, 0);
    expect(await gate.enter('ep', two, 0)).not.toBeNull();
    expect(await gate.enter('ep', two, 0)).toBeNull();
    const third = gate.enter('ep', two, 5_000);
    first?.();
    expect(await third).not.toBeNull();
    expect(gate.inFlight('ep')).toBe(2);
  });

  it('gives a place back once, however often it is told', async () => {
    const gate = createGate();
    const one = policy({ maxInFlight: 1, ratePerSecond: 1_000 });
    const release = await gate.enter('ep', one, 0);
    release?.();
    release?.();
    expect(gate.inFlight('ep')).toBe(0);
  });

  it('lets a second of the rate through at once, and the rest as tokens come', async () => {
    let now = 0;
    const gate = createGate(() => now);
    const ten = policy({ maxInFlight: 200, ratePerSecond: 10 });
    for (let n = 0; n < 10; n += 1) expect(await gate.enter('ep', ten, 0)).not.toBeNull();
    expect(await gate.enter('ep', ten, 0)).toBeNull();
    now += 100;
    expect(await gate.enter('ep', ten, 0)).not.toBeNull();
    expect(await gate.enter('ep', ten, 0)).toBeNull();
  });

  it('answers null to whom no place came in time, and forgets them', async () => {
    const gate = createGate();
    const one = policy({ maxInFlight: 1, ratePerSecond: 1_000 });
    const release = await gate.enter('ep', one, 0);
    expect(await gate.enter('ep', one, 20)).toBeNull();
    release?.();
    expect(await gate.enter('ep', one, 0)).not.toBeNull();
  });

  it('shares the caps between workers, rounded up', async () => {
    const gate = createGate();
    gate.setWorkers(2);
    const five = policy({ maxInFlight: 5, ratePerSecond: 1_000 });
    for (let n = 0; n < 3; n += 1) expect(await gate.enter('ep', five, 0)).not.toBeNull();
    expect(await gate.enter('ep', five, 0)).toBeNull();
  });

  it('keeps endpoints apart', async () => {
    const gate = createGate();
    const one = policy({ maxInFlight: 1 });
    expect(await gate.enter('a', one, 0)).not.toBeNull();
    expect(await gate.enter('b', one, 0)).not.toBeNull();
  });

  it('says that it is crowded when more wait than tokens come in time', async () => {
    const gate = createGate();
    const slow = policy({ maxInFlight: 1, ratePerSecond: 4 });
    const release = await gate.enter('ep', slow, 0);
    const waiting = [gate.enter('ep', slow, 10_000), gate.enter('ep', slow, 10_000)];
    expect(gate.isCrowded('ep', slow, 250)).toBe(true);
    expect(gate.isCrowded('ep', slow, 1_000)).toBe(false);
    release?.();
    for (const one of waiting) (await one)?.();
  });
});
