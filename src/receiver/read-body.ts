import { bytesOf, concat } from './bytes';
import { ReceiveError } from './receive-error';

/** Of Node's `IncomingMessage` what is needed to read its body. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly complete?: boolean;
  readonly readableDidRead?: boolean;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end' | 'error' | 'close', listener: () => void): unknown;
}

/** Where a body parser may have left the bytes: `rawBody`, or `body` of one that does not parse. */
export interface ParsedBefore {
  readonly rawBody?: unknown;
  readonly body?: unknown;
}

/**
 * The body's bytes, at most `limit`: those that a body parser kept, else those of the stream.
 * @throws ReceiveError `too_large`, `broken_off`; Error where they have been read and not been kept.
 */
export async function readNodeBody(request: NodeRequest, before: ParsedBefore, limit: number): Promise<Uint8Array> {
  const kept = [before.rawBody, before.body].find((value) => typeof value === 'string' || value instanceof Uint8Array);
  if (kept !== undefined) return within(typeof kept === 'string' ? bytesOf(kept) : (kept as Uint8Array), limit);
  if (request.readableDidRead === true) {
    throw new Error('The body has been read, and its bytes are gone: put the receiver before the body parser, or have that keep them as rawBody');
  }
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request.on('data', (chunk) => {
      length += chunk.length;
      // What is over the limit is read and dropped, so that the sender reads our answer and not a reset connection.
      if (length <= limit) chunks.push(chunk);
      else reject(tooLarge(limit));
    });
    request.on('end', () => resolve(concat(chunks)));
    request.on('error', () => reject(brokenOff()));
    request.on('close', () => {
      if (request.complete !== true) reject(brokenOff());
    });
  });
}

/** The body's bytes of a `Request`, at most `limit`. @throws ReceiveError `too_large`, `broken_off`; Error where it was read before. */
export async function readFetchBody(request: Request, limit: number): Promise<Uint8Array> {
  if (request.bodyUsed) throw new Error('The body has been read, and its bytes are gone: hand over the request before anybody reads it');
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge(limit);
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  for (let length = 0; ;) {
    const { done, value } = await reader.read().catch(() => {
      throw brokenOff();
    });
    if (done) return concat(chunks);
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge(limit);
    }
    chunks.push(value);
  }
}

function within(bytes: Uint8Array, limit: number): Uint8Array {
  if (bytes.length > limit) throw tooLarge(limit);
  return bytes;
}

const tooLarge = (limit: number): ReceiveError => new ReceiveError('too_large', `the body has more than ${limit} bytes`);
const brokenOff = (): ReceiveError => new ReceiveError('broken_off', 'the connection was closed before the body was whole');
