import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { AppError, invalid } from '../errors';
import { busy, type Admitted } from './admission';

/** Deepest nesting of a request's body; also what the condition of a rule may need at most. */
export const MAX_JSON_DEPTH = 64;

/** A request's body: its text and what the text says; `''` and undefined where there is none. */
export interface JsonBody {
  readonly raw: string;
  readonly value: unknown;
}

/**
 * Reads a JSON body of at most `limit` bytes.
 * @throws AppError 413 over the limit, 415 for another media type or a content encoding, 400 for what is no UTF-8 or no
 * JSON, 422 for JSON that can not be kept: deeper than 64, a key `__proto__`, `\u0000` or half a surrogate pair in a
 * string, a number beyond the doubles. Of a key that stands twice the last value counts.
 */
export async function readJsonBody(request: IncomingMessage, limit: number, room: Room): Promise<JsonBody> {
  const bytes = await readBytes(request, limit, room);
  if (bytes.length === 0) return { raw: '', value: undefined };
  refuseOtherMedia(request);
  if (!isUtf8(bytes)) throw new AppError('malformed_json', 'The body is not valid UTF-8.');
  const raw = bytes.toString('utf8');
  const value = parse(raw);
  checkJson(value, '', 1, raw.includes('\\u'));
  return { raw, value };
}

/** Where a body makes room for itself as it comes. */
export type Room = Pick<Admitted, 'hold'>;

/**
 * Reads a body of at most `limit` bytes; empty where there is none.
 * @throws AppError 413 over the limit, 415 for a content encoding, 429 without room, 400 where it breaks off.
 */
export async function readBytes(request: IncomingMessage, limit: number, room: Room): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  if (declared === 0 && request.headers['transfer-encoding'] === undefined) return Buffer.alloc(0);
  refuseEncoding(request);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      // What is refused is still read, and dropped, so that the caller reads our answer and not a reset connection.
      if (length > limit) reject(tooLarge(limit));
      else if (!room.hold(chunk.length)) reject(noRoom());
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.once('error', () => reject(new AppError('bad_request', 'The connection broke before the body was whole.')));
    // Comes after each request: an error, and its stack, only for those whose body did not come to its end.
    request.once('close', () => {
      if (!request.complete) reject(new AppError('bad_request', 'The connection was closed before the body was whole.'));
    });
  });
}

const noRoom = (): AppError => busy('The bodies of all requests that are under way have too many bytes');
const tooLarge = (limit: number): AppError => new AppError('too_large', `The body may have at most ${limit} bytes.`);

function refuseOtherMedia(request: IncomingMessage): void {
  const type = request.headers['content-type'];
  if (!type || !/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type)) {
    throw new AppError('unsupported_media_type', `The content-type is ${type ? `"${type}"` : 'missing'}; it must be application/json (UTF-8).`);
  }
}

function refuseEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding && encoding !== 'identity') {
    throw new AppError('unsupported_media_type', 'A content-encoding is not understood: send the body as it is.');
  }
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch (error) {
    throw new AppError('malformed_json', `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Walks a parsed value once; `depth` is that of `value` itself. Where the text has no `\u` escape (`isEscaped` false),
 * its strings can hold neither U+0000 nor half a pair: the bytes were valid UTF-8 and the parser refuses control characters.
 */
function checkJson(value: unknown, path: string, depth: number, isEscaped: boolean): void {
  if (typeof value === 'string') {
    if (isEscaped) checkText(value, path);
    return;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid(path, 'is a number beyond what can be kept (about 1.8e308)');
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_JSON_DEPTH) throw invalid(path, `is nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) checkJson(value[index], join(path, String(index)), depth + 1, isEscaped);
    return;
  }
  for (const key of Object.keys(value)) {
    if (isEscaped) checkText(key, path);
    if (key === '__proto__') throw invalid(join(path, key), 'is not allowed as a key');
    checkJson((value as Record<string, unknown>)[key], join(path, key), depth + 1, isEscaped);
  }
}

const HALF_A_PAIR = /\p{Surrogate}/u;

/** @throws AppError 422 for text that PostgreSQL can not store or UTF-8 can not write. */
function checkText(text: string, path: string): void {
  if (text.includes('\0')) throw invalid(path, 'holds the character \\u0000, which can not be kept');
  if (HALF_A_PAIR.test(text)) throw invalid(path, 'holds half a surrogate pair, which is no character');
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);
