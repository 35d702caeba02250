import { setImmediate as turn } from 'node:timers/promises';
import { createEvaluator, type Evaluation, type Evaluator } from '../../src/transform/evaluator';
import { until } from '../support/wait';

let evaluator: Evaluator;
beforeEach(() => {
  evaluator = createEvaluator();
});
afterEach(() => evaluator.close());

/** Asks while this process stands still until the time is over. */
async function standStill(expression: string): Promise<Evaluation> {
  await evaluator.evaluate({ expression: '1', input: '{}' });
  const asked = evaluator.evaluate({ expression, input: '{}' });
  // Until the question has left.
  await turn();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  return asked;
}
const longText = (length: number): [expression: string, evaluation: Evaluation] => [`$pad("", ${length}, "x")`, { output: `"${'x'.repeat(length)}"` }];

test('a result that was made in time counts, although this process stood still until the time was over', async () => {
  const [expression, evaluation] = longText(60_000);
  expect(await standStill(expression)).toEqual(evaluation);
  expect(await evaluator.evaluate({ expression: '2', input: '{}' })).toEqual({ output: '2' });
});

test('so does the largest, of which only a part had arrived', async () => {
  const [expression, evaluation] = longText(262_000);
  // The rest is to come at once, which a busy machine may be too late with.
  await until(async () => {
    expect(await standStill(expression)).toEqual(evaluation);
    return true;
  });
  expect(await evaluator.evaluate({ expression: '2', input: '{}' })).toEqual({ output: '2' });
});
