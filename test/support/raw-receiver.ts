import { once } from 'node:events';
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, type TlsOptions } from 'node:tls';

/** A receiver of raw bytes: it plays what a test tells it to, and counts what reaches it. */
export interface Receiver {
  readonly port: number;
  readonly url: string;
  /** Connections opened so far. */
  connections(): number;
  /** Connections that are open now. */
  open(): number;
  /** Bytes written so far, those that still lie in our own buffers included. */
  written(): number;
  /** Whole requests seen so far, as text. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** What to do once a whole request is there; `nth` counts from 1 over all connections. */
export type Play = (socket: Socket, nth: number, request: string) => void;

/** Listens on a free port, or on `port`. `play` is asked for each whole request; `onConnect` as soon as a connection stands. */
export async function startReceiver(
  play: Play, { host = '127.0.0.1', port: wanted = 0, tls, onConnect }: { host?: string; port?: number; tls?: TlsOptions; onConnect?: (socket: Socket) => void } = {},
): Promise<Receiver> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let writtenByClosed = 0;
  const take = (socket: Socket): void => {
    let seen = '';
    onConnect?.(socket);
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      for (let length = requestLength(seen); length !== null; length = requestLength(seen)) {
        const request = seen.slice(0, length);
        requests.push(request);
        seen = seen.slice(length);
        play(socket, requests.length, request);
      }
    });
  };
  const server: Server = tls ? createTls(tls, take) : createTcp(take);
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      writtenByClosed += socket.bytesWritten;
    });
  });
  server.listen(wanted, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/hook`,
    connections: () => connections,
    open: () => sockets.size,
    written: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, writtenByClosed),
    requests,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function requestLength(seen: string): number | null {
  const headersEnd = seen.indexOf('\r\n\r\n');
  if (headersEnd === -1) return null;
  const bodyLength = Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0);
  const length = headersEnd + 4 + bodyLength;
  return seen.length >= length ? length : null;
}

/** Waits until the condition holds; fails after 5 s. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineAt = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > deadlineAt) throw new Error(`Not within 5 s: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}
