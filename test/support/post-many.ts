/** A process that posts, for what a test can't see in its own: authorities that it trusts, its heap, its open handles. See many-posts.ts. */
import dns from 'node:dns';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createAddressPolicy } from '../../src/wire/address';
import { createPoster } from '../../src/wire/post';
import type { Plan, Report } from './many-posts';

const lookup = dns.lookup;
dns.lookup = ((host: string, options: dns.LookupAllOptions, done: (error: null, found: dns.LookupAddress[]) => void) =>
  (host.endsWith('.test') ? done(null, [{ address: '127.0.0.1', family: 4 }]) : lookup(host, options, done as never))) as typeof dns.lookup;

process.once('message', (plan: Plan) => {
  void run(plan).then((report) => process.send?.(report, () => process.exit(0)));
});

async function run({ urls, lasting = [], tries, atOnce, markEvery, timeoutMs, connectTimeoutMs }: Plan): Promise<Report> {
  const poster = createPoster({ policy: createAddressPolicy(['127.0.0.0/8']) });
  const came: Record<string, Record<string, number>> = {};
  const heapMarks: number[] = [];
  const socketsBefore = openSockets();
  let begun = 0;
  const postOn = async (until: number): Promise<void> => {
    while (begun < until) {
      const url = urls[begun % urls.length] as string;
      // Endpoints come and go, and each is called again and again meanwhile.
      const endpointId = `${url} ${Math.floor(begun / 2000)}`;
      begun += 1;
      const { outcome, statusCode, error } = await poster.post({ endpointId, url, headers: { 'webhook-id': 'evt_1' }, body: Buffer.from('{"a":1}'), timeoutMs: lasting.includes(url) ? 1000 : timeoutMs, connectTimeoutMs });
      const what = `${outcome} ${statusCode} ${error}`;
      const counts = (came[url] ??= {});
      counts[what] = (counts[what] ?? 0) + 1;
    }
  };
  while (begun < tries) {
    const mark = Math.min(begun + markEvery, tries);
    await Promise.all(Array.from({ length: atOnce }, () => postOn(mark)));
    heapMarks.push(await heapAfterCollection());
  }
  await poster.close();
  const deadlineAt = performance.now() + 10_000;
  while ((openSockets() > socketsBefore || activeResources().length > 0) && performance.now() < deadlineAt) await delay(20);
  return { came, heapMarks, socketsLeft: openSockets() - socketsBefore, resourcesLeft: activeResources() };
}

async function heapAfterCollection(): Promise<number> {
  // Finalizers run between two collections.
  for (let n = 0; n < 3; n += 1) {
    globalThis.gc?.();
    await delay(5);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Linux only; else 0. */
function openSockets(): number {
  try {
    return readdirSync('/proc/self/fd').filter((fd) => isSocket(`/proc/self/fd/${fd}`)).length;
  } catch {
    return 0;
  }
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    return false;
  }
}

/** What keeps a process alive, but for its own pipes and the wait that asks. */
const activeResources = (): string[] => process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|Connect|GetAddrInfo|Write|Shutdown)/i.test(name));
