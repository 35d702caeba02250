import { isPortFree } from '../../src/embedded/ports';

/** Below those that a system gives out by itself: to who listens on port 0, and to every connection. Linux begins at 32,768, others later. */
const [FIRST, COUNT] = [10_000, 3_000];
let next = Math.floor(Math.random() * COUNT);
/** Two test files run beside one another: one has the even ports, the other the odd ones. */
const parity = Number(process.env['JEST_WORKER_ID'] ?? 0) % 2;

/** A port of 127.0.0.1 that nobody listens on, and that is given to nobody else before it is listened on, or between two times. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    const port = FIRST + 2 * (next++ % COUNT) + parity;
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No port from ${FIRST} on is free on 127.0.0.1, of every other one of the next ${2 * COUNT}`);
}
