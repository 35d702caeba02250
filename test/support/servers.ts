import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where jest's workers ask its main process for what a run has once. */
const VARIABLE = 'POSTHORN_TEST_SERVERS';

/** Something that is started when it is first asked for. */
export type Starter = () => Promise<string>;

/** In jest's main process: starts on demand, once each, and answers with the address or path. */
export async function offerServers(starters: Readonly<Record<string, Starter>>): Promise<Server> {
  const started = new Map<string, Promise<string>>();
  const server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? '';
    const answer = started.get(name) ?? starters[name]?.() ?? Promise.reject(new Error(`no server is called ${name}`));
    started.set(name, answer);
    answer.then(
      (value) => response.end(value),
      (error: Error) => response.writeHead(500).end(error.stack),
    );
  });
  // A test's connection is kept for as long as the run lasts: one that is closed while it is used again fails its test.
  server.keepAliveTimeout = 3_600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.env[VARIABLE] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return server;
}

/** In a test: the address or path of what the run has once. */
export async function askFor(name: string): Promise<string> {
  const answer = await fetch(`${process.env[VARIABLE]}/${name}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}
