import { lookup } from 'node:dns';

const running = new Map<string, Promise<readonly string[]>>();

/**
 * All addresses of a name by the system's resolver, hosts file included, in its order. Lookups of one name that run at the
 * same time share one of the few threads that getaddrinfo has, so that a slow name holds up the others less.
 * @throws NodeJS.ErrnoException with the resolver's code, such as `ENOTFOUND`.
 */
export function resolveAll(host: string): Promise<readonly string[]> {
  const shared = running.get(host);
  if (shared) return shared;
  const own = new Promise<readonly string[]>((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => {
      running.delete(host);
      if (error) reject(error);
      else resolve(addresses.map(({ address }) => address));
    });
  });
  running.set(host, own);
  return own;
}
