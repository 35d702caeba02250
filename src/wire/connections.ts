import type { SecureContext } from 'node:tls';
import { Client } from 'undici';
import type { EndpointTls } from '../domain/endpoint-auth';
import type { AddressPolicy } from './address';
import { guardedConnector } from './connect';
import { secureContextOf } from './endpoint-tls';
import { limitReading } from './read-limit';

/**
 * One endpoint's connections to one origin: a stack of idle ones, the last used on top. A `Client` holds one connection and
 * one request; undici's own `Pool` is not used since it opens a new connection after each request that is aborted.
 */
export class Connections {
  /** Of the latest request, in ms: what a connect that begins now may take. */
  connectTimeoutMs = 0;
  usedAtMs = 0;
  private readonly idle: Client[] = [];
  /** Of a connection that stands: counts what it reads anew. */
  private readonly countAnew = new WeakMap<Client, () => void>();
  private dropped = false;

  private context: SecureContext | null = null;

  /**
   * @param tls what the connections' TLS has of its own; null: nothing.
   * @param all counts the idle ones of all endpoints.
   */
  constructor(readonly origin: string, private readonly policy: AddressPolicy, readonly tls: EndpointTls | null, private readonly all: { idle: number }) {}

  /** Whether one that is open may be taken. */
  hasIdle(): boolean {
    return this.idle.length > 0;
  }

  /** A connection that nobody else uses; opened when something is sent on it. */
  take(): Client {
    const client = this.idle.pop();
    if (!client) return this.make();
    this.all.idle -= 1;
    return client;
  }

  /** Keeps a connection for the next request, where its receiver lets it stay open. */
  giveBack(client: Client): void {
    if (this.dropped) return discard(client);
    this.countAnew.get(client)?.();
    this.idle.push(client);
    this.all.idle += 1;
  }

  /** Closes what is idle now, and what is in use when it is given back. */
  drop(): void {
    this.dropped = true;
    this.closeIdle();
  }

  /** Closes what is idle now. */
  closeIdle(): void {
    this.all.idle -= this.idle.length;
    for (const client of this.idle.splice(0)) discard(client);
  }

  /** Made when it is first needed: what is in it has to be read anew each time. */
  private secureContext(): SecureContext | undefined {
    if (this.tls !== null) this.context ??= secureContextOf(this.tls);
    return this.context ?? undefined;
  }

  private make(): Client {
    const connect = guardedConnector(this.policy, () => this.connectTimeoutMs, () => this.secureContext());
    const client: Client = new Client(this.origin, {
      connect: (options, callback) => connect(options, (...[error, socket]) => {
        if (error) return callback(error, null);
        this.countAnew.set(client, limitReading(socket));
        callback(null, socket);
      }),
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: 16 * 1024,
      // The exchange has a deadline of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Less than the 5 s after which many servers close; a receiver's own hint is followed up to a minute.
      keepAliveTimeout: 4000,
      keepAliveMaxTimeout: 60_000,
    });
    client.on('disconnect', () => {
      const index = this.idle.indexOf(client);
      if (index === -1) return;
      this.idle.splice(index, 1);
      this.all.idle -= 1;
      discard(client);
    });
    return client;
  }
}

/** Closes a connection at once, also while it is being opened. */
export function discard(client: Client): void {
  // Not from within a call of the client's own.
  queueMicrotask(() => client.destroy(null, () => undefined));
}
