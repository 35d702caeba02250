import { setTimeout as delay } from 'node:timers/promises';
import type { Answered, Api } from './api';
import { apiCommand } from './api-command';
import { type Io, wholeNumber } from './command';
import { CliError } from './exit-codes';
import { shown } from './print';

/** Events of several transactions become visible in another order than their ids: so far back is looked again, in ms. */
const OVERLAP_MS = 30_000;
/** More than this in one turn is not caught up with. */
const MOST_OF_A_TURN = 5_000;
const DAY_MS = 86_400_000;

/** `events tail`: what happens, as it happens. */
export const tailCommand = apiCommand({
  summary: 'Shows the newest events, and from then on each as it comes, until it is stopped.',
  options: {
    type: { type: 'string', value: 'TYPE', describe: 'those of a type' },
    object: { type: 'string', value: 'ID', describe: 'those of a record, process or task' },
    last: { type: 'string', value: 'N', describe: 'how many of the last day are shown first; 10 unless told' },
    every: { type: 'string', value: 'MS', describe: 'how often it asks; 1000 unless told' },
  },
  async run({ values }, { api, io }) {
    const filter = { type: values.type, objectId: values.object };
    const last = wholeNumber('last', values.last, 10, 0, 250);
    const everyMs = wholeNumber('every', values.every, 1_000, 50, 60_000);
    const stopped = io.untilStopped().then(() => 'stopped' as const);
    const show = (event: Answered): void => io.out(values.json === true ? JSON.stringify(event) : line(event));

    const seen = new Map<string, number>();
    let from = Math.max(0, ...(await newest(api, {}, 1)).map(madeAt));
    // First what is not to be told as new; what comes while this is read is in neither list, or in the second.
    const old = await since(api, filter, from - OVERLAP_MS);
    // A filter that little passes would otherwise have all of the history read.
    const there = await newest(api, { ...filter, createdAfter: new Date(Date.now() - DAY_MS).toISOString() }, last);
    for (const event of there) show(event);
    for (const event of [...old, ...there]) seen.set(String(event['id']), madeAt(event));
    io.ready({ ready: true });
    for (;;) {
      if ((await Promise.race([stopped, delay(everyMs)])) === 'stopped') return 0;
      for (const event of await patiently(() => since(api, filter, from - OVERLAP_MS), io)) {
        if (seen.has(String(event['id']))) continue;
        seen.set(String(event['id']), madeAt(event));
        from = Math.max(from, madeAt(event));
        show(event);
      }
      for (const [id, at] of seen) if (at < from - 2 * OVERLAP_MS) seen.delete(id);
    }
  },
});

/** The newest events, the oldest of them first. */
async function newest(api: Api, filter: Readonly<Record<string, string | undefined>>, count: number): Promise<Answered[]> {
  const events: Answered[] = [];
  for await (const event of api.list('/v1/events', filter, count)) events.push(event);
  return events.reverse();
}

const since = (api: Api, filter: Readonly<Record<string, string | undefined>>, fromMs: number): Promise<Answered[]> =>
  newest(api, { ...filter, ...(fromMs > 0 && { createdAfter: new Date(fromMs).toISOString() }) }, MOST_OF_A_TURN);

/** An API that is away comes back: that is told, and the next turn asks again. */
async function patiently(ask: () => Promise<Answered[]>, io: Io): Promise<Answered[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CliError) || !['unreachable', 'busy'].includes(error.reason)) throw error;
    io.err(`${error.message}; trying again`);
    return [];
  }
}

const madeAt = (event: Answered): number => Date.parse(String(event['createdAt']));

const line = ({ createdAt, id, type, objectId, sequence }: Answered): string =>
  [createdAt, id, type, ...(objectId === null ? [] : [objectId]), ...(sequence === null ? [] : [`#${shown(sequence)}`])].map(shown).join('  ');
