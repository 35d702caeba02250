import type { Answered } from './api';
import { apiCommand, LIST_OPTIONS, member } from './api-command';
import { type Command, wholeNumber } from './command';
import { facts, table } from './print';

const delivery = (id: string | undefined, action = ''): string => `/v1/deliveries/${encodeURIComponent(id ?? '')}${action}`;
const STATUSES = ['PENDING', 'RETRYING', 'HELD', 'DELIVERED', 'EXHAUSTED', 'CANCELLED'];

/** `deliveries ...` */
export const deliveryCommands: Readonly<Record<string, Command>> = {
  'deliveries list': apiCommand({
    summary: 'Lists deliveries.',
    options: {
      status: { type: 'string', value: 'STATUS', choices: STATUSES, describe: STATUSES.join(', ') },
      endpoint: { type: 'string', value: 'ID', describe: 'those of an endpoint' },
      event: { type: 'string', value: 'ID', describe: 'those of an event' },
      ...LIST_OPTIONS,
    },
    run: ({ values: { status, endpoint, event, limit } }, { api, answer }) =>
      answer.many(api.list('/v1/deliveries', { status, endpointId: endpoint, eventId: event }, wholeNumber('limit', limit, 50, 1, 100_000)), {
        ID: member('id'), STATUS: member('status'), REASON: member('reason'), ATTEMPTS: member('attemptCount'), NEXT: member('nextAttemptAt'),
        EVENT: member('eventId'), ENDPOINT: member('endpointId'),
      }),
  }),

  'deliveries get': apiCommand({
    summary: 'Shows a delivery and each of its attempts; with --json also what was sent and answered.',
    words: ['delivery'],
    options: {},
    run: async ({ words: [id] }, { api, answer }) => {
      const found = await api.get(delivery(id));
      const { attempts, ...rest } = found as { readonly attempts: readonly Answered[] };
      const rows = attempts.map(({ number, startedAt, durationMs, statusCode, outcome, error }) => [number, startedAt, durationMs, statusCode, outcome, error]);
      answer.one(found, [...facts(rest), '', ...table(['ATTEMPT', 'STARTED', 'MS', 'STATUS', 'OUTCOME', 'ERROR'], rows)]);
    },
  }),

  'deliveries retry': apiCommand({
    summary: 'Makes an attempt now: wakes a delivery that waits; of one that is over it makes another.',
    words: ['delivery'],
    options: {},
    run: async ({ words: [id] }, { api, answer }) => answer.one(await api.post(delivery(id, '/retry'))),
  }),
};
