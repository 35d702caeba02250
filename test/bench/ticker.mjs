/**
 * A thread that says when it is time: timers of an event loop are up to a millisecond late, which is a third of what is measured.
 * It sleeps in between, so that it takes no processor from the service.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { nowMs } from './clock.mjs';

const { firstAtMs, everyMs, count } = workerData;
const nobodyWakesIt = new Int32Array(new SharedArrayBuffer(4));

for (let n = 0; n < count; n += 1) {
  const waitMs = firstAtMs + n * everyMs - nowMs();
  if (waitMs > 0) Atomics.wait(nobodyWakesIt, 0, 0, waitMs);
  parentPort.postMessage(n);
}
