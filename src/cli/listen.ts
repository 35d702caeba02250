import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { command, type Io, JSON_OPTION, readAll, wholeNumber } from './command';
import { clean } from './print';
import { checkSignature } from './signature';

/** How the receiver answers, and what it checks. */
export interface ReceiverOptions {
  /** 0: any port that is free. */
  readonly port: number;
  /** Null: signatures are not looked at. */
  readonly secret: string | null;
  readonly status: number;
  /** How many requests are answered with 503 first. */
  readonly failFirst: number;
  /** What it waits before each answer. */
  readonly delayMs: number;
  /** Prints a JSON value for each request, on one line. */
  readonly isJson: boolean;
}

/** `listen`: an endpoint to try things with. */
export const listenCommand = command({
  summary: 'Listens on 127.0.0.1, and prints every request, whether its signature is right, and its body.',
  options: {
    port: { type: 'string', value: 'PORT', describe: 'where it listens; 9000 unless told, 0 for any that is free' },
    secret: { type: 'string', value: 'SECRET', describe: 'checks Standard Webhooks (whsec_...) and X-Chakra-Signature-256; a wrong one is answered with 401' },
    status: { type: 'string', value: 'STATUS', describe: 'what it answers; 200 unless told' },
    fail: { type: 'string', value: 'N', describe: 'answers the first N requests with 503' },
    delay: { type: 'string', value: 'MS', describe: 'waits that long before each answer' },
    ...JSON_OPTION,
  },
  async run({ values }, io) {
    const options: ReceiverOptions = {
      port: wholeNumber('port', values.port, 9000, 0, 65_535),
      secret: values.secret ?? null,
      status: wholeNumber('status', values.status, 200, 200, 599),
      failFirst: wholeNumber('fail', values.fail, 0, 0, 1_000_000),
      delayMs: wholeNumber('delay', values.delay, 0, 0, 600_000),
      isJson: values.json === true,
    };
    const stopped = io.untilStopped();
    const server = await startReceiver(options, io);
    const { port } = server.address() as AddressInfo;
    io.ready({ ready: true, port });
    io.err(`listening on http://127.0.0.1:${port}/ (Ctrl-C stops)`);
    await stopped;
    server.closeAllConnections();
    server.close();
    return 0;
  },
});

/** Starts the receiver. It prints to `io.out`, and takes any method and path. */
async function startReceiver(options: ReceiverOptions, io: Io): Promise<Server> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    const status = count <= options.failFirst ? 503 : options.status;
    handle(request, response, status, options, io).catch((error: unknown) => {
      io.err(`the request broke off: ${error instanceof Error ? error.message : String(error)}`);
      response.destroy();
    });
  });
  server.listen(options.port, '127.0.0.1');
  // Rejects with the error of a port that is taken.
  await once(server, 'listening');
  return server;
}

async function handle(request: IncomingMessage, response: ServerResponse, status: number, options: ReceiverOptions, io: Io): Promise<void> {
  const body = await readAll(request);
  const now = new Date();
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const check = options.secret === null ? null : checkSignature(headers, body, options.secret, now);
  const wrong = check === null || check.valid ? null : check.reason;
  const answered = wrong === null ? status : 401;

  const { method, url } = request;
  if (options.isJson) {
    io.out(JSON.stringify({ at: now.toISOString(), method, url, answered, signature: check && (wrong ?? 'ok'), headers, body: body.toString('utf8') }));
  } else {
    const id = headers['webhook-id'] === undefined ? '' : `  ${headers['webhook-id']}`;
    const verdict = check === null ? '' : wrong === null ? '  signature ok' : `  SIGNATURE WRONG: ${wrong}`;
    io.out(clean(`${now.toISOString().slice(11, 23)}  ${method} ${url} -> ${answered}${id}${verdict}  ${body.length} bytes`));
    if (body.length > 0) io.out(readable(body));
  }

  if (options.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, options.delayMs));
  response.writeHead(answered, { 'content-type': 'text/plain' }).end(wrong ?? undefined);
}

/** JSON indented, anything else as it came; without what would drive the terminal. */
function readable(body: Buffer): string {
  const text = body.toString('utf8');
  try {
    return clean(JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    return clean(text);
  }
}
