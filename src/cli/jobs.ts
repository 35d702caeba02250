import { setTimeout as delay } from 'node:timers/promises';
import type { Answered, Api } from './api';
import { apiCommand, LIST_OPTIONS, member } from './api-command';
import { type Command, type Io, wholeNumber } from './command';
import { shown } from './print';

const job = (id: string | undefined, action = ''): string => `/v1/jobs/${encodeURIComponent(id ?? '')}${action}`;
const STATUSES = ['QUEUED', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED'];
const OVER = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);
const TURN_MS = 500;

const switchCommand = (action: string, summary: string): Command => apiCommand({
  summary, words: ['job'], options: {}, run: async ({ words: [id] }, { api, answer }) => answer.one(await api.post(job(id, `/${action}`))),
});

/** `jobs ...` */
export const jobCommands: Readonly<Record<string, Command>> = {
  'jobs list': apiCommand({
    summary: 'Lists jobs: bulk work, recoveries, backfills.',
    options: {
      status: { type: 'string', value: 'STATUS', choices: STATUSES, describe: STATUSES.join(', ') },
      ...LIST_OPTIONS,
    },
    run: ({ values: { status, limit } }, { api, answer }) => answer.many(api.list('/v1/jobs', { status }, wholeNumber('limit', limit, 50, 1, 100_000)), {
      ID: member('id'), KIND: member('kind'), STATUS: member('status'), DONE: member('done'), FAILED: member('failed'), TOTAL: member('total'), CREATED: member('createdAt'),
    }),
  }),

  'jobs get': apiCommand({
    summary: 'Shows a job and its progress.',
    words: ['job'],
    options: { wait: { type: 'boolean', describe: 'until it is over, with its progress on standard error; exit code 1 unless it is COMPLETED, also where this is stopped before' } },
    run: async ({ words: [id], values: { wait } }, { api, answer, io }) => {
      if (wait !== true) return answer.one(await api.get(job(id)));
      const ended = await untilOver(api, String(id), io);
      answer.one(ended);
      return exitOf(ended);
    },
  }),

  'jobs entries': apiCommand({
    summary: 'Lists what became of each entry of a job, in order.',
    words: ['job'],
    options: { status: { type: 'string', value: 'STATUS', describe: 'those of a status, such as failed' }, ...LIST_OPTIONS },
    run: ({ words: [id], values: { status, limit } }, { api, answer }) => answer.many(api.list(job(id, '/entries'), { status }, wholeNumber('limit', limit, 50, 1, 100_000)), {
      INDEX: member('index'), STATUS: member('status'), ID: member('id'), ERROR: ({ error }) => (error as Answered | undefined)?.['detail'],
    }),
  }),

  'jobs pause': switchCommand('pause', 'Begins nothing more of a job until it is resumed.'),
  'jobs resume': switchCommand('resume', 'Goes on with a job that is paused.'),
  'jobs cancel': switchCommand('cancel', 'Leaves what is pending of a job undone, for good.'),
};

/** What a job that was waited for comes to. Where the wait was stopped 1, too: a script must not go on as if all were done. */
export const exitOf = ({ status }: Answered): number => (status === 'COMPLETED' ? 0 : 1);

/**
 * Tells a job's progress on standard error as it changes. Returns when it is over; or when we are stopped, which does not end it, and
 * that is told.
 */
export async function untilOver(api: Api, id: string, io: Io): Promise<Answered> {
  const stopped = io.untilStopped().then(() => 'stopped' as const);
  for (let told = ''; ;) {
    const found = await api.get(job(id));
    const progress = progressOf(found);
    if (progress !== told) io.err(progress);
    told = progress;
    if (OVER.has(String(found['status']))) return found;
    if ((await Promise.race([stopped, delay(TURN_MS)])) === 'stopped') {
      io.err(`The job goes on. To end it: posthorn jobs cancel ${id}`);
      return found;
    }
  }
}

function progressOf({ status, done, failed, total }: Answered): string {
  const share = Number(total) > 0 ? ` (${Math.floor((Number(done) + Number(failed)) * 100 / Number(total))} %)` : '';
  return `${shown(status)}  ${shown(done)} of ${shown(total)}${share}${Number(failed) > 0 ? `, ${shown(failed)} failed` : ''}`;
}
