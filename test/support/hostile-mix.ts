import type { Outcome } from '../../src/domain/attempt';
import { makeBadTls } from './bad-tls';
import { type Behaviour, BEHAVIOURS, startHostile } from './hostile-receiver';
import { postMany, type Report } from './many-posts';
import { startReceiver } from './raw-receiver';

/** What came of many tries at all hostile receivers at once. */
export interface MixReport extends Pick<Report, 'heapMarks' | 'socketsLeft' | 'resourcesLeft'> {
  /** URLs that came out otherwise than they must, with how often what came. */
  readonly wrong: readonly string[];
}

/** Long enough for all that does not last until the deadline, also on a busy machine. */
const TIMEOUT_MS = 15_000;

/** Posts so often, in turn, to every hostile behaviour over http and https, to bad TLS of every kind, and to who is not there. */
export async function postToAll(tries: number, markEvery: number, atOnce: number): Promise<MixReport> {
  const bad = makeBadTls();
  const closed = await startReceiver(() => undefined);
  await closed.close();
  const resets = await startReceiver(() => undefined, { onConnect: (socket) => socket.resetAndDestroy() });
  const [plain, secure] = await Promise.all([startHostile(), startHostile(bad.good)]);
  const badServers = await Promise.all(bad.servers.map(({ tls }) => startReceiver((socket) => socket.destroy(), { tls })));
  try {
    const expected = new Map<string, readonly Outcome[]>([
      ...Object.entries(BEHAVIOURS).flatMap(([name, { statusCode, outcome, closes }]) => [plain, secure].map(({ url }) => {
        // The wire tells of any status; a request may cross the end of its connection.
        const outcomes: Outcome[] = [statusCode === null ? outcome : 'ok', ...(closes ? ['connection_reset' as const] : [])];
        return [new URL(`/${name}`, url).href, outcomes] as const;
      })),
      ...badServers.map(({ port }, index) => [`https://${bad.servers[index]?.host ?? '127.0.0.1'}:${port}/`, ['tls_error']] as const),
      [`https://127.0.0.1:${resets.port}/`, ['connection_reset']],
      [resets.url, ['connection_reset']],
      [closed.url, ['connection_refused']],
      ['http://nobody.invalid/', ['dns_error']],
      ['http://10.0.0.1/', ['address_forbidden']],
      ['http://169.254.169.254/latest/meta-data/', ['address_forbidden']],
    ]);
    const behaviourOf = (url: string): Partial<Behaviour> => BEHAVIOURS[new URL(url).pathname.slice(1)] ?? {};
    const all = [...expected.keys()];
    const lasting = all.filter((url) => behaviourOf(url).lasts);
    // What fills all buffers, or takes a second, takes as long as a hundred others.
    const quick = all.filter((url) => !behaviourOf(url).lasts && !behaviourOf(url).isEndless);
    const urls = [...all, ...quick, ...quick, ...quick];
    const { came, ...rest } = await postMany({ urls, lasting, tries, atOnce, markEvery, timeoutMs: TIMEOUT_MS, connectTimeoutMs: TIMEOUT_MS }, bad.caFile);
    const wrong = Object.entries(came).filter(([url, counts]) => Object.keys(counts).some((what) => !expected.get(url)?.includes(what.split(' ')[0] as Outcome)));
    return { ...rest, wrong: wrong.map(([url, counts]) => `${url}: ${JSON.stringify(counts)}`) };
  } finally {
    await Promise.all([plain, secure, resets, ...badServers].map((receiver) => receiver.close()));
    bad.remove();
  }
}
