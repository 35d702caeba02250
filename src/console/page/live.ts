import { headersOf, type Session } from './session';

/** A delivery as the stream tells of it. */
export interface LiveDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly endpointId: string;
  readonly status: string;
  readonly attemptNumber: number;
  readonly outcome: string | null;
  readonly statusCode: number | null;
  readonly durationMs: number | null;
}

/** What the stream tells: see docs/stream.md. */
export type LiveEvent =
  | { readonly type: 'deliveries'; readonly count: number; readonly events: number; readonly statuses: Readonly<Record<string, number>>; readonly deliveries: readonly LiveDelivery[] | null }
  | { readonly type: 'endpoint'; readonly endpointId: string; readonly status: string | null }
  | { readonly type: 'rule'; readonly ruleId: string }
  | { readonly type: 'channel'; readonly channelId: string }
  | { readonly type: 'ready' | 'resync' }
  | { readonly type: 'closed'; readonly reason: string };

/** Whether the stream is there. */
export type LiveState = 'connecting' | 'live' | 'away';

/** The stream of a session, which comes back by itself. */
export interface Live {
  /** Tells of events until the answer is called. */
  listen(hear: (event: LiveEvent) => void): () => void;
  onState(hear: (state: LiveState) => void): () => void;
  close(): void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;
/** The server says something at least every 15 seconds. */
const SILENCE_MS = 40_000;
/** Answers to a key that is good no longer, or not for this workspace, or whose workspace is gone. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

/**
 * Opens the stream; where it is refused it tells of its end, and does not come back. Not with an EventSource, which has no headers:
 * the key must not stand in an address.
 */
export function openLive(session: Session): Live {
  const listeners = new Set<(event: LiveEvent) => void>();
  const watchers = new Set<(state: LiveState) => void>();
  let stopping = new AbortController();
  let state: LiveState = 'connecting';
  let lastId: string | null = null;
  let isClosed = false;
  /** From the first listener on: nothing is told before somebody hears it. */
  let running: Promise<void> | null = null;

  const become = (next: LiveState): void => {
    if (next === state) return;
    state = next;
    for (const watch of watchers) watch(state);
  };

  const hearAll = (event: LiveEvent): void => {
    for (const hear of listeners) hear(event);
  };

  async function read(): Promise<void> {
    const response = await fetch('/v1/stream', {
      headers: { ...headersOf(session), Accept: 'text/event-stream', ...(lastId !== null && { 'Last-Event-ID': lastId }) },
      signal: stopping.signal,
    });
    if (REFUSALS.has(response.status)) return refuse();
    if (!response.ok || !response.body) throw new Error(`The stream was answered ${response.status}`);
    become('live');
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const silence = setTimeout(() => stopping.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      blocks.forEach(tell);
    }
  }

  function refuse(): void {
    isClosed = true;
    hearAll({ type: 'closed', reason: 'refused' });
  }

  function tell(block: string): void {
    let data = '';
    for (const line of block.split('\n')) {
      if (line.startsWith('id: ')) lastId = line.slice(4);
      if (line.startsWith('data: ')) data = line.slice(6);
    }
    if (data !== '') hearAll(JSON.parse(data) as LiveEvent);
  }

  async function run(): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!isClosed) {
      stopping = new AbortController();
      const startedAt = Date.now();
      await read().catch(() => undefined);
      if (isClosed) return;
      become('away');
      if (Date.now() - startedAt > LONGEST_WAIT_MS) waitMs = FIRST_WAIT_MS;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  return {
    listen(hear) {
      listeners.add(hear);
      running ??= run();
      return () => void listeners.delete(hear);
    },
    onState(hear) {
      watchers.add(hear);
      hear(state);
      return () => void watchers.delete(hear);
    },
    close() {
      isClosed = true;
      stopping.abort();
    },
  };
}
