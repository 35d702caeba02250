import type { Answered } from './api';
import { apiCommand, LIST_OPTIONS, member } from './api-command';
import { type Command, jsonOf, readAll, UsageError, wholeNumber } from './command';
import { table } from './print';

/** `rules ...` */
export const ruleCommands: Readonly<Record<string, Command>> = {
  'rules list': apiCommand({
    summary: 'Lists rules.',
    options: LIST_OPTIONS,
    run: ({ values: { limit } }, { api, answer }) => answer.many(api.list('/v1/rules', {}, wholeNumber('limit', limit, 50, 1, 100_000)), {
      ID: member('id'), ENABLED: member('enabled'), NAME: member('name'), EVENTS: member('events'), CONDITION: member('condition'), ENDPOINTS: member('endpointIds'),
    }),
  }),

  'rules try': apiCommand({
    summary: 'Tells which rules match an event, and why the others do not. Nothing is sent.',
    words: ['rule?'],
    stdin: 'event.json',
    options: {
      event: { type: 'string', value: 'ID', describe: 'an event that happened; unless told, standard input has one: {"type": ..., "object": {...}, "previous": {...}, "data": ...}' },
      rule: { type: 'string', value: 'JSON', describe: 'a rule that is not saved: {"events": [...], "condition": {...}}' },
    },
    run: async ({ words: [ruleId], values: { event, rule } }, { api, answer, io }) => {
      if (ruleId !== undefined && rule !== undefined) throw new UsageError('a rule and --rule can not be tried at once');
      const sample = event === undefined ? jsonOf('standard input', (await readAll(io.stdin)).toString('utf8')) : undefined;
      const tried = await api.post('/v1/rules/try', {
        ruleId, eventId: event, event: sample, ...(rule !== undefined && { rule: jsonOf('--rule', rule) }),
      });
      const results = tried['results'] as readonly Answered[];
      answer.one(tried, results.length === 0 ? ['there are no rules'] : table(['MATCHES', 'RULE', 'NAME', 'REASON'], results.map((row) => [row['matches'], row['ruleId'], row['name'], row['reason']])));
    },
  }),
};
