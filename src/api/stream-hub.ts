import { PassThrough, type Readable } from 'node:stream';
import type { Deps } from '../deps';
import { AppError } from '../errors';
import { findEndpoint } from '../store/endpoints';
import { HELLO, openFeed, readFeed, WATCH_EVERY_MS, type FeedSession } from '../store/live-feed';
import { readRoutingNews, readRoutingRevisions, type RoutingVersion } from '../store/routing-revision';
import { eventText, StreamRing } from './stream-ring';

/** Who opens a stream. */
export interface StreamCaller {
  readonly workspaceId: string;
  readonly lastEventId: string | undefined;
  /** Throws an AppError where the caller's key is good no longer. */
  readonly mayStill: () => Promise<void>;
}

/** All streams of this process. */
export interface StreamHub {
  /** @throws AppError 429 where too many are open. */
  open(caller: StreamCaller): Promise<Readable>;
  /** Ends all streams, and opens no more. */
  close(): Promise<void>;
}

/** Most streams of this process, and of one workspace. */
const MOST_STREAMS = 500;
const MOST_OF_WORKSPACE = 50;
/** Who reads so slowly that more than this waits for it is cut off, in bytes; it comes back and is told what it missed. */
const MOST_WAITING = 256 * 1024;
/** How often changes of endpoints and rules are looked for while somebody watches. */
const LOOK_EVERY_MS = 500;
const BEAT_EVERY_MS = 15_000;
const CHECK_KEY_EVERY_MS = 2_000;
/** A workspace is watched for so long after its last stream ended: who comes back misses nothing. */
const LINGER_MS = 20_000;

interface Watched {
  readonly workspaceId: string;
  readonly ring: StreamRing;
  readonly streams: Set<PassThrough>;
  version: RoutingVersion | null;
  /** Streams of it that are open, or being opened. */
  count: number;
  /** When the last of them ended; null while there is one. */
  leftAt: number | null;
}

