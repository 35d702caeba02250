/** The monotonic clock of the machine, in ms: the same in every process of it, so that times of two processes can be compared. */
export function nowMs() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Fulfilled after this time. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
