import { heartbeat } from '@temporalio/activity';

/** How often a sign of life is given; the workflows' `heartbeatTimeout` is three times this and more. */
const BEAT_MS = 3_000;

/** Gives signs of life while `work` runs, so that Temporal learns within seconds that its worker was lost. */
export async function beating<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), BEAT_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
