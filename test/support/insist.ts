import { setTimeout as delay } from 'node:timers/promises';
import type { Service } from './service';

/** What a careful client takes as an order to come back: another call of the same key is under way, too much is asked, PostgreSQL is away. */
const LATER: ReadonlySet<number> = new Set([409, 429, 503]);

/**
 * Makes a call until it is acknowledged, as careful clients do: under the same id or key. Counts in `refused` what was met on the
 * way by its status, 0 where nobody answered. @throws at a refusal that is none to come back after
 */
export async function insist(
  service: Service, method: string, path: string, body: unknown,
  { headers = {}, refused = new Map() }: { readonly headers?: Readonly<Record<string, string>>; readonly refused?: Map<number, number> } = {},
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of every shape
): Promise<any> {
  for (;;) {
    const reply = await service.call(method, path, body, headers).catch(() => null);
    if (reply && reply.status < 300) return reply.body;
    if (reply && !LATER.has(reply.status)) throw new Error(`${method} ${path} was answered ${reply.status}: ${reply.text}\n${service.api().output().slice(-3_000)}`);
    const status = reply?.status ?? 0;
    refused.set(status, (refused.get(status) ?? 0) + 1);
    await delay(100);
  }
}
