import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { Db } from '../../src/store/db';
import { type Call, createCall } from './call';
import { freshDatabase, type TestDatabase } from './postgres';
import { type Spawned, spawnCli } from './processes';
import { freshNamespace } from './temporal';
import { until } from './wait';

/** How a service is started. */
export interface ServiceOptions {
  /** Settings of all its processes. */
  readonly env?: Readonly<Record<string, string>>;
  /** Workers, 1 unless told. */
  readonly workers?: number;
  /** Settings of the first workers alone, such as the failpoint of one. */
  readonly workerEnv?: readonly Readonly<Record<string, string>>[];
  readonly apiEnv?: Readonly<Record<string, string>>;
  /** Another database than a fresh one of the run's; it is dropped with the service. */
  readonly database?: TestDatabase;
  /** Another Temporal than the run's. */
  readonly temporal?: { readonly address: string; readonly namespace: string };
}

/** An endpoint of a test, by what tests need of it. */
export interface TestEndpoint {
  readonly id: string;
  readonly secret: string;
}

/** A process of the service. */
export interface Part {
  readonly name: 'serve' | 'work';
  readonly pid: number;
  output(): string;
  isAlive(): boolean;
  /** Its exit code, or the signal that ended it. */
  readonly end: Spawned['end'];
  /** Sends a signal, SIGKILL unless told, and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** A Posthorn of one test file: real processes, a database and a Temporal namespace of its own. */
export interface Service {
  readonly rootKey: string;
  /** What its processes are started with. */
  readonly settings: Readonly<Record<string, string>>;
  readonly db: Db;
  readonly temporal: Client;
  readonly address: string;
  readonly namespace: string;
  /** The API that runs now; another process after {@link startApi}. */
  api(): Part;
  /** The workers that were started and are alive. */
  workers(): readonly Part[];
  url(): string;
  readonly call: Call;
  /** Makes a call that must succeed, and answers its body. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of every shape
  ok(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<any>;
  /** Makes an endpoint at `url`; `body` is the rest of what is posted. */
  endpoint(url: string, body?: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>): Promise<TestEndpoint>;
  /** Posts custom events, a hundred a call, and answers their ids in order. */
  publish(count: number, type?: string, headers?: Readonly<Record<string, string>>): Promise<string[]>;
  /** Waits until a delivery has a status; answers it with its attempts. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as the API answers it
  untilDelivery(id: string, status: string): Promise<any>;
  /** Waits until an endpoint has a status; answers it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as the API answers it
  untilEndpoint(id: string, status: string): Promise<any>;
  /** `openFiles`: how many files and sockets it may have open; as the system has it unless told. */
  startApi(env?: Readonly<Record<string, string>>, openFiles?: number): Promise<Part>;
  startWorker(env?: Readonly<Record<string, string>>, openFiles?: number): Promise<Part>;
  /** What all processes wrote, for a test that failed. */
  output(): string;
  /** Stops all processes in order, also those that a signal has stopped, and removes the database. @throws where a process is left. */
  stop(): Promise<void>;
}

/** Starts an API and workers against a fresh database and namespace. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const [database, temporal] = await Promise.all([options.database ?? freshDatabase(), options.temporal ?? freshNamespace()]);
  const rootKey = `phk_${randomBytes(32).toString('base64url')}`;
  const env = {
    DATABASE_URL: database.url,
    DATABASE_POOL: '10',
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    POSTHORN_ROOT_KEY: rootKey,
    POSTHORN_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    DELIVERY_ALLOWED_NETWORKS: '127.0.0.0/8',
    PORT: '0',
    ...options.env,
  };
  const connection = await Connection.connect({ address: temporal.address });
  const all: Spawned[] = [];
  const parts: Part[] = [];
  let url = '';
  const start = async (name: 'serve' | 'work', own: Readonly<Record<string, string>> = {}, openFiles?: number): Promise<Part> => {
    const spawned = spawnCli([name], { ...env, ...own }, openFiles);
    all.push(spawned);
    const part = partOf(name, spawned);
    parts.push(part);
    const ready = await spawned.ready;
    url = ready.url ?? url;
    return part;
  };
  const alive = (name: string): Part[] => parts.filter((part) => part.name === name && part.isAlive());
  const call = createCall(() => url, rootKey);

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of every shape
  const untilStatus = (path: string, status: string): Promise<any> => until(async () => {
    const found = await service.ok('GET', path);
    return found.status === status && found;
  }, { what: `${path} to be ${status}`, deadlineMs: 20_000 });

  const service: Service = {
    rootKey, settings: env, db: database.db, address: temporal.address, namespace: temporal.namespace, call,
    temporal: new Client({ connection, namespace: temporal.namespace }),
    url: () => url,
    api: () => parts.findLast(({ name }) => name === 'serve') as Part,
    workers: () => alive('work'),
    async ok(method, path, body, headers) {
      const reply = await call(method, path, body, headers);
      if (reply.status >= 300) throw new Error(`${method} ${path} was answered ${reply.status}: ${reply.text}${reply.status >= 500 ? `\n${service.api().output().slice(-2_000)}` : ''}`);
      return reply.body;
    },
    async endpoint(target, body = {}, headers) {
      const { id, secret } = await service.ok('POST', '/v1/endpoints', { url: target, ...body }, headers);
      return { id, secret };
    },
    async publish(count, type = 'test.happened', headers) {
      const pages = Array.from({ length: Math.ceil(count / 100) }, (_, page) => Math.min(100, count - page * 100));
      const replies = await Promise.all(pages.map((size, page) =>
        service.ok('POST', '/v1/events/batch', { events: Array.from({ length: size }, (_, n) => ({ type, data: { n: page * 100 + n } })) }, headers)));
      return replies.flatMap(({ results }: { results: { id: string }[] }) => results.map(({ id }) => id));
    },
    untilDelivery: (id, status) => untilStatus(`/v1/deliveries/${id}`, status),
    untilEndpoint: (id, status) => untilStatus(`/v1/endpoints/${id}`, status),
    startApi: (own, openFiles) => start('serve', own, openFiles),
    startWorker: (own, openFiles) => start('work', own, openFiles),
    output: () => parts.map(({ name, pid, output }) => `--- ${name} ${pid}\n${output()}`).join('\n'),
    async stop() {
      // Whom a test has stopped would not hear of it.
      for (const spawned of all) spawned.signal('SIGCONT');
      await Promise.all(alive('work').map((worker) => worker.kill('SIGTERM')));
      await Promise.all(alive('serve').map((api) => api.kill('SIGTERM')));
      await connection.close();
      await database.drop();
      const left = parts.filter((part) => part.isAlive());
      if (left.length > 0) throw new Error(`left running: ${left.map(({ name, pid }) => `${name} ${pid}`).join(', ')}`);
    },
  };
  const { workers = 1, workerEnv = [], apiEnv } = options;
  try {
    await Promise.all([start('serve', apiEnv), ...Array.from({ length: workers }, (_, n) => start('work', workerEnv[n]))]);
  } catch (error) {
    await service.stop();
    throw error;
  }
  return service;
}

const partOf = (name: Part['name'], { pid, child, output, end }: Spawned): Part => ({
  name, pid, output, end,
  isAlive: () => child.exitCode === null && child.signalCode === null,
  async kill(signal = 'SIGKILL') {
    child.kill(signal);
    return end;
  },
});

/** Waits until none of the events' deliveries can still change by itself: each is planned, and final or HELD. */
export async function untilSettled({ db }: Service, eventIds: readonly string[], deadlineMs = 30_000): Promise<void> {
  await until(async () => {
    const [row] = await db.query<{ open: number }>({
      text: `select (select count(*) from unnest($1::text[]) e(id) where not exists (select 1 from plans p where p.event_id = e.id))
                  + (select count(*) from deliveries where event_id = any($1) and status in ('PENDING', 'RETRYING')) as open`,
      values: [eventIds],
    });
    return Number(row?.open) === 0;
  }, { deadlineMs, what: `${eventIds.length} events to be settled` });
}
