import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import type { Reply } from '../domain/attempt';
import type { AddressPolicy } from './address';
import { resolveAll } from './resolve';

/** Why there is no connection. `fault` is a short class, such as `ECONNREFUSED`; never an address or a certificate's text. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  // Not named `code`: undici connects again and again on some codes.
  constructor(readonly outcome: Reply['outcome'], readonly fault: string) {
    super(fault);
  }
}

/**
 * A connector for undici that dials only what the policy allows. It is a function, since the `lookup` option is never asked
 * for a literal address. A name is resolved once; every answer must be allowed; what was checked is what is dialled: one
 * address of each family in turn. TLS is 1.2 or later, HTTP/1.1, verified against the name.
 * @param timeoutMs asked at each connect: for DNS, TCP and TLS together.
 * @param contextOf asked at each handshake; undefined: the usual authorities, and no certificate of ours.
 */
export function guardedConnector(
  policy: AddressPolicy, timeoutMs: () => number, contextOf: () => SecureContext | undefined,
): buildConnector.connector {
  return ({ hostname, protocol, port }, callback) => {
    const deadlineAt = performance.now() + timeoutMs();
    open(policy, hostname, protocol === 'https:' ? contextOf : null, Number(port), deadlineAt).then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error instanceof ConnectError ? error : new ConnectError('protocol_error', 'CONNECT'), null),
    );
  };
}

async function open(
  policy: AddressPolicy, host: string, contextOf: (() => SecureContext | undefined) | null, port: number, deadlineAt: number,
): Promise<Socket> {
  const addresses = isIP(host) !== 0 ? [host] : await resolveBefore(host, deadlineAt);
  if (addresses.length === 0) throw new ConnectError('dns_error', 'ENOTFOUND');
  if (!addresses.every((address) => policy.allows(address))) throw forbidden();
  const socket = await dialInTurn(onePerFamily(addresses), port || (contextOf ? 443 : 80), deadlineAt);
  if (!policy.allows(socket.remoteAddress ?? '')) {
    socket.destroy();
    throw forbidden();
  }
  return contextOf ? handshake(socket, host, contextOf, deadlineAt) : socket;
}

const forbidden = (): ConnectError => new ConnectError('address_forbidden', 'ADDRESS_FORBIDDEN');
const tooLate = (): ConnectError => new ConnectError('connect_timeout', 'CONNECT_TIMEOUT');

function resolveBefore(host: string, deadlineAt: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooLate()), remainingMs(deadlineAt));
    resolveAll(host)
      .then(resolve, (error: unknown) => reject(new ConnectError('dns_error', faultOf(error))))
      .finally(() => clearTimeout(timer));
  });
}

/** The first address of each family, in the resolver's order. */
function onePerFamily(addresses: readonly string[]): string[] {
  const first = addresses[0] as string;
  const other = addresses.find((address) => isIP(address) !== isIP(first));
  return other === undefined ? [first] : [first, other];
}

async function dialInTurn(addresses: readonly string[], port: number, deadlineAt: number): Promise<Socket> {
  for (const [index, address] of addresses.entries()) {
    const isLast = index === addresses.length - 1;
    // Half of what is left, so that a family that swallows packets leaves time for the other one.
    const waitMs = remainingMs(deadlineAt) / (isLast ? 1 : 2);
    try {
      return await dial(address, port, waitMs);
    } catch (error) {
      if (isLast) throw error;
    }
  }
  throw tooLate();
}

function dial(address: string, port: number, waitMs: number): Promise<Socket> {
  return settleSocket(connectTcp({ host: address, port, noDelay: true, keepAlive: true }), 'connect', waitMs, (error) => {
    const fault = faultOf(error);
    if (fault === 'ETIMEDOUT') return tooLate();
    return new ConnectError(fault === 'ECONNRESET' ? 'connection_reset' : 'connection_refused', fault);
  });
}

function handshake(socket: Socket, host: string, contextOf: () => SecureContext | undefined, deadlineAt: number): Promise<TLSSocket> {
  const own = ownContext(socket, contextOf);
  // A name may end in the root's dot; certificates and SNI have none. A literal address is no server name (RFC 6066, 3).
  const name = isIP(host) === 0 ? { servername: host.replace(/\.$/, '') } : {};
  const secured = connectTls({ socket, host, ...name, ...own, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] });
  return settleSocket(secured, 'secureConnect', remainingMs(deadlineAt), (error) => {
    const fault = faultOf(error);
    if (fault === 'ECONNRESET') return new ConnectError('connection_reset', fault);
    // Node has no code for most of what OpenSSL finds wrong with a certificate; these messages are OpenSSL's own constants.
    return new ConnectError('tls_error', fault === 'UNSPECIFIED' ? error.message.toUpperCase().replace(/[^A-Z0-9]+/g, '_').slice(0, 64) : fault);
  });
}

/** What was checked when it was saved may have become unusable with another OpenSSL. */
function ownContext(socket: Socket, contextOf: () => SecureContext | undefined): { secureContext?: SecureContext } {
  try {
    const secureContext = contextOf();
    return secureContext ? { secureContext } : {};
  } catch {
    socket.destroy();
    throw new ConnectError('tls_error', 'UNUSABLE_CERTIFICATE');
  }
}

/** The socket once it is ready; destroyed where that fails or takes longer than `waitMs`. */
function settleSocket<S extends Socket>(socket: S, ready: string, waitMs: number, asError: (error: Error) => ConnectError): Promise<S> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(tooLate());
      socket.destroy();
    }, waitMs);
    // Stays on: an error that comes between this and undici's own listener must not bring the process down.
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(asError(error));
      // A TLS alert does so by itself only before the handshake is done; the end that follows it would hide what it said.
      socket.destroy();
    });
    socket.once(ready, () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** The error's code where it is a plain class of fault. */
export function faultOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'UNKNOWN';
}

const remainingMs = (deadlineAt: number): number => Math.max(1, deadlineAt - performance.now());
