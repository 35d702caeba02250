import type { Socket } from 'node:net';
import { TLSSocket, type TlsOptions } from 'node:tls';
import { gzipSync } from 'node:zlib';
import type { Outcome } from '../../src/domain/attempt';
import { startReceiver, type Receiver } from './raw-receiver';

/** One way to treat a sender badly, and what the attempt must come to. */
export interface Behaviour {
  /** Of the fault matrix: E1 to E16. */
  readonly row: string;
  readonly outcome: Outcome;
  /** Null: no status was heard. */
  readonly statusCode: number | null;
  /** The whole of the attempt's `error`; absent: null. */
  readonly error?: RegExp;
  /** Whether the body is told to be cut. */
  readonly truncated?: boolean;
  /** Whether it is written without end, as fast as it goes: the sender must not read all of that. */
  readonly isEndless?: boolean;
  /** Whether it lasts until the sender's deadline. */
  readonly lasts?: boolean;
  /** Whether it closes the connection after its answer, without a word of that in the answer. */
  readonly closes?: boolean;
  /** Acts once a whole request is there. */
  readonly play: (socket: Socket) => void;
}

const say = (text: string) => (socket: Socket): void => void socket.write(text, 'latin1');
const sayAndEnd = (text: string) => (socket: Socket): void => void socket.end(text, 'latin1');
const status = (code: number | string, rest = 'content-length: 0\r\n\r\n'): string => `HTTP/1.1 ${code} X\r\n${rest}`;

/** Says `head`, then `piece` every 10 ms until the other side is gone. */
const drip = (head: string, piece: string) => (socket: Socket): void => {
  socket.write(head);
  const timer = setInterval(() => socket.write(piece), 10);
  socket.on('close', () => clearInterval(timer));
};

/** Says `head`, then `piece` as fast as the other side takes it, until that is gone. */
const pour = (head: string, piece: string) => (socket: Socket): void => {
  const bytes = Buffer.from(piece);
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  socket.write(head);
  more();
};

/** A connection with TLS can't be reset by hand: it ends without a word instead. */
const reset = (socket: Socket): void => void (socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy());

const resetLater = (socket: Socket): void => {
  const timer = setTimeout(() => reset(socket), 20);
  socket.on('close', () => clearTimeout(timer));
};

const thenReset = (text: string) => (socket: Socket): void => {
  // What was said must have arrived: a reset discards what has not.
  socket.write(text, 'latin1');
  resetLater(socket);
};

const OK = status(200, 'content-length: 2\r\n\r\nok');
const CHUNKED = status(200, 'transfer-encoding: chunked\r\n\r\n');
const PROTOCOL_ERROR = { outcome: 'protocol_error', statusCode: null, error: /^(?!UNKNOWN)[A-Z][A-Z0-9_]+$/ } as const;
const TIMEOUT = { outcome: 'timeout', statusCode: null, error: /^TIMEOUT$/, lasts: true } as const;
const RESET = { outcome: 'connection_reset', statusCode: null, error: /^(ECONNRESET|CLOSED|EPIPE)$/ } as const;
const TOO_LONG = { outcome: 'protocol_error', statusCode: null, error: /^TOO_LONG$/, isEndless: true } as const;
/** The receiver has spoken: what becomes of the body changes nothing. */
const SPOKEN = { outcome: 'ok', statusCode: 200, truncated: true } as const;
const REDIRECTS = [301, 302, 303, 307, 308];
const STATUSES: readonly (readonly [number, Outcome])[] = [
  [200, 'ok'], [201, 'ok'], [202, 'ok'], [204, 'ok'], [205, 'ok'], [299, 'ok'], [300, 'redirect'], [304, 'redirect'],
  [400, 'http_error'], [401, 'http_error'], [403, 'http_error'], [404, 'http_error'], [410, 'http_error'], [413, 'http_error'], [429, 'http_error'],
  [500, 'http_error'], [503, 'http_error'], [599, 'http_error'],
];
const named = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> => Object.fromEntries(entries);
const SPACES = ' '.repeat(16_384);