/** A hub of this process; it has a connection to PostgreSQL of its own while somebody watches. */
export function createStreamHub({ db, log }: Pick<Deps, 'db' | 'log'>, databaseUrl: string, lingerMs = LINGER_MS): StreamHub {
  const watched = new Map<string, Watched>();
  let session: Promise<FeedSession> | null = null;
  let timers: NodeJS.Timeout[] = [];
  let count = 0;
  let isClosed = false;
  let looking = false;

  const listen = (): Promise<FeedSession> => {
    session ??= openFeed(databaseUrl, hear, missed).catch((error: unknown) => {
      session = null;
      throw error;
    });
    if (timers.length === 0) timers = [setInterval(() => void look(), LOOK_EVERY_MS), setInterval(() => void renew(), WATCH_EVERY_MS), setInterval(beat, BEAT_EVERY_MS)];
    return session;
  };

  const send = (one: Watched, type: string, data: object): void => {
    const text = one.ring.add(type, data);
    for (const stream of one.streams) write(stream, text);
  };

  function hear(text: string): void {
    if (text === HELLO) return void renew();
    const { workspaceId, ...message } = readFeed(text);
    const one = watched.get(workspaceId);
    if (!one) return;
    const count = Object.values(message.statuses).reduce((sum, n) => sum + n, 0);
    send(one, 'deliveries', { count, ...message });
  }

  /** The connection was lost and is back: nobody knows what was said meanwhile. */
  function missed(): void {
    for (const one of watched.values()) {
      one.ring.breakOff();
      one.version = null;
      send(one, 'resync', {});
    }
    void renew();
  }

  async function renew(): Promise<void> {
    if (watched.size > 0) (await session)?.watch([...watched.keys()]);
  }

  function beat(): void {
    for (const { streams } of watched.values()) for (const stream of streams) write(stream, ': still here\n\n');
  }

  async function look(): Promise<void> {
    forget();
    if (looking || watched.size === 0) return;
    looking = true;
    try {
      const revisions = await readRoutingRevisions(db, [...watched.keys()]);
      for (const one of [...watched.values()]) {
        if (revisions.get(one.workspaceId) !== one.version?.revision) await tellChanges(one);
      }
    } catch (error) {
      log.debug({ error: error instanceof Error ? error.message : String(error) }, 'stream.look_failed');
    } finally {
      looking = false;
    }
  }

  async function tellChanges(one: Watched): Promise<void> {
    const before = one.version;
    const news = await readRoutingNews(db, one.workspaceId, before);
    if (!news) return;
    one.version = { revision: news.revision, mark: news.mark };
    if (!before) return;
    if (news.changed === null) return send(one, 'resync', {});
    for (const id of news.changed) {
      if (id.startsWith('rul_')) send(one, 'rule', { ruleId: id });
      else if (id.startsWith('chn_')) send(one, 'channel', { channelId: id });
      else if (id.startsWith('ep_')) {
        const endpoint = await db.within(one.workspaceId).read((sql) => findEndpoint(sql, one.workspaceId, id));
        send(one, 'endpoint', {
          endpointId: id, status: endpoint?.status ?? null, reason: endpoint?.statusReason ?? null, since: endpoint?.statusSince.toISOString() ?? null,
        });
      }
    }
  }

  /** Workspaces whose streams ended a while ago; with the last of them the connection is closed. */
  function forget(): void {
    const now = performance.now();
    for (const one of watched.values()) if (one.leftAt !== null && now - one.leftAt > lingerMs) watched.delete(one.workspaceId);
    if (watched.size === 0) stopListening();
  }

  function stopListening(): void {
    timers.forEach((timer) => clearInterval(timer));
    timers = [];
    void session?.then((open) => open.close(), () => undefined);
    session = null;
  }

  function watch(workspaceId: string): Watched {
    const one = watched.get(workspaceId) ?? { workspaceId, ring: new StreamRing(), streams: new Set(), version: null, count: 0, leftAt: null };
    watched.set(workspaceId, one);
    return one;
  }

  return {
    async open({ workspaceId, lastEventId, mayStill }) {
      if (isClosed) throw new AppError('unavailable', 'This process is ending. Try again.', [], 1);
      // Who is refused must not be watched from then on: nobody's end would end that.
      const ofWorkspace = watched.get(workspaceId)?.count ?? 0;
      if (count >= MOST_STREAMS || ofWorkspace >= MOST_OF_WORKSPACE) {
        throw new AppError('too_many_requests', `${ofWorkspace} streams of this workspace are open, of at most ${MOST_OF_WORKSPACE}; ${MOST_STREAMS} of all. Close some.`, [], 5);
      }
      const one = watch(workspaceId);
      const stream = new PassThrough();
      count += 1;
      one.count += 1;
      one.leftAt = null;
      const checking = setInterval(() => void closeWithKey(stream, mayStill), CHECK_KEY_EVERY_MS);
      stream.on('error', () => undefined).once('close', () => {
        clearInterval(checking);
        count -= 1;
        one.count -= 1;
        one.streams.delete(stream);
        if (one.count === 0) one.leftAt = performance.now();
      });
      try {
        (await listen()).watch([workspaceId]);
        if (one.version === null) await tellChanges(one);
      } catch (error) {
        stream.destroy();
        throw error;
      }
      one.streams.add(stream);
      return greeted(stream, one, lastEventId);
    },
    async close() {
      isClosed = true;
      for (const { streams } of watched.values()) for (const stream of streams) stream.end(eventText(null, 'closed', { reason: 'ending' }));
      watched.clear();
      const open = session;
      stopListening();
      await open?.then((one) => one.close(), () => undefined);
    },
  };
}

/** Begins a stream with what its reader has missed, or with a word that it must read everything. */
function greeted(stream: PassThrough, { ring }: Watched, lastEventId: string | undefined): Readable {
  const missed = lastEventId === undefined ? null : ring.after(lastEventId);
  const greeting = missed ? missed.join('') : eventText(ring.lastId, lastEventId === undefined ? 'ready' : 'resync', {});
  write(stream, `retry: 1000\n\n${greeting}`);
  return stream;
}

function write(stream: PassThrough, text: string): void {
  if (stream.writableEnded || stream.destroyed) return;
  if (stream.writableLength + stream.readableLength > MOST_WAITING) stream.destroy();
  else stream.write(text);
}

/** Ends a stream whose key is good no longer; any other fault says nothing of the key. */
async function closeWithKey(stream: PassThrough, mayStill: () => Promise<void>): Promise<void> {
  try {
    await mayStill();
  } catch (error) {
    if (!(error instanceof AppError) || !['unauthorized', 'forbidden', 'not_found'].includes(error.code)) return;
    stream.end(eventText(null, 'closed', { reason: error.code }));
  }
}
