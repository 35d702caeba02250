import type { Socket } from 'node:net';
import { ConnectError } from './connect';

/**
 * The most that a receiver may send in one exchange, in bytes: interim answers, status line, headers, and the body with its
 * framing. A parser skips blank lines, padding and chunk extensions and would read them for as long as they come.
 */
const MAX_SENT = 256 * 1024;

/** Ends a connection on which a receiver sends more than that, as a protocol error. The returned function counts anew, for the next exchange. */
export function limitReading(socket: Socket): () => void {
  let countedFrom = 0;
  socket.on('readable', () => {
    if (socket.bytesRead - countedFrom > MAX_SENT) socket.destroy(new ConnectError('protocol_error', 'TOO_LONG'));
  });
  return () => {
    countedFrom = socket.bytesRead;
  };
}
