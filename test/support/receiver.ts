import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { freePort } from './ports';

/** One request as a receiver saw it. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Arrival in ms, by `performance.now()`. */
  readonly at: number;
}

/** What a receiver answers: a status with headers, or nothing for so long. */
export type AnswerPlan = number | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string; readonly afterMs?: number } | 'hang';

/** A receiver on a real socket that answers as it is told, path by path, and remembers everything. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** All requests of a path, or of all. */
  received(path?: string): readonly Received[];
  /** The next answers of a path, in order; then `otherwise` (200 unless told). */
  willAnswer(path: string, plans: readonly AnswerPlan[], otherwise?: AnswerPlan): void;
  /** Most requests that were open at once, for a path. */
  mostOpen(path: string): number;
  close(): Promise<void>;
}

/** An address that refuses every connection, until a receiver is opened on its port. */
export async function refusedAddress(): Promise<{ readonly url: string; readonly port: number }> {
  const port = await freePort();
  return { url: `http://127.0.0.1:${port}`, port };
}

interface Script {
  plans: AnswerPlan[];
  otherwise: AnswerPlan;
}

/**
 * Opens a receiver on a free port of 127.0.0.1, or on `port`; with a certificate it speaks https, and with `clientCa` asks for a
 * certificate of that authority.
 */
export async function openReceiver(port = 0, tls?: { readonly key: string; readonly cert: string; readonly clientCa?: string }): Promise<Receiver> {
  const received: Received[] = [];
  const scripts = new Map<string, Script>();
  const open = new Map<string, number>();
  const most = new Map<string, number>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    open.set(path, (open.get(path) ?? 0) + 1);
    most.set(path, Math.max(most.get(path) ?? 0, open.get(path) ?? 0));
    response.once('close', () => open.set(path, (open.get(path) ?? 1) - 1));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ path, headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString('utf8'), at: performance.now() });
    const script = scripts.get(path);
    const plan = script?.plans.shift() ?? script?.otherwise ?? 200;
    if (plan === 'hang') return;
    const { status, headers = {}, body = '', afterMs = 0 } = typeof plan === 'number' ? { status: plan } : plan;
    const answer = (): void => void response.writeHead(status, headers).end(body);
    if (afterMs > 0) setTimeout(answer, afterMs);
    else answer();
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => void handle(request, response).catch(() => response.destroy());
  const server = tls ? createTlsServer({ key: tls.key, cert: tls.cert, ...(tls.clientCa !== undefined && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }) }, onRequest) : createServer(onRequest);
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    port: address.port,
    received: (path) => (path === undefined ? received : received.filter((one) => one.path === path)),
    willAnswer(path, plans, otherwise = 200) {
      scripts.set(path, { plans: [...plans], otherwise });
    },
    mostOpen: (path) => most.get(path) ?? 0,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
