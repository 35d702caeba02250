import { createRetryTurns } from '../../src/relay/retry-turns';
import { createTokens } from '../../src/relay/tokens';
import type { Config } from '../../src/config';

const tokensOf = (config: Partial<Config>) => createTokens({ WORKFLOW_STARTS_PER_SECOND: 20, EVENTS_PER_WORKFLOW: 200, ...config } as Config);
const ask = (turns: ReturnType<typeof createRetryTurns>, withinMs: number): Promise<boolean> => new Promise((resolve) => turns.ask(withinMs, resolve));

// The bucket fills by the clock, which goes on where a test says so.
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('as many are started as the bucket lets through before they are due, in the order in which they came; the others are told at once', async () => {
  const turns = createRetryTurns(tokensOf({}));
  const order: number[] = [];
  const refused: number[] = [];
  const asked = Array.from({ length: 60 }, async (_, n) => (await ask(turns, 500) ? order : refused).push(n));
  // Five tokens were saved, ten come in half a second.
  await Promise.resolve();
  expect([order.length, refused.length]).toEqual([5, 45]);
  await jest.advanceTimersByTimeAsync(600);
  await Promise.all(asked);
  expect(order).toEqual(Array.from({ length: 15 }, (_, n) => n));
  expect(refused).toHaveLength(45);
});

test('the line is no longer than half of what the relay claims, however long there is time', async () => {
  const turns = createRetryTurns(tokensOf({ WORKFLOW_STARTS_PER_SECOND: 100 }));
  const answers: boolean[] = [];
  for (let n = 0; n < 300; n += 1) turns.ask(60_000, (isGranted) => answers.push(isGranted));
  // A quarter of a second's tokens were saved; a hundred more wait.
  expect(answers.filter((isGranted) => isGranted).length).toBe(25);
  expect(answers.filter((isGranted) => !isGranted).length).toBe(175);
  turns.stop();
});

test('where each event has its own workflow, so has each retry', () => {
  const turns = createRetryTurns(tokensOf({ EVENTS_PER_WORKFLOW: 1 }));
  const answers: boolean[] = [];
  for (let n = 0; n < 300; n += 1) turns.ask(0, (isGranted) => answers.push(isGranted));
  expect(answers).toEqual(Array(300).fill(true));
});
