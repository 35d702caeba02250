/**
 * The receiver: answers 200 to everything and keeps what came, raw, with its time of arrival. It reads no more of HTTP than
 * where a request ends, so that it takes as little of the machine as it can; all checks are made afterwards, in `take`.
 * Below `/~hang` it answers after 20 s, below `/~fail` with 500; what comes there is kept, but nobody waits for it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:net';
import { answerCalls } from './child.mjs';
import { nowMs, pause } from './clock.mjs';

const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
const FAILED = Buffer.from('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n');
const HANG_MS = 20_000;
/** What behaves otherwise has this after the first slash of its path, at this place of `POST /`. */
const MARK = '~'.charCodeAt(0);
const MARK_AT = 'POST /'.length;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** @type {{ raw: Buffer, at: number }[]} */
let arrivals = [];
/** What came and was no request that this receiver understands. */
let garbled = 0;
/** Of the arrivals, those that were not answered 200. */
let refused = 0;
/** Connections that wait for an answer that comes late. */
const hanging = new Set();

const server = createServer({ noDelay: true }, (socket) => {
  let rest = NOTHING;
  socket.on('data', (chunk) => {
    const at = nowMs();
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let size = sizeOfFirst(rest); size !== 0; size = sizeOfFirst(rest)) {
      if (size < 0) {
        garbled += 1;
        socket.destroy();
        return;
      }
      arrivals.push({ raw: rest.subarray(0, size), at });
      if (rest[MARK_AT] === MARK) misbehave(socket, rest);
      else socket.write(OK);
      rest = rest.subarray(size);
    }
  });
  socket.on('error', () => undefined);
});

function misbehave(socket, raw) {
  refused += 1;
  if (raw.latin1Slice(MARK_AT + 1, MARK_AT + 5) === 'fail') {
    socket.write(FAILED);
    return;
  }
  hanging.add(socket);
  socket.once('close', () => hanging.delete(socket));
  setTimeout(() => hanging.delete(socket) && socket.write(OK), HANG_MS).unref();
}

/** Bytes of the first request in here; 0 while it is not whole, -1 where its length is not told. */
function sizeOfFirst(bytes) {
  const headEnd = bytes.length === 0 ? -1 : bytes.indexOf(HEAD_END);
  if (headEnd === -1) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.latin1Slice(0, headEnd))?.[1];
  if (length === undefined) return -1;
  const size = headEnd + HEAD_END.length + Number(length);
  return bytes.length >= size ? size : 0;
}

answerCalls({
  listen: () => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port))),

  forget,

  /** Cuts what hangs, so that nothing of it is left for what comes next. */
  cutHanging() {
    for (const socket of hanging) socket.destroy();
  },

  /** Waits until so many have come and were answered 200, at most so long; answers how many have. */
  async until({ count, withinMs }) {
    const deadline = nowMs() + withinMs;
    while (arrivals.length - refused < count && nowMs() < deadline) await pause(20);
    return arrivals.length - refused;
  },

  /** What came since the last `take` or `forget`: its path, `webhook-id`, time and number, and whether its signature is right. */
  take({ secrets = {} }) {
    const taken = { garbled, arrivals: arrivals.map((arrival) => read(arrival, secrets)) };
    forget();
    return taken;
  },
});

function forget() {
  arrivals = [];
  garbled = 0;
  refused = 0;
}

function read({ raw, at }, secrets) {
  const headEnd = raw.indexOf(HEAD_END);
  const [first = '', ...lines] = raw.latin1Slice(0, headEnd).split('\r\n');
  const path = first.split(' ')[1] ?? '';
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const body = raw.subarray(headEnd + HEAD_END.length);
  return { path, id: headers['webhook-id'] ?? '', at, n: numberOf(body), isSigned: isSigned(headers, body, secrets[path]) };
}

/** The number that the generator wrote into the event's data; -1 where the body is not what it should be. */
function numberOf(body) {
  try {
    return JSON.parse(body.toString('utf8')).data.n ?? -1;
  } catch {
    return -1;
  }
}

/** By Standard Webhooks 1.0.0, written down here once more so that the service does not judge itself. */
function isSigned(headers, body, secret) {
  if (secret === undefined) return false;
  const expected = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`).update(body).digest();
  return (headers['webhook-signature'] ?? '').split(' ').some((part) => {
    const given = Buffer.from(part.startsWith('v1,') ? part.slice(3) : '', 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
