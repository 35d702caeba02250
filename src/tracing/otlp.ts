import { hostname } from 'node:os';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, type ReadableSpan, type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { parseTraceparent } from '../trace-context';
import type { Tracing } from './tracing';

/** How traces are sent. */
export interface OtlpOptions {
  /** Takes OTLP as JSON over HTTP. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Share of the traces begun here that are recorded, 0 to 1; what a caller began is recorded where the caller says so. */
  readonly share: number;
  readonly process: 'api' | 'worker';
  /** Told of the first failure of each minute. */
  onFault(message: string): void;
}

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, producer: SpanKind.PRODUCER, internal: SpanKind.INTERNAL } as const;
/** Spans that wait at most: what comes beyond is dropped. A span is about 1 KB. */
const QUEUE = 4_096;
const BATCH = 512;
const EVERY_MS = 1_000;
/** A request to the collector is given up after this. */
const EXPORT_MS = 5_000;
const FAULT_EVERY_MS = 60_000;

/** Traces that leave by OTLP, in batches. */
export function createOtlpTracing({ url, headers, serviceName, share, process, onFault }: OtlpOptions): Tracing {
  const exporter = telling(new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: EXPORT_MS }), onFault);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.instance.id': `${hostname()}/${globalThis.process.pid}`, 'posthorn.process': process }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new BatchSpanProcessor(exporter, {
      maxQueueSize: QUEUE, maxExportBatchSize: BATCH, scheduledDelayMillis: EVERY_MS, exportTimeoutMillis: EXPORT_MS,
    })],
  });
  const tracer = provider.getTracer('posthorn');
  return {
    begin({ name, kind, parent, startedAt, attributes }) {
      const span = tracer.startSpan(name, { kind: KINDS[kind], attributes, ...(startedAt && { startTime: startedAt }) }, contextOf(parent));
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceId,
        traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
        end(more = {}, fault) {
          span.setAttributes(more);
          if (fault !== undefined) span.setAttribute('error.type', fault).setStatus({ code: SpanStatusCode.ERROR, message: fault });
          span.end();
        },
      };
    },
    // What could not be sent was told of already.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

function contextOf(traceparent: string | undefined): Context {
  const parsed = traceparent === undefined ? null : parseTraceparent(traceparent);
  if (!parsed) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId: parsed.traceId, spanId: parsed.spanId, traceFlags: parsed.flags & 1, isRemote: true });
}

/** The exporter, with its failures told now and then. */
function telling(exporter: SpanExporter, onFault: OtlpOptions['onFault']): SpanExporter {
  let toldAt = -Infinity;
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        if (result.error && performance.now() - toldAt > FAULT_EVERY_MS) {
          toldAt = performance.now();
          onFault(result.error.message);
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
