import { setImmediate as turn } from 'node:timers/promises';
import { createEvaluator, type Evaluator } from '../../src/transform/evaluator';

let evaluator: Evaluator;
beforeEach(() => {
  evaluator = createEvaluator();
});
afterEach(() => evaluator.close());

test.each([['a small result', '1', '1'], ['the largest result', '$pad("", 262000, "x")', `"${'x'.repeat(262_000)}"`]])(
  '%s that was made in time counts, although this process stood still until the time was over', async (_, expression, output) => {
    await evaluator.evaluate({ expression: '1', input: '{}' });
    const asked = evaluator.evaluate({ expression, input: '{}' });
    // Until the question has left.
    await turn();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    expect(await asked).toEqual({ output });
    expect(await evaluator.evaluate({ expression: '2', input: '{}' })).toEqual({ output: '2' });
  },
);
