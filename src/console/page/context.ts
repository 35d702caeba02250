import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import { Problem, type Api } from './api';
import type { Live, LiveEvent } from './live';

/** What every view may use. */
export interface Console {
  readonly api: Api;
  readonly live: Live;
  /** Says something for some seconds, aloud for screen readers too. */
  readonly say: (text: string, isBad?: boolean) => void;
}

const Here = createContext<Console | null>(null);

/** Hands the console to the views below. */
export const ConsoleProvider = Here.Provider;

/** The console that a view is in. */
export function useConsole(): Console {
  const found = useContext(Here);
  if (!found) throw new Error('There is no console around this view');
  return found;
}

/** Hears what the stream tells, for as long as the view is there. */
export function useLive(hear: (event: LiveEvent) => void): void {
  const { live } = useConsole();
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => live.listen((event) => latest.current(event)), [live]);
}

/** What was read, as far as it was. */
export interface Data<T> {
  readonly data: T | null;
  readonly problem: Problem | null;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** How a view keeps what it shows up to date. */
export interface Freshness {
  /** Whether an event of the stream means that it must be read again; `resync` always does. */
  readonly when?: (event: LiveEvent) => boolean;
  /** Read again so often, in ms, whatever the stream says; null: not. */
  readonly everyMs?: number | null;
}

/** Least time between two readings that the stream asks for, in ms. */
const PAUSE_MS = 700;
/** Longest reading, in ms: one that nobody answers must not keep the next from being made. */
const LONGEST_MS = 30_000;

/**
 * Reads a path of the API (null: nothing), and again when something has changed. What was read stays while it is read again. One
 * reading at a time: what changes meanwhile is read after it.
 */
export function useData<T>(path: string | null, { when, everyMs = null }: Freshness = {}): Data<T> {
  const { api } = useConsole();
  const [read, setRead] = useState<{ readonly path: string | null; readonly data: T | null; readonly problem: Problem | null }>({ path: null, data: null, problem: null });
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const readNow = useRef<() => void>(() => undefined);
  const reload = useCallback(() => readNow.current(), []);

  const soon = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      reload();
    }, PAUSE_MS);
  }, [reload]);
  useEffect(() => () => {
    if (timer.current) clearTimeout(timer.current);
  }, []);

  useEffect(() => {
    if (path === null) return;
    const stopping = new AbortController();
    const { signal } = stopping;
    let isUnderWay = false;
    let isWanted = false;
    readNow.current = (): void => {
      isWanted = isUnderWay;
      if (isUnderWay) return;
      isUnderWay = true;
      api.get<T>(path, AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)])).then(
        (data) => !signal.aborted && setRead({ path, data, problem: null }),
        (error: unknown) => !signal.aborted && setRead((before) => ({ path, data: before.path === path ? before.data : null, problem: asProblem(error) })),
      ).finally(() => {
        isUnderWay = false;
        if (isWanted && !signal.aborted) readNow.current();
      });
    };
    readNow.current();
    return () => {
      readNow.current = () => undefined;
      stopping.abort();
    };
  }, [api, path]);

  useEffect(() => {
    if (everyMs === null) return;
    const every = setInterval(reload, everyMs);
    return () => clearInterval(every);
  }, [everyMs, reload]);

  useLive((event) => {
    if (event.type === 'resync' || event.type === 'ready' || when?.(event)) soon();
  });

  const isThis = read.path === path;
  return { data: isThis ? read.data : null, problem: isThis ? read.problem : null, isLoading: path !== null && !isThis, reload };
}

/** Any error in words. */
export const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem(0, error instanceof Error ? error.message : String(error));

/** Whether an event tells of deliveries, of this endpoint or event alone where one is named. */
export const tellsOfDeliveries = (of: { readonly endpointId?: string; readonly eventId?: string } = {}) => (event: LiveEvent): boolean =>
  event.type === 'deliveries' && (event.deliveries === null || (of.endpointId === undefined && of.eventId === undefined)
    || event.deliveries.some((one) => one.endpointId === of.endpointId || one.eventId === of.eventId));
