import { until } from './wait';

/** One server-sent event. */
export interface StreamEvent {
  readonly id: string | null;
  readonly type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- events of every shape
  readonly data: any;
}

/** A stream that a test reads. */
export interface TestStream {
  readonly status: number;
  readonly headers: Headers;
  /** All events so far. */
  readonly events: readonly StreamEvent[];
  /** Waits for an event that fits. */
  event(fits: (event: StreamEvent) => boolean): Promise<StreamEvent>;
  /** Fulfilled when the server has ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Opens `/v1/stream` and reads it until it is closed. */
export async function openStream(url: string, headers: Readonly<Record<string, string>>): Promise<TestStream> {
  const stopping = new AbortController();
  const response = await fetch(`${url}/v1/stream`, { headers, signal: stopping.signal });
  const events: StreamEvent[] = [];
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
        const type = field('event');
        if (type !== null) events.push({ id: field('id'), type, data: JSON.parse(field('data') ?? 'null') });
      }
    }
  };
  const ended = read().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  ended.catch(() => undefined);
  return {
    status: response.status, headers: response.headers, events, ended,
    event: (fits) => until(() => events.find(fits), { what: `an event among ${events.length}` }),
    close: () => stopping.abort(),
  };
}
