import { LIST_OPTIONS, apiCommand, member } from './api-command';
import { type Command, headerOf, jsonOf, wholeNumber } from './command';

const endpoint = (id: string | undefined, action = ''): string => `/v1/endpoints/${encodeURIComponent(id ?? '')}${action}`;
const listOf = (text: string | undefined): string[] | undefined => text?.split(',').map((part) => part.trim()).filter(Boolean);

/** `endpoints ...` */
export const endpointCommands: Readonly<Record<string, Command>> = {
  'endpoints list': apiCommand({
    summary: 'Lists endpoints.',
    options: {
      status: { type: 'string', value: 'STATUS', choices: ['ACTIVE', 'FAILING', 'DEACTIVATED'], describe: 'ACTIVE, FAILING or DEACTIVATED' },
      scope: { type: 'string', value: 'SCOPE', describe: 'such as flow:onboarding' },
      ...LIST_OPTIONS,
    },
    run: ({ values: { status, scope, limit } }, { api, answer }) =>
      answer.many(api.list('/v1/endpoints', { status, scope }, wholeNumber('limit', limit, 50, 1, 100_000)), {
        ID: member('id'), STATUS: member('status'), REASON: member('statusReason'), DIALECT: member('dialect'), NAME: member('name'), URL: member('url'),
      }),
  }),

  'endpoints get': apiCommand({
    summary: 'Shows an endpoint, its whole policy included.',
    words: ['endpoint'],
    options: {},
    run: async ({ words: [id] }, { api, answer }) => answer.one(await api.get(endpoint(id))),
  }),

  'endpoints create': apiCommand({
    summary: 'Makes an endpoint, and shows its secret.',
    words: ['url'],
    options: {
      name: { type: 'string', value: 'NAME', describe: 'what people call it' },
      dialect: { type: 'string', value: 'DIALECT', choices: ['standard', 'chakra', 'chakra-inbound', 'meta', 'chative', 'spektr', 'flow'], describe: 'how it expects to be spoken to; standard unless told' },
      events: { type: 'string', value: 'A,B', describe: 'types or prefixes that it is told of; none unless told: rules alone' },
      header: { type: 'string', multiple: true, value: "'NAME: VALUE'", describe: 'a header that is sent along' },
      secret: { type: 'string', value: 'SECRET', describe: 'what it is signed with; generated unless told, where the dialect has one' },
      'verify-token': { type: 'string', value: 'TOKEN', describe: 'what a chative body carries' },
      scope: { type: 'string', value: 'SCOPE', describe: 'such as flow:onboarding: it is told of events of that scope alone' },
      policy: { type: 'string', value: 'JSON', describe: `what differs from the dialect's policy, such as '{"ordering":"fifo"}'` },
    },
    run: async ({ words: [url], values }, { api, answer }) => {
      const { name, dialect, events, header, secret, scope, policy } = values;
      answer.one(await api.post('/v1/endpoints', {
        url, name, dialect, events: listOf(events), secret, scope, verifyToken: values['verify-token'],
        ...(header && { headers: Object.fromEntries(header.map(headerOf)) }), ...(policy !== undefined && { policy: jsonOf('--policy', policy) }),
      }));
    },
  }),

  'endpoints deactivate': apiCommand({
    summary: 'Stops calling an endpoint; what it is owed is held.',
    words: ['endpoint'],
    options: { reason: { type: 'string', value: 'TEXT', describe: 'why, for whoever looks later' } },
    run: async ({ words: [id], values: { reason } }, { api, answer }) => answer.one(await api.post(endpoint(id, '/deactivate'), { reason })),
  }),

  'endpoints reactivate': apiCommand({
    summary: 'Calls an endpoint again, and sends what is held.',
    words: ['endpoint'],
    options: { hold: { type: 'boolean', describe: 'leaves what is held where it is' } },
    run: async ({ words: [id], values: { hold } }, { api, answer }) => answer.one(await api.post(endpoint(id, '/reactivate'), { drain: hold !== true })),
  }),

  'endpoints test': apiCommand({
    summary: 'Sends one real signed request now, which counts nowhere. Exit code 1 unless it is answered with success.',
    words: ['endpoint'],
    options: {
      type: { type: 'string', value: 'TYPE', describe: 'the type of the event that is told; a sample unless told' },
      data: { type: 'string', value: 'JSON', describe: 'its data' },
    },
    run: async ({ words: [id], values: { type, data } }, { api, answer }) => {
      const event = type === undefined && data === undefined ? undefined : { type, ...(data !== undefined && { data: jsonOf('--data', data) }) };
      const tested = await api.post(endpoint(id, '/test'), { event });
      answer.one(tested);
      return tested['outcome'] === 'ok' ? 0 : 1;
    },
  }),

  'endpoints rotate-secret': apiCommand({
    summary: 'Gives an endpoint a new secret, and shows it; the old one signs too until the grace ends.',
    words: ['endpoint'],
    options: {
      grace: { type: 'string', value: 'SECONDS', describe: 'how long the old one signs; 86400 unless told' },
      secret: { type: 'string', value: 'SECRET', describe: 'the new one; generated unless told, where the dialect has one' },
    },
    run: async ({ words: [id], values: { grace, secret } }, { api, answer }) =>
      answer.one(await api.post(endpoint(id, '/rotate-secret'), { secret, graceSeconds: wholeNumber('grace', grace, 86_400, 0, 604_800) })),
  }),

  'endpoints health': apiCommand({
    summary: "Shows an endpoint's status, failures, backlog and speed.",
    words: ['endpoint'],
    options: {},
    run: async ({ words: [id] }, { api, answer }) => answer.one(await api.get(endpoint(id, '/health'))),
  }),
};
