import { Client } from 'pg';
import type { Log } from '../log';
import { createTeller, FEED_CHANNEL, HELLO, WATCH_CHANNEL } from '../store/live-feed';
import { EVENTS_ONLY, OUTBOX_CHANNEL } from '../store/outbox';
import { WORKER_LOCK } from '../store/outbox-claim';

/** That this worker lives, as the others see it: a session that holds an advisory lock on its number, and hears of new work. */
export interface Presence {
  /** The number under which rows are claimed; another one after the session was lost. */
  readonly number: number;
  /** Tells whoever listens, over the session; lost where there is none now. */
  tell(channel: string, text: string): void;
  /** For how long the session has been lost, in ms; 0 while it is there. */
  lostForMs(): number;
  close(): Promise<void>;
}

const RECONNECT_MS = 500;
/** The session is asked so often whether it is still there: where the network swallows everything, it would never end by itself. */
const BEAT_MS = 5_000;
const ANSWER_MS = 5_000;
/** PostgreSQL lets go of the lock of a worker that it can not reach any more within about 30 s. */
const KEEPALIVES = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4';

/**
 * Opens the session. Where it is lost another is opened under a new number: the old one's claims are free for all at
 * once, which is harmless, since whatever this worker still does with them is done once. `onNotify` is told whether only
 * events were added to the outbox, `onWatch` which workspaces somebody watches.
 */
export async function openPresence(
  url: string, log: Log, onNotify: (isEventsOnly: boolean) => void, onWatch: (workspaceIds: string) => void = () => undefined, beatMs = BEAT_MS,
): Promise<Presence> {
  const answerMs = Math.min(ANSWER_MS, beatMs);
  let number = 0;
  let client: Client | null = null;
  let isClosed = false;
  let lostAt: number | null = null;

  async function connect(): Promise<void> {
    const session = new Client({
      connectionString: url, keepAlive: true, application_name: 'posthorn presence', options: `${KEEPALIVES} -c synchronous_commit=off`,
      connectionTimeoutMillis: answerMs, query_timeout: answerMs,
    });
    session.on('error', () => undefined);
    session.on('notification', ({ channel, payload }) => (channel === WATCH_CHANNEL ? onWatch(payload ?? '') : onNotify(payload === EVENTS_ONLY)));
    try {
      await session.connect();
      const { rows } = await session.query<{ number: number }>(`select nextval('worker_numbers')::int as number`);
      number = rows[0]?.number ?? 0;
      await session.query('select pg_advisory_lock($1, $2)', [WORKER_LOCK, number]);
      await session.query(`listen ${OUTBOX_CHANNEL}; listen ${WATCH_CHANNEL}; notify ${FEED_CHANNEL}, '${HELLO}'`);
    } catch (error) {
      await session.end().catch(() => undefined);
      throw error;
    }
    session.once('end', () => {
      if (!isClosed) void reconnect();
    });
    client = session;
    lostAt = null;
  }

  async function reconnect(): Promise<void> {
    lostAt = performance.now();
    log.warn('relay.presence_lost');
    while (!isClosed) {
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      if (await connect().then(() => true, () => false)) return onNotify(false);
    }
  }

  await connect();
  const beat = setInterval(() => {
    const asked = client;
    // Its end is heard of, and another one is opened.
    asked?.query('select 1').catch(() => asked.end()).catch(() => undefined);
  }, beatMs);
  return {
    get number() {
      return number;
    },
    tell: createTeller(() => client),
    lostForMs: () => (lostAt === null ? 0 : performance.now() - lostAt),
    async close() {
      isClosed = true;
      clearInterval(beat);
      await client?.end();
    },
  };
}
