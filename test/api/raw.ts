import { connect, type Socket } from 'node:net';

/** What came over a connection until it was closed. */
export interface RawReply {
  readonly text: string;
  /** Of each answer, in order. */
  readonly statuses: readonly number[];
}

/** Sends bytes as they are, and reads until the API closes the connection. */
export function sendRaw(url: string, bytes: string | Buffer): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const socket = open(url);
    let text = '';
    socket.setEncoding('latin1').on('data', (some: string) => (text += some));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error)));
    socket.on('close', () => resolve({ text, statuses: statusesOf(text) }));
    socket.on('end', () => socket.end());
    socket.write(bytes);
  });
}

/** A connection to an API. */
export function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect({ host: hostname, port: Number(port), allowHalfOpen: true });
}

/** The statuses of the answers in what came. */
export const statusesOf = (text: string): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
