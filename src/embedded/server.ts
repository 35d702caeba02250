import { setTimeout as delay } from 'node:timers/promises';
import type { Guarded } from './guarded';

/** A server that is started again when it ends, at the same address. */
export interface KeptServer {
  stop(): Promise<void>;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Starts a server again whenever it ends unasked. @param again starts it where it was. */
export function keepServer(name: string, first: Guarded, again: () => Promise<Guarded>, progress: (line: string) => void): KeptServer {
  let server = first;
  let isStopping = false;
  const watch = async (): Promise<void> => {
    for (let waitMs = FIRST_WAIT_MS; ; ) {
      await server.end;
      if (isStopping) return;
      progress(`${name} ended: starting it again`);
      try {
        server = await again();
        waitMs = FIRST_WAIT_MS;
      } catch (error) {
        progress(error instanceof Error ? error.message : String(error));
        await delay(waitMs);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
      if (isStopping) await server.stop();
    }
  };
  void watch();
  return {
    async stop() {
      isStopping = true;
      await server.stop();
    },
  };
}
