import { randomUUID } from 'node:crypto';
import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../errors';
import { problemOf } from './present';

/** How long a caller may take, in ms, and how much it may send around a body. */
export interface HttpLimits {
  /** Bytes of the first line and all headers. */
  readonly maxHeaderSize: number;
  /** For the headers, and for the whole request. Node looks each `connectionsCheckingInterval`. */
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly connectionsCheckingInterval: number;
  /** An idle connection is kept for so long. */
  readonly keepAliveTimeout: number;
  /** Connections at once; one more is closed before it is read. */
  readonly maxConnections: number;
}

/** An idle connection outlives that of a load balancer (60 s). */
const LIMITS: HttpLimits = {
  maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000, keepAliveTimeout: 72_000, maxConnections: 20_000,
};

/** How long a drain waits for what is in flight, in ms. */
const GRACE_MS = 35_000;

/** How long a connection that was refused is kept, so that the answer arrives, in ms. */
const LINGER_MS = 1_000;

/** A server that can be emptied. */
export interface DrainingServer {
  readonly server: Server;
  /** Listens no more; what is in flight is answered, and each connection is closed after its answer; at most 35 s. */
  drain(): Promise<void>;
}

/** A server with limits; what it refuses by itself it answers as a problem, as the application does. */
export function createApiServer(handle: RequestListener, limits: Partial<HttpLimits> = {}): DrainingServer {
  let isDraining = false;
  const { maxConnections, ...own } = { ...LIMITS, ...limits };
  const server = createServer(own, (request, response) => {
    if (isDraining) response.setHeader('Connection', 'close');
    else response.once('finish', () => isDraining && request.socket.end());
    handle(request, response);
  });
  server.maxConnections = maxConnections;
  // Browsers open connections ahead of need, which Node takes for busy ones until they have sent something.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('clientError', (error: Error, socket: Duplex) => refuse(error, socket, { ...LIMITS, ...limits }));
  return {
    server,
    async drain() {
      isDraining = true;
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      const late = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      clearTimeout(late);
    },
  };
}

/** Answers a request that Node could not read, or did not wait for any longer, and closes the connection. */
function refuse(error: Error, socket: Duplex, limits: HttpLimits): void {
  const code = 'code' in error ? error.code : '';
  if (!socket.writable || code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const problem = problemOf(problemFor(String(code), limits), requestId);
  const body = JSON.stringify(problem);
  socket.end([
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`, 'Connection: close', 'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`, 'Cache-Control: no-store', 'X-Content-Type-Options: nosniff', `X-Request-Id: ${requestId}`, '', body,
  ].join('\r\n'));
  // Whoever goes on sending is not heard; whoever reads has the time to.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function problemFor(code: string, { maxHeaderSize, headersTimeout, requestTimeout }: HttpLimits): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('headers_too_large', `The address and the headers may have at most ${maxHeaderSize} bytes.`);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new AppError('request_timeout', `The headers must come within ${headersTimeout} ms, and the whole request within ${requestTimeout} ms.`);
  }
  return new AppError('bad_request', 'This is no request of HTTP/1.1.');
}
