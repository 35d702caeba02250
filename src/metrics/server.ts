import { createServer } from 'node:http';
import { type Exposition, METRICS_TYPE } from './exposition';

/** A port that tells metrics, and nothing else. */
export interface MetricsServer {
  close(): Promise<void>;
}

/** Where it is to listen, and whom to tell that it can't. */
export interface MetricsPlace {
  readonly host: string;
  readonly port: number;
  readonly onFault: (error: Error) => void;
}

/** A process that takes another one's place finds its port taken until that one has ended. */
const AGAIN_MS = 2_000;

/**
 * Answers `GET /metrics` to whoever reaches the port: no key is asked for. Where the port is taken it tries again, since
 * metrics must not keep a process from its work; of that `onFault` hears once.
 */
export function startMetricsServer(exposition: Exposition, { host, port, onFault }: MetricsPlace): MetricsServer {
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, (request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') return void response.writeHead(404).end('There is GET /metrics, and nothing else.\n');
    void exposition.text().then(
      (text) => response.writeHead(200, { 'Content-Type': `${METRICS_TYPE}; charset=utf-8` }).end(text),
      (error: Error) => response.writeHead(500).end(`${error.message}\n`),
    );
  });
  let timer: NodeJS.Timeout | undefined;
  let isTold = false;
  server.on('error', (error) => {
    if (!isTold) onFault(error);
    isTold = true;
    timer = setTimeout(() => server.listen(port, host), AGAIN_MS);
  });
  server.listen(port, host);
  return {
    async close() {
      clearTimeout(timer);
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
