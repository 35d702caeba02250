import { Client } from 'pg';
import { OUTBOX_CHANNEL } from './outbox';

/** Wakes the relays after a commit. */
export interface Announcer {
  /** Says that the outbox has new rows: at once, or when 5 ms have gone by since the last time. Never throws, never waits. */
  announce(): void;
  close(): Promise<void>;
}

/** Least time between two NOTIFYs of a process, in ms. */
const PAUSE_MS = 5;

/**
 * An announcer with a connection of its own, opened at its first use and again after it broke. A NOTIFY that is lost is
 * made up for by the relay's own look at the outbox. It is not part of the writing transactions because a NOTIFY in one
 * makes every commit of the database wait for the one before.
 */
export function createAnnouncer(databaseUrl: string): Announcer {
  let client: Promise<Client> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let lastAt = 0;
  let closed = false;

  const connect = async (): Promise<Client> => {
    const opened = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000, keepAlive: true, application_name: 'posthorn announcer' });
    opened.on('error', () => (client = null));
    opened.on('end', () => (client = null));
    await opened.connect();
    return opened;
  };
  const notify = async (): Promise<void> => {
    try {
      client ??= connect();
      await (await client).query(`notify ${OUTBOX_CHANNEL}`);
    } catch {
      client = null;
    }
  };
  const fire = (): void => {
    timer = null;
    lastAt = performance.now();
    void notify();
  };

  return {
    announce() {
      if (timer || closed) return;
      const waitMs = lastAt + PAUSE_MS - performance.now();
      if (waitMs <= 0) fire();
      else timer = setTimeout(fire, waitMs);
    },
    async close() {
      closed = true;
      if (timer) {
        clearTimeout(timer);
        await notify();
      }
      await client?.then((open) => open.end(), () => undefined);
    },
  };
}
