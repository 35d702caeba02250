import { AsyncLocalStorage } from 'node:async_hooks';

/** What a trace is continued by: a `traceparent` of W3C Trace Context, level 1. Absent: of no trace. */
export interface Traced {
  readonly traceparent?: string;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

const current = new AsyncLocalStorage<Traced>();

/** The parts of a `traceparent`, the flags as a number; null where it is not one (Trace Context, 3.2). */
export function parseTraceparent(text: string): { readonly traceId: string; readonly spanId: string; readonly flags: number } | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  return traceId === undefined || spanId === undefined ? null : { traceId, spanId, flags: parseInt(flags ?? '00', 16) };
}

/** Has what `work` makes, also later, belong to a trace. */
export const withTrace = <T>(traceparent: string, work: () => T): T => current.run({ traceparent }, work);

/** The trace that the caller works for, to be spread into what it makes. Costs nothing where nothing is traced. */
export const traced = (): Traced => current.getStore() ?? {};
