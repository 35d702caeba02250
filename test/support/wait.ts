import { setTimeout as delay } from 'node:timers/promises';

/** How long a test waits for a condition, and what it says when that was in vain. */
export interface Patience {
  readonly deadlineMs?: number;
  readonly what?: string;
}

type Falsy = false | 0 | '' | null | undefined;

/**
 * Asks again every 20 ms until `condition` answers something true, and returns that. A condition that throws does not hold
 * yet: what it threw last is the cause of the failure.
 */
export async function until<T>(condition: () => T | Promise<T>, { deadlineMs = 15_000, what = 'the condition' }: Patience = {}): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer as Exclude<T, Falsy>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${deadlineMs} ms`, { cause });
    await delay(20);
  }
}
