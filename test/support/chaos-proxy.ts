import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A way through the proxy: from who connects to who is connected to, or back. */
export type Direction = 'there' | 'back';

/**
 * What happens to the bytes of a direction.
 * `blackhole`: they are held, and so are ends of connections, until it is over: as TCP has it, nobody is told.
 * `reset`: connections are reset, and new ones at once. `delayMs`: each piece comes so much later.
 * `bytesPerSecond`: no more than that. `cutAfter`: so many bytes pass, in all connections together, then all are reset.
 */
export type Fault =
  | 'pass' | 'blackhole' | 'reset'
  | { readonly delayMs: number } | { readonly bytesPerSecond: number } | { readonly cutAfter: number };

/** A TCP proxy that does harm when it is told to. */
export interface ChaosProxy {
  readonly port: number;
  /** `url` with the proxy in the place of its host and port. */
  through(url: string): string;
  /** From now on, also for connections that are open; both directions unless one is named. */
  set(fault: Fault, direction?: Direction): void;
  /** Connections that are open on the side of who connects. */
  connections(): number;
  close(): Promise<void>;
}

interface Link {
  readonly near: Socket;
  readonly far: Socket;
}

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });

/**
 * `resetAndDestroy` alone says an orderly goodbye first, which the other end may take for the end. What is not connected yet, or has
 * said its goodbye, can not be reset: Node.js would keep its handle, and the process alive, for ever.
 */
function resetNow(socket: Socket): void {
  if (!socket.connecting && !socket.writableEnded) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}

/** Opens a proxy on a free port of 127.0.0.1 to a port of the same, which may be another one for each connection. */
export async function openChaosProxy(to: number | (() => number)): Promise<ChaosProxy> {
  const faults: Record<Direction, Fault> = { there: 'pass', back: 'pass' };
  const left: Record<Direction, number> = { there: Infinity, back: Infinity };
  const links = new Set<Link>();
  /** Who waits for another fault. */
  const waiting: (() => void)[] = [];

  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: typeof to === 'number' ? to : to(), host: '127.0.0.1', allowHalfOpen: true });
    const link = { near, far };
    for (const socket of [near, far]) {
      // What went wrong with it is told by its end.
      socket.on('error', () => undefined).setNoDelay(true);
    }
    if (Object.values(faults).includes('reset')) return reset(link);
    links.add(link);
    void Promise.all([pump(near, far, 'there'), pump(far, near, 'back')]).finally(() => links.delete(link));
  });

  function reset({ near, far }: Link): void {
    resetNow(near);
    resetNow(far);
  }
  const resetAll = (): void => [...links].forEach(reset);

  async function pump(from: Socket, into: Socket, direction: Direction): Promise<void> {
    let isWhole = true;
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) await pass(into, direction, chunk as Buffer);
    } catch {
      isWhole = false;
    }
    await heard(into, direction);
    if (isWhole) into.end();
    else resetNow(into);
  }

  /** Waits until the direction is open, or nobody is there any more to hear of it. */
  async function heard(into: Socket, direction: Direction): Promise<void> {
    while (faults[direction] === 'blackhole' && !into.destroyed) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        into.once('close', resolve);
      });
    }
  }

  async function pass(into: Socket, direction: Direction, chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      await heard(into, direction);
      if (into.destroyed) return;
      const fault = faults[direction];
      let size = rest.length;
      if (typeof fault === 'object' && 'delayMs' in fault) await delay(fault.delayMs);
      if (typeof fault === 'object' && 'bytesPerSecond' in fault) {
        size = Math.min(size, Math.max(1, Math.floor(fault.bytesPerSecond / 20)));
        await delay((1_000 * size) / fault.bytesPerSecond);
      }
      size = Math.min(size, left[direction]);
      left[direction] -= size;
      // It may have closed while this was held up.
      if (into.destroyed) return;
      if (size > 0 && !into.write(rest.subarray(0, size))) await drained(into);
      rest = rest.subarray(size);
      if (left[direction] === 0) {
        // What did pass is to arrive before the reset.
        await new Promise((resolve) => into.write('', resolve));
        return resetAll();
      }
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    through(url) {
      const proxied = new URL(url);
      proxied.host = `127.0.0.1:${port}`;
      return proxied.href;
    },
    set(fault, direction) {
      for (const one of direction ? [direction] : (['there', 'back'] as const)) {
        faults[one] = fault;
        left[one] = typeof fault === 'object' && 'cutAfter' in fault ? fault.cutAfter : Infinity;
      }
      if (fault === 'reset') resetAll();
      waiting.splice(0).forEach((go) => go());
    },
    connections: () => [...links].filter(({ near }) => !near.destroyed).length,
    async close() {
      server.close();
      resetAll();
      await once(server, 'close');
    },
  };
}
