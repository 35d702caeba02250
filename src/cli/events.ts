import { apiCommand, LIST_OPTIONS, member } from './api-command';
import { type Command, jsonOf, readAll, wholeNumber } from './command';

const event = (id: string | undefined, action = ''): string => `/v1/events/${encodeURIComponent(id ?? '')}${action}`;

/** `events ...`, but for `events tail`. */
export const eventCommands: Readonly<Record<string, Command>> = {
  'events list': apiCommand({
    summary: 'Lists events.',
    options: {
      type: { type: 'string', value: 'TYPE', describe: 'those of a type' },
      object: { type: 'string', value: 'ID', describe: 'those of a record, process or task' },
      delivered: { type: 'string', value: 'WHETHER', choices: ['true', 'false', 'null'], describe: 'true, false (one was given up or is held) or null (not yet)' },
      ...LIST_OPTIONS,
    },
    run: ({ values: { type, object, delivered, limit } }, { api, answer }) =>
      answer.many(api.list('/v1/events', { type, objectId: object, delivered }, wholeNumber('limit', limit, 50, 1, 100_000)), {
        ID: member('id'), CREATED: member('createdAt'), TYPE: member('type'), OBJECT: member('objectId'), OWED: member('owed'), DELIVERED: member('delivered'),
      }),
  }),

  'events get': apiCommand({
    summary: 'Shows an event and who is owed it.',
    words: ['event'],
    options: {},
    run: async ({ words: [id] }, { api, answer }) => answer.one(await api.get(event(id))),
  }),

  'events publish': apiCommand({
    summary: 'Posts an event of your own; its data is kept and sent byte for byte.',
    words: ['type'],
    stdin: 'data.json',
    options: {
      data: { type: 'string', value: 'JSON', describe: 'its data; what stands on standard input unless told' },
      id: { type: 'string', value: 'ID', describe: 'your own id of it: the same one again is a duplicate' },
      object: { type: 'string', value: 'ID', describe: 'the record, process or task that it is of' },
      at: { type: 'string', value: 'TIME', describe: 'when it happened (ISO 8601); now unless told' },
    },
    run: async ({ words: [type], values }, { api, answer, io }) => {
      const text = values.data ?? (await readAll(io.stdin)).toString('utf8');
      jsonOf(values.data === undefined ? 'standard input' : '--data', text);
      const rest = JSON.stringify({ type, id: values.id, objectId: values.object, occurredAt: values.at });
      // A parse and another write would reorder keys and round long numbers.
      answer.one(await api.post('/v1/events', `${rest.slice(0, -1)},"data":${text}}`));
    },
  }),

  'events resend': apiCommand({
    summary: 'Sends an event again to the endpoints that were owed it.',
    words: ['event'],
    options: { endpoint: { type: 'string', multiple: true, value: 'ID', describe: 'to this one alone; may be given several times' } },
    run: async ({ words: [id], values: { endpoint } }, { api, answer }) => answer.one(await api.post(event(id, '/resend'), { endpointIds: endpoint })),
  }),
};
