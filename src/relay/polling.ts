import type { Log } from '../log';
import type { Presence } from './presence';

/** What asks Temporal for work: a Worker of the SDK, by what is needed of it here. */
export interface Poller {
  /** Fulfilled when it has ended after {@link Poller.shutdown}. */
  run(): Promise<void>;
  shutdown(): void;
}

/** Pollers that run while PostgreSQL is within reach. */
export interface Polling {
  /** Rejects when a poller failed for good. */
  readonly failed: Promise<never>;
  /** Asks for no more work, and waits for what is under way. */
  stop(): Promise<void>;
}

/** Without PostgreSQL for so long, and no more is asked for; a restart of PostgreSQL takes less. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 250;

/**
 * Runs pollers, and others in their place when PostgreSQL was out of reach meanwhile: what a worker takes that can do nothing of
 * it, others that could must wait for. Fulfilled when the first ones are there.
 */
export async function startPolling(create: () => Promise<readonly Poller[]>, presence: Pick<Presence, 'lostForMs'>, log: Log): Promise<Polling> {
  let isStopping = false;
  let pollers = await create();

  async function run(): Promise<void> {
    while (!isStopping) {
      const running = Promise.all(pollers.map((poller) => poller.run()));
      const until = waitFor(() => isStopping || presence.lostForMs() > PATIENCE_MS);
      await Promise.race([running, until.done]).finally(() => until.cancel());
      pollers.forEach((poller) => poller.shutdown());
      await running;
      if (isStopping) return;
      log.warn('worker.polling_stopped');
      await waitFor(() => isStopping || presence.lostForMs() === 0).done;
      if (!isStopping) pollers = await create();
    }
  }
  const end = run();
  return {
    failed: end.then(() => new Promise<never>(() => undefined)),
    async stop() {
      isStopping = true;
      await end.catch(() => undefined);
    },
  };
}

function waitFor(condition: () => boolean): { readonly done: Promise<void>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  const done = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      if (!condition()) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS);
  });
  return { done, cancel: () => clearInterval(timer) };
}
