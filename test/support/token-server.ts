import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request for a token, as the server saw it. */
export interface AskedToken {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

/** What it answers: the status with a body (JSON, or text as it is), `hang` for nothing; absent: a token. */
export type TokenAnswer = { readonly status?: number; readonly body: unknown; readonly headers?: Record<string, string>; readonly afterMs?: number } | 'hang';

/** An authorization server that gives the tokens `<prefix>-1`, `<prefix>-2` and so on, and remembers who asked. */
export interface TokenServer {
  readonly url: string;
  readonly port: number;
  readonly asked: readonly AskedToken[];
  /** What it answers from now on; null: tokens that last `expiresIn` seconds. */
  answer: TokenAnswer | null;
  expiresIn: number | undefined;
  /** Before a token is given. */
  afterMs: number;
  /** The token that was given last. */
  last(): string;
  close(): Promise<void>;
}

/** Opens it on a free port of 127.0.0.1. */
export async function openTokenServer(prefix = 'token'): Promise<TokenServer> {
  const asked: AskedToken[] = [];
  let given = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      asked.push({ path: request.url ?? '', authorization: request.headers.authorization, contentType: request.headers['content-type'], form });
      const plan = opened.answer;
      if (plan === 'hang') return;
      const { status = 200, headers = {}, afterMs = 0, body } = plan
        ?? { afterMs: opened.afterMs, body: { access_token: `${prefix}-${++given}`, token_type: 'Bearer', ...(opened.expiresIn !== undefined && { expires_in: opened.expiresIn }) } };
      const send = (): void => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body));
      if (afterMs > 0) setTimeout(send, afterMs);
      else send();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const opened: TokenServer = {
    url: `http://127.0.0.1:${port}/token`, port, asked, answer: null, expiresIn: 3600, afterMs: 0,
    last: () => `${prefix}-${given}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return opened;
}
