import { nextRamp, RAMP_START } from '../../src/domain/ramp';
import { FRESH_MEMORY, nextWatchStep, type WatchFacts } from '../../src/domain/watch';

const facts = (fields: Partial<WatchFacts> = {}): WatchFacts => ({
  status: 'ACTIVE', isProbed: false, consecutiveFailures: 0, hasPending: false, hasDueRetry: false, hasHeld: false, isDraining: false, nextRetryMs: null,
  probeEveryMs: 100, probeMaxMs: 350, ...fields,
});

describe('The watcher of a healthy endpoint', () => {
  it('sleeps until it is woken', () => {
    expect(nextWatchStep(facts(), FRESH_MEMORY, 0)).toMatchObject({ do: 'wait', forMs: null });
  });
  it('serves what waits in its lane, with the ramp of a drain', () => {
    expect(nextWatchStep(facts({ hasPending: true }), { ...FRESH_MEMORY, ramp: RAMP_START }, 0)).toMatchObject({ do: 'serve', mode: 'all', ramp: RAMP_START });
  });
  it('begins a drain that somebody else started with one request, and goes on with what it remembers', () => {
    const draining = facts({ hasPending: true, isDraining: true });
    expect(nextWatchStep(draining, FRESH_MEMORY, 0)).toMatchObject({ do: 'serve', mode: 'all', ramp: RAMP_START });
    const ramp = { inFlight: 3, successes: 4 };
    expect(nextWatchStep(draining, { ...FRESH_MEMORY, ramp }, 0)).toMatchObject({ ramp });
  });
  it('forgets the drain when its lane is empty', () => {
    expect(nextWatchStep(facts(), { ...FRESH_MEMORY, ramp: RAMP_START }, 0).memory).toEqual(FRESH_MEMORY);
  });
  it('wakes for the next retry of its lane, and looks again while failures follow one another', () => {
    expect(nextWatchStep(facts({ nextRetryMs: 70 }), FRESH_MEMORY, 0)).toMatchObject({ forMs: 70 });
    expect(nextWatchStep(facts({ consecutiveFailures: 1 }), FRESH_MEMORY, 0)).toMatchObject({ forMs: 30_000 });
  });
});

describe('The watcher of a failing endpoint', () => {
  it('sends due retries first: they serve as probes', () => {
    expect(nextWatchStep(facts({ status: 'FAILING', hasDueRetry: true, hasPending: true }), FRESH_MEMORY, 0)).toMatchObject({ do: 'serve', mode: 'retries' });
  });
  it('sends the oldest waiting delivery after a wait that doubles to its limit', () => {
    const failing = facts({ status: 'FAILING', hasPending: true });
    let now = 1_000;
    let step = nextWatchStep(failing, FRESH_MEMORY, now);
    const waits: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      expect(step.do).toBe('wait');
      waits.push(step.do === 'wait' ? (step.forMs ?? 0) : 0);
      now += waits[n] ?? 0;
      const probe = nextWatchStep(failing, step.memory, now);
      expect(probe).toMatchObject({ do: 'serve', mode: 'all', atMost: 1 });
      step = nextWatchStep(failing, probe.memory, now);
    }
    expect(waits).toEqual([100, 200, 350, 350]);
  });
});

describe('The watcher of a deactivated endpoint', () => {
  it('probes with a held delivery only after a deactivation that was nobody\'s word', () => {
    const held = facts({ status: 'DEACTIVATED', hasHeld: true, isProbed: true });
    const wait = nextWatchStep(held, FRESH_MEMORY, 0);
    expect(wait).toMatchObject({ do: 'wait', forMs: 100 });
    expect(nextWatchStep(held, wait.memory, 100)).toMatchObject({ do: 'serve', mode: 'held', atMost: 1 });
    expect(nextWatchStep({ ...held, isProbed: false }, FRESH_MEMORY, 0)).toMatchObject({ do: 'wait', forMs: null });
    expect(nextWatchStep({ ...held, hasHeld: false }, FRESH_MEMORY, 0)).toMatchObject({ do: 'wait', forMs: null });
  });
});

test('A probe that was planned for later comes as soon as a policy that was changed since allows', () => {
  const planned = { ramp: null, probeEveryMs: 3_600_000, probeAt: 3_600_000 };
  const held = facts({ status: 'DEACTIVATED', hasHeld: true, isProbed: true });
  expect(nextWatchStep(held, planned, 0)).toMatchObject({ do: 'wait', forMs: 350 });
});

describe('A ramp', () => {
  it('grows by one per ten successes up to the cap, and is halved at a failure', () => {
    let ramp = RAMP_START;
    for (let n = 0; n < 35; n += 1) ramp = nextRamp(ramp, true, 4);
    expect(ramp).toEqual({ inFlight: 4, successes: 5 });
    expect(nextRamp(ramp, false, 4)).toEqual({ inFlight: 2, successes: 0 });
    expect(nextRamp(RAMP_START, false, 4)).toEqual({ inFlight: 1, successes: 0 });
  });
});
