import { Client } from 'pg';
import { NOTIFY, type Announced } from './outbox';

/** Wakes the relays after a commit. */
export interface Announcer {
  /** Says that the outbox has new rows: at once, or when 5 ms have gone by since the last time. Never throws, never waits. */
  announce(what: Announced): void;
  close(): Promise<void>;
}

/** Least time between two NOTIFYs of a process, in ms. */
const PAUSE_MS = 5;
/** A session that does not answer for so long is given up for another one. */
const ANSWER_MS = 5_000;

/**
 * An announcer with a connection of its own, opened at its first use and again after it broke. A NOTIFY that is lost is
 * made up for by the relay's own look at the outbox. It is not part of the writing transactions because a NOTIFY in one
 * makes every commit of the database wait for the one before.
 */
export function createAnnouncer(databaseUrl: string): Announcer {
  let client: Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let sending: Promise<void> | null = null;
  let wanted: Announced | null = null;
  let lastAt = -Infinity;
  let closed = false;

  const connect = async (): Promise<Client> => {
    const opened = new Client({
      connectionString: databaseUrl, connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS, keepAlive: true, application_name: 'posthorn announcer',
      // A NOTIFY tells of what is on the disk already: its own commit need not wait for the disk.
      options: '-c synchronous_commit=off',
    });
    const forget = (): void => {
      if (client === opened) client = null;
    };
    opened.on('error', forget);
    opened.on('end', forget);
    await opened.connect();
    return opened;
  };
  const notify = async (what: Announced): Promise<void> => {
    try {
      client ??= await connect();
      await client.query(NOTIFY[what]);
    } catch {
      void client?.end().catch(() => undefined);
      client = null;
    }
  };
  const fire = (): void => {
    const what = wanted ?? 'anything';
    timer = null;
    wanted = null;
    lastAt = performance.now();
    sending = notify(what).finally(() => {
      sending = null;
      if (wanted && !closed) schedule();
    });
  };
  // While one is on its way, another is only noted: what is committed meanwhile needs a NOTIFY of its own, but one is enough.
  const schedule = (): void => {
    if (timer || sending) return;
    const waitMs = lastAt + PAUSE_MS - performance.now();
    if (waitMs <= 0) fire();
    else timer = setTimeout(fire, waitMs);
  };

  return {
    announce(what) {
      if (closed) return;
      wanted = wanted === 'anything' ? wanted : what;
      schedule();
    },
    async close() {
      closed = true;
      if (timer) clearTimeout(timer);
      await sending;
      if (wanted) await notify(wanted);
      await client?.end().catch(() => undefined);
    },
  };
}
