import { isPortFree } from '../../src/embedded/ports';

/** Below those that a system gives out by itself: to who listens on port 0, and to every connection. Linux begins at 32,768, others later. */
const [FIRST, COUNT] = [10_000, 6_000];
let next = Math.floor(Math.random() * COUNT);

/** A port of 127.0.0.1 that nobody listens on, and that is given to nobody else before it is listened on, or between two times. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    const port = FIRST + (next++ % COUNT);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`No port from ${FIRST} on is free on 127.0.0.1, of the next ${COUNT}`);
}
