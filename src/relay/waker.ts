/** Lets a loop sleep until there is something to do. */
export interface Waker {
  wake(): void;
  /** Resolves when woken since the last sleep, or after `forMs`. */
  sleep(forMs: number): Promise<void>;
}

/** A waker for one sleeper. */
export function createWaker(): Waker {
  let isWoken = false;
  let awake: (() => void) | null = null;
  return {
    wake() {
      isWoken = true;
      awake?.();
    },
    async sleep(forMs) {
      if (!isWoken) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, forMs);
          awake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      awake = null;
      isWoken = false;
    },
  };
}
