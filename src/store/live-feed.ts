import { Client } from 'pg';

/** Channel on which an API says which workspaces somebody watches: their ids, with commas. */
export const WATCH_CHANNEL = 'posthorn_watch';
/** Channel on which workers tell what becomes of the deliveries of such workspaces, and that they are there. */
export const FEED_CHANNEL = 'posthorn_feed';

/** How often an API says it again, and after how long without that a worker forgets it, in ms. */
export const WATCH_EVERY_MS = 10_000;
export const WATCH_FORGOTTEN_MS = 20_000;
/** Most bytes of a message: PostgreSQL takes less than 8,000. */
export const FEED_BYTES = 7_500;

/** A delivery whose attempt was just recorded, or that was just planned and waits. */
export interface FedDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly endpointId: string;
  readonly status: string;
  /** Of what was just recorded; 0 where nothing was sent yet. */
  readonly attemptNumber: number;
  readonly outcome: string | null;
  readonly statusCode: number | null;
  readonly durationMs: number | null;
}

/** What a worker tells of one workspace and a quarter of a second. */
export interface FeedMessage {
  readonly workspaceId: string;
  /** Events that were planned. */
  readonly events: number;
  /** How many deliveries have each status now. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Null: more than one message holds. */
  readonly deliveries: readonly FedDelivery[] | null;
}

/** Said by a worker that has begun to listen: whoever watches shall say so. */
export const HELLO = 'hello';

/** One delivery as JSON text; several make a message. */
export const feedItem = (d: FedDelivery): string =>
  JSON.stringify([d.id, d.eventId, d.eventType, d.endpointId, d.status, d.attemptNumber, d.outcome, d.statusCode, d.durationMs]);

/** A message as text; `items` are made by {@link feedItem}. */
export const feedText = ({ workspaceId, events, statuses }: Omit<FeedMessage, 'deliveries'>, items: readonly string[] | null): string =>
  `[${JSON.stringify(workspaceId)},${events},${JSON.stringify(statuses)},${items === null ? 'null' : `[${items.join(',')}]`}]`;

type Item = [string, string, string, string, string, number, string | null, number | null, number | null];

/** Reads what {@link feedText} wrote. */
export function readFeed(text: string): FeedMessage {
  const [workspaceId, events, statuses, items] = JSON.parse(text) as [string, number, Record<string, number>, Item[] | null];
  const deliveries = items && items.map(([id, eventId, eventType, endpointId, status, attemptNumber, outcome, statusCode, durationMs]): FedDelivery =>
    ({ id, eventId, eventType, endpointId, status, attemptNumber, outcome, statusCode, durationMs }));
  return { workspaceId, events, statuses, deliveries };
}

/** Messages that wait to be told at most: what is too much is lost, as is what is told while there is no connection. */
const MOST_WAITING = 200;

/** Tells one message after another over the connection that there is, if any. Never throws, never waits. */
export function createTeller(session: () => Client | null): (channel: string, text: string) => void {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return (channel, text) => {
    if (waiting >= MOST_WAITING) return;
    waiting += 1;
    last = last
      .then(() => session()?.query('select pg_notify($1, $2)', [channel, text]))
      .catch(() => undefined)
      .finally(() => (waiting -= 1));
  };
}

/** A connection that hears what workers tell, and tells them who watches. */
export interface FeedSession {
  /** Says that these workspaces are watched. Never throws: it is said again soon. */
  watch(workspaceIds: readonly string[]): void;
  close(): Promise<void>;
}

const RECONNECT_MS = 500;

/**
 * Opens such a connection, and another where it breaks: `onBack` is told then, since something may have been missed.
 * Resolves when it listens. @throws where PostgreSQL can't be reached at first.
 */
export async function openFeed(databaseUrl: string, onMessage: (text: string) => void, onBack: () => void): Promise<FeedSession> {
  let client: Client | null = null;
  let isClosed = false;
  const tell = createTeller(() => client);

  async function connect(): Promise<void> {
    const session = new Client({
      connectionString: databaseUrl, connectionTimeoutMillis: 5_000, keepAlive: true, application_name: 'posthorn stream', options: '-c synchronous_commit=off',
    });
    session.on('error', () => undefined);
    session.on('notification', ({ payload }) => onMessage(payload ?? ''));
    try {
      await session.connect();
      await session.query(`listen ${FEED_CHANNEL}`);
    } catch (error) {
      await session.end().catch(() => undefined);
      throw error;
    }
    session.once('end', () => {
      if (client === session) client = null;
      if (!isClosed) void reconnect();
    });
    client = session;
    if (isClosed) await session.end();
  }

  async function reconnect(): Promise<void> {
    while (!isClosed) {
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      if (!isClosed && (await connect().then(() => true, () => false))) return onBack();
    }
  }

  await connect();
  return {
    watch(workspaceIds) {
      tell(WATCH_CHANNEL, workspaceIds.join(','));
    },
    async close() {
      isClosed = true;
      await client?.end().catch(() => undefined);
    },
  };
}
