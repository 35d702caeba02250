import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector gets it. */
export interface CollectedSpan {
  readonly service: string;
  readonly process: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
}

/** Takes traces as an OpenTelemetry collector does: OTLP as JSON over HTTP. */
export interface Collector {
  readonly url: string;
  spans(): readonly CollectedSpan[];
  /** Headers of the requests so far. */
  readonly headers: readonly Readonly<Record<string, unknown>>[];
  close(): Promise<void>;
}

interface Attribute { readonly key: string; readonly value: Readonly<Record<string, unknown>> }
interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly (Omit<CollectedSpan, 'attributes' | 'isError'> & { attributes: readonly Attribute[]; status?: { code?: number } })[] }[];
  }[];
}

const valuesOf = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** Opens one on a free port of loopback. */
export async function openCollector(): Promise<Collector> {
  const collected: CollectedSpan[] = [];
  const headers: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/traces') {
        headers.push({ ...request.headers });
        collected.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Batch));
      }
      response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => collected,
    headers,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

const spansOf = ({ resourceSpans }: Batch): CollectedSpan[] => resourceSpans.flatMap(({ resource, scopeSpans }) => {
  const { 'service.name': service, 'posthorn.process': process } = valuesOf(resource.attributes);
  return scopeSpans.flatMap(({ spans }) => spans).map(({ traceId, spanId, parentSpanId = '', name, kind, attributes, status }) => ({
    service: String(service), process: String(process), traceId, spanId, parentSpanId, name, kind, attributes: valuesOf(attributes), isError: status?.code === 2,
  }));
});
