import type { Config } from '../config';
import type { Log } from '../log';

/** Values of a span, by the names of OpenTelemetry's semantic conventions, and `posthorn.*` for what is ours. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** What a span is when it begins. */
export interface SpanStart {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'producer' | 'internal';
  /** The `traceparent` that it belongs to; without one, or with one that is malformed, it begins a trace. */
  readonly parent?: string | undefined;
  /** Now, unless told. */
  readonly startedAt?: Date;
  readonly attributes: SpanAttributes;
}

/** A span that runs. */
export interface Span {
  /** To be handed on: its own id, and whether it is recorded. */
  readonly traceparent: string;
  readonly traceId: string;
  /** Ends it now. `fault`: a short class of what went wrong, such as an attempt's outcome. */
  end(attributes?: SpanAttributes, fault?: string): void;
}

/** Writes spans down; they leave in the background, and a collector that is away costs nothing but the spans. */
export interface Tracing {
  begin(start: SpanStart): Span;
  /** Sends what is left, within a few seconds. */
  close(): Promise<void>;
}

/** Where traces go to, as the settings say; null: nowhere. What they need is loaded only then. */
export function openTracing(config: Config, log: Log, process: 'api' | 'worker'): Tracing | null {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return null;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- most processes trace nothing, and need not load it
  const { createOtlpTracing } = require('./otlp') as typeof import('./otlp');
  return createOtlpTracing({
    url: `${config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`,
    headers: config.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: config.OTEL_SERVICE_NAME,
    share: config.OTEL_TRACES_SAMPLER_ARG,
    process,
    onFault: (message) => log.warn({ error: message }, 'tracing.export_failed'),
  });
}