/** All behaviours by name, which is also the path at which {@link startHostile} shows them. */
export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  'hang': { row: 'E1', ...TIMEOUT, play: () => undefined },

  'reset-after-request': { row: 'E3', ...RESET, play: reset },
  'close-after-request': { row: 'E3', ...RESET, play: (socket) => socket.end() },
  'reset-amid-status-line': { row: 'E3', ...RESET, play: thenReset('HTTP/1.1 200 O') },
  'reset-amid-headers': { row: 'E3', ...RESET, play: thenReset('HTTP/1.1 200 OK\r\ncontent-le') },
  'reset-after-headers': { row: 'E3', ...SPOKEN, play: thenReset(status(200, 'content-length: 100\r\n\r\n')) },
  'reset-amid-body': { row: 'E3', ...SPOKEN, play: thenReset(status(200, 'content-length: 100\r\n\r\n0123456789')) },
  'truncated-body': { row: 'E4', ...SPOKEN, play: sayAndEnd(status(200, 'content-length: 100\r\n\r\n0123456789')) },
  'truncated-chunk': { row: 'E4', ...SPOKEN, play: sayAndEnd(`${CHUNKED}64\r\n0123456789`) },
  'broken-chunk': { row: 'E4', ...SPOKEN, play: say(`${CHUNKED}2\r\nok\r\nzz\r\n`) },

  'drip-status-line': { row: 'E5', ...TIMEOUT, play: drip('HTTP/1.1 200 ', 'O') },
  'drip-headers': { row: 'E5', ...TIMEOUT, play: drip('HTTP/1.1 200 OK\r\n', 'x') },
  'drip-body': { row: 'E5', ...SPOKEN, lasts: true, play: drip(status(200, 'content-length: 100000\r\n\r\n'), 'x') },
  'drip-chunks': { row: 'E5', ...SPOKEN, lasts: true, play: drip(CHUNKED, '1\r\nx\r\n') },

  'endless-103': { row: 'E6', ...TIMEOUT, play: drip('', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n') },
  'endless-102': { row: 'E6', ...TIMEOUT, play: drip('', 'HTTP/1.1 102 Processing\r\n\r\n') },
  'endless-100': { row: 'E6', ...PROTOCOL_ERROR, play: drip('', 'HTTP/1.1 100 Continue\r\n\r\n') },
  'flood-of-103': { row: 'E6', ...PROTOCOL_ERROR, isEndless: true, play: pour('', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)) },
  'flood-of-large-103': { row: 'E6', ...TOO_LONG, play: pour('', `HTTP/1.1 103 Early Hints\r\nlink: ${'x'.repeat(15_000)}\r\n\r\n`) },
  'upgrade': { row: 'E7', ...PROTOCOL_ERROR, play: say('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x05hello') },
  'upgrade-to-h2c': { row: 'E7', ...PROTOCOL_ERROR, play: say('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n') },

  'endless-body': { row: 'E8', ...SPOKEN, isEndless: true, play: pour(status(200, '\r\n'), '0'.repeat(8192)) },
  'endless-length': { row: 'E8', ...SPOKEN, isEndless: true, play: pour(status(200, 'content-length: 1000000000\r\n\r\n'), '0'.repeat(8192)) },
  'endless-chunks': { row: 'E8', ...SPOKEN, isEndless: true, play: pour(CHUNKED, `2000\r\n${'0'.repeat(8192)}\r\n`) },
  'endless-tiny-chunks': { row: 'E8', ...SPOKEN, isEndless: true, play: pour(CHUNKED, '1\r\n0\r\n'.repeat(2000)) },
  'endless-chunk-extension': { row: 'E8', ...SPOKEN, isEndless: true, play: pour(`${CHUNKED}2;a=`, 'x'.repeat(8192)) },
  'endless-chunk-size': { row: 'E8', ...SPOKEN, isEndless: true, play: pour(CHUNKED, '0'.repeat(8192)) },
  'endless-trailers': { row: 'E8', ...SPOKEN, isEndless: true, play: pour(`${CHUNKED}2\r\nok\r\n0\r\n`, 'x-a: 1\r\n'.repeat(1000)) },
  'gzip-bomb': {
    row: 'E9', ...SPOKEN,
    play: (socket) => {
      const bomb = gzipSync(Buffer.alloc(25_000_000));
      socket.write(status(200, `content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`));
      socket.write(bomb);
    },
  },
  'gzip-chain': { row: 'E9', outcome: 'ok', statusCode: 200, play: say(status(200, `content-encoding: ${Array(500).fill('gzip').join(', ')}\r\ncontent-length: 2\r\n\r\nok`)) },

  'large-header': { row: 'E10', ...PROTOCOL_ERROR, play: say(status(200, `x-big: ${'x'.repeat(20_000)}\r\n\r\n`)) },
  'ten-thousand-headers': { row: 'E10', ...PROTOCOL_ERROR, play: say(status(200, `${Array.from({ length: 10_000 }, (_, i) => `x${i}: 1\r\n`).join('')}\r\n`)) },
  'endless-headers': { row: 'E10', ...PROTOCOL_ERROR, isEndless: true, play: pour('HTTP/1.1 200 OK\r\n', 'x-a: 1\r\n'.repeat(1000)) },
  'endless-header-without-value': { row: 'E10', ...PROTOCOL_ERROR, isEndless: true, play: pour('HTTP/1.1 200 OK\r\n', 'a:\r\n'.repeat(1000)) },
  'endless-header-padding': { row: 'E10', ...TOO_LONG, play: pour('HTTP/1.1 200 OK\r\nx-a:', SPACES) },
  'endless-status-line': { row: 'E10', ...TOO_LONG, play: pour('HTTP/1.1 200 ', 'O'.repeat(8192)) },
  'endless-blank-lines': { row: 'E10', ...TOO_LONG, play: pour('', '\r\n'.repeat(4096)) },
  'header-with-nul': { row: 'E10', ...PROTOCOL_ERROR, play: say(status(200, 'x-a: a\0b\r\ncontent-length: 0\r\n\r\n')) },
  'header-with-cr': { row: 'E10', ...PROTOCOL_ERROR, play: say(status(200, 'x-a: a\rb\r\ncontent-length: 0\r\n\r\n')) },
  'header-with-lf': { row: 'E10', ...PROTOCOL_ERROR, play: say(status(200, 'x-a: a\nx-b: b\r\ncontent-length: 0\r\n\r\n')) },
  'header-name-with-space': { row: 'E10', ...PROTOCOL_ERROR, play: say(status(200, 'x a: b\r\ncontent-length: 0\r\n\r\n')) },

  ...named(REDIRECTS.map((code) => [`redirect-${code}`, {
    row: 'E12', outcome: 'redirect', statusCode: code, play: say(status(code, 'location: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n')),
  } as const])),
  'redirect-loop': { row: 'E12', outcome: 'redirect', statusCode: 302, play: say(status(302, 'location: /redirect-loop\r\ncontent-length: 0\r\n\r\n')) },

  ...named(STATUSES.map(([code, outcome]) => [`status-${code}`, { row: 'E13', outcome, statusCode: code, play: say(status(code)) } as const])),
  ...named(['000', '099', '600', '999', '1000', '20', 'abc', '-200'].map((code) => [`status-${code}`, { row: 'E13', ...PROTOCOL_ERROR, play: say(status(code)) } as const])),

  'length-of-204': { row: 'E15', outcome: 'ok', statusCode: 204, truncated: true, play: say(status(204, 'content-length: 5\r\n\r\nhello')) },
  'http-0.9': { row: 'E15', ...PROTOCOL_ERROR, error: /^NOT_HTTP$/, play: sayAndEnd('hello\r\n') },
  'http-1.0': { row: 'E15', outcome: 'ok', statusCode: 200, play: sayAndEnd('HTTP/1.0 200 OK\r\n\r\nfine') },
  'http-2.0': { row: 'E15', outcome: 'ok', statusCode: 200, play: say('HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n') },
  'smtp': { row: 'E15', ...PROTOCOL_ERROR, play: say('220 mail.example.com ESMTP\r\n') },
  'two-lengths': { row: 'E15', ...PROTOCOL_ERROR, play: say(status(200, 'content-length: 2\r\ncontent-length: 3\r\n\r\nokk')) },
  'two-equal-lengths': { row: 'E15', ...PROTOCOL_ERROR, play: say(status(200, 'content-length: 2\r\ncontent-length: 2\r\n\r\nok')) },
  'length-and-chunks': { row: 'E15', ...PROTOCOL_ERROR, play: say(status(200, 'content-length: 2\r\ntransfer-encoding: chunked\r\n\r\nok')) },
  'negative-length': { row: 'E15', ...PROTOCOL_ERROR, play: say(status(200, 'content-length: -2\r\n\r\nok')) },
  'length-in-hex': { row: 'E15', ...PROTOCOL_ERROR, play: say(status(200, 'content-length: 0x2\r\n\r\nok')) },
  'length-beyond-64-bits': { row: 'E15', ...PROTOCOL_ERROR, play: say(status(200, 'content-length: 99999999999999999999\r\n\r\nok')) },

  // What is left over is of another status: whoever takes it for the next answer tells that.
  'leftover-at-once': { row: 'E16', outcome: 'ok', statusCode: 200, play: say(`${OK}${status(500)}`) },
  'leftover-of-204': { row: 'E16', outcome: 'ok', statusCode: 204, play: say(`${status(204, '\r\n')}${status(500)}`) },
  'leftover-later': {
    row: 'E16', outcome: 'ok', statusCode: 200,
    play: (socket) => {
      socket.write(OK);
      setImmediate(() => socket.write(status(500)));
    },
  },
  'closes-when-idle': { row: 'E16', outcome: 'ok', statusCode: 200, closes: true, play: sayAndEnd(OK) },
};

/** A receiver that behaves as the last part of the path says. With a certificate it speaks https. */
export function startHostile(tls?: TlsOptions): Promise<Receiver> {
  return startReceiver((socket, _, request) => {
    const name = /^POST \/(?:\S*\/)?([^/\s?]+) /.exec(request)?.[1] ?? '';
    const behaviour = BEHAVIOURS[name];
    if (behaviour) behaviour.play(socket);
    else socket.destroy();
  }, { ...(tls && { tls }) });
}
