import type { DialectName } from './dialect';
import { INBOUND_RAW, LIFECYCLE_TYPES, OPERATIONAL_TYPES, INBOUND_KINDS, inboundType } from './event';
import { FLOW_TYPES } from './family-flow';
import { SPEKTR_TYPES } from './family-spektr';
import type { Json, JsonObject } from './json';
import { OUTCOMES } from './attempt';
import { ENDPOINT_STATUSES } from './endpoint';
import { PROCESS_STATUSES, type ObjectKind } from './object';

/** Where a type of event comes from; `custom`: from callers. */
export const EVENT_TYPE_KINDS = ['lifecycle', 'operational', 'inbound', 'family', 'custom'] as const;

/** One of {@link EVENT_TYPE_KINDS}. */
export type EventTypeKind = (typeof EVENT_TYPE_KINDS)[number];

/** A type of event that Posthorn makes itself. */
export interface BuiltInType {
  readonly type: string;
  readonly kind: Exclude<EventTypeKind, 'custom'>;
  /** The only dialects whose endpoints are owed it; null: any. */
  readonly dialects: readonly DialectName[] | null;
  readonly description: string;
  /** JSON Schema 2020-12 of what stands under `data` in the body of the dialect `standard`. */
  readonly schema: JsonObject;
  /** What fits it. */
  readonly example: JsonObject;
}

const text: JsonObject = { type: 'string' };
const textOrNull: JsonObject = { type: ['string', 'null'] };
const time: JsonObject = { type: 'string', format: 'date-time' };
const any: JsonObject = {};
const idOf = (prefix: string): JsonObject => ({ type: 'string', pattern: `^${prefix}_[0-9a-z]{26}$` });
const orNull = (schema: JsonObject): JsonObject => ({ ...schema, type: [schema['type'] as string, 'null'] });

/** An object with these keys, all of which are there but the `optional` ones. */
const closed = (properties: JsonObject, optional: readonly string[] = []): JsonObject => ({
  type: 'object', properties, required: Object.keys(properties).filter((key) => !optional.includes(key)), additionalProperties: false,
});
const open = (properties: JsonObject, required: readonly string[]): JsonObject => ({ type: 'object', properties, required });

const RECORD_ID = 'rec_01jb3m8y1p6s0t4c8e2a9b7n5m';
const PROCESS_ID = 'prc_01jb3m8yzh5d4g2w7q9x3f6k8v';
const TASK_ID = 'tsk_01jb3m8z2f6h8k0m3p5r7t9w1y';
const EVENT_ID = 'evt_01jb3m8zq4x7v2k9n5c6t0r1sw';
const ENDPOINT_ID = 'ep_01jb3m8zr5y8w3m0q6d7v1s2tx';
const DELIVERY_ID = 'dlv_01jb3m8zs6z9x4n1r7f8w2t3vy';
const MADE_AT = '2025-11-04T09:12:00.000Z';
const AT = '2025-11-04T09:30:00.000Z';

const PREFIX: Readonly<Record<ObjectKind, string>> = { record: 'rec', process: 'prc', task: 'tsk' };

function objectSchema(kind: ObjectKind): JsonObject {
  return closed({
    id: idOf(PREFIX[kind]), kind: { const: kind }, type: text, primaryKey: textOrNull,
    ...(kind === 'task' && { processId: orNull(idOf('prc')) }),
    ...(kind !== 'record' && { recordId: orNull(idOf('rec')) }),
    ...(kind === 'process' && { state: textOrNull, status: { enum: PROCESS_STATUSES } }),
    ...(kind === 'task' && { status: text }),
    attributes: { type: 'object' }, version: { type: 'integer', minimum: 1 }, createdAt: time, updatedAt: time,
  });
}

const OBJECTS: Readonly<Record<ObjectKind, JsonObject>> = {
  record: {
    id: RECORD_ID, kind: 'record', type: 'customer', primaryKey: 'C-7', attributes: { name: 'Ada', city: 'Graz' }, version: 2, createdAt: MADE_AT, updatedAt: AT,
  },
  process: {
    id: PROCESS_ID, kind: 'process', type: 'lead', primaryKey: 'L-1042', recordId: RECORD_ID, state: 'CONVERTED', status: 'OPEN',
    attributes: { city: 'Graz' }, version: 2, createdAt: MADE_AT, updatedAt: AT,
  },
  task: {
    id: TASK_ID, kind: 'task', type: 'call', primaryKey: null, processId: PROCESS_ID, recordId: RECORD_ID, status: 'DONE', attributes: { city: 'Graz' },
    version: 2, createdAt: MADE_AT, updatedAt: AT,
  },
};

const CHANGES: Readonly<Record<string, { readonly previous: JsonObject; readonly changes: readonly string[] }>> = {
  'record:update': { previous: { attributes: { city: 'Wien' } }, changes: ['attributes.city'] },
  'process:update': { previous: { state: 'NEW' }, changes: ['state'] },
  'process:state-change': { previous: { state: 'NEW' }, changes: ['state'] },
  'task:update': { previous: { status: 'OPEN' }, changes: ['status'] },
};

const WHAT: Readonly<Record<string, string>> = {
  create: 'was made', update: 'was changed', delete: 'was deleted; it is told as it was last', 'state-change': 'has another state or status',
};

function lifecycle(type: string): BuiltInType {
  const [kind = 'record', verb = ''] = type.split(':') as [ObjectKind, string];
  return {
    type, kind: 'lifecycle', dialects: null, description: `A ${kind} ${WHAT[verb]}.`,
    schema: closed({
      objectKind: { const: kind }, objectId: idOf(PREFIX[kind]), sequence: { type: 'integer', minimum: 1 }, object: objectSchema(kind),
      previous: { type: 'object' }, changes: { type: 'array', items: text },
    }),
    example: {
      objectKind: kind, objectId: OBJECTS[kind]['id'] as string, sequence: verb === 'create' ? 1 : 3,
      object: verb === 'create' ? { ...OBJECTS[kind], version: 1, updatedAt: MADE_AT } : OBJECTS[kind],
      ...(CHANGES[type] ?? { previous: {}, changes: [] }),
    },
  };
}

const ENDPOINT_EVENT = closed({
  endpointId: idOf('ep'), name: textOrNull, host: text, status: { enum: ENDPOINT_STATUSES }, reason: textOrNull, since: time,
});
const DELIVERY_EVENT = closed({
  deliveryId: idOf('dlv'), eventId: idOf('evt'), eventType: text, endpointId: idOf('ep'), attempts: { type: 'integer', minimum: 0 },
  outcome: { enum: [...OUTCOMES, null] }, statusCode: { type: ['integer', 'null'] }, reason: textOrNull,
});

function operational(type: string): BuiltInType {
  const isOfEndpoint = type.startsWith('endpoint.');
  const endpoint = (status: string, reason: string | null): JsonObject =>
    ({ endpointId: ENDPOINT_ID, name: 'CRM', host: 'api.example.com', status, reason, since: AT });
  const delivery = (last: JsonObject): JsonObject =>
    ({ deliveryId: DELIVERY_ID, eventId: EVENT_ID, eventType: 'process:state-change', endpointId: ENDPOINT_ID, ...last });
  const told: Readonly<Record<string, readonly [string, JsonObject]>> = {
    'endpoint.failing': ['The breaker of an endpoint has opened: first attempts wait.', endpoint('FAILING', 'breaker')],
    'endpoint.deactivated': ['An endpoint is not called any more; what it is owed is held.', endpoint('DEACTIVATED', 'failing_for')],
    'endpoint.reactivated': ['An endpoint is called again.', endpoint('ACTIVE', null)],
    'delivery.exhausted': ['A delivery was given up.', delivery({ attempts: 10, outcome: 'http_error', statusCode: 503, reason: 'schedule_used_up' })],
    'delivery.recovered': ['A resend has arrived where an earlier delivery was over.', delivery({ attempts: 1, outcome: 'ok', statusCode: 200, reason: null })],
  };
  const [description, example] = told[type] ?? ['', {}];
  return { type, kind: 'operational', dialects: null, description, schema: isOfEndpoint ? ENDPOINT_EVENT : DELIVERY_EVENT, example };
}

const INBOUND_METADATA = { display_phone_number: '917259775805', phone_number_id: '694794789348887' };
const INBOUND_WORDS = { message: 'A message', status: 'A status of a message', message_echo: 'A message sent from the phone', smb_message_echo: 'A message sent from the business app' };

const INBOUND: readonly BuiltInType[] = [
  {
    type: INBOUND_RAW, kind: 'inbound', dialects: null, description: 'What a channel received, whole.',
    schema: {}, example: { object: 'whatsapp_business_account', entry: [] },
  },
  ...INBOUND_KINDS.map((kind): BuiltInType => ({
    type: inboundType(kind), kind: 'inbound', dialects: null, description: `${INBOUND_WORDS[kind]}, taken out of what a channel received.`,
    schema: closed({ event: { const: kind }, payload: { type: 'object' } }),
    example: { event: kind, payload: { id: 'wamid.HBgMOTE', timestamp: '1756322278', metadata: INBOUND_METADATA } },
  })),
];

const RUN = { processType: any, processName: any, processId: any, contextId: orNull(idOf('prc')) };
const RUN_EXAMPLE: JsonObject = { processType: 'risk', processName: 'Risk Assessment', processId: '12345', contextId: PROCESS_ID };
const ALERT = closed({ contextId: RUN.contextId, processId: any, userId: any, alertId: idOf('tsk'), alertName: any });
const ALERT_EXAMPLE: JsonObject = { contextId: PROCESS_ID, processId: '12345', userId: null, alertId: TASK_ID, alertName: 'Sanctions' };
const STEP = closed({ ...RUN, stepId: idOf('tsk'), userId: any });
const STEP_EXAMPLE: JsonObject = { ...RUN_EXAMPLE, stepId: TASK_ID, userId: null };
const tag = (action: string): readonly [string, JsonObject, JsonObject] => [
  action === 'add' ? 'A tag of a customer was added.' : 'A tag of a customer was removed.',
  closed({ tagId: text, action: { const: action }, userId: any, processId: any }), { tagId: 'vip', action, userId: 'u-1', processId: null },
];

/** By type: what it tells, and schema and example of its body's `data`. */
const SPEKTR: Readonly<Record<(typeof SPEKTR_TYPES)[number], readonly [string, JsonObject, JsonObject]>> = {
  process_run_start: ['A process run was started.', closed(RUN), RUN_EXAMPLE],
  process_run_end: ['A process run is over.', any, { name: 'Ada' }],
  service_run: ['A service was run.', closed({ vendorType: any, ...RUN, reference: any }), { vendorType: 'screening', ...RUN_EXAMPLE, reference: null }],
  alert_created: ['An alert was raised.', ALERT, ALERT_EXAMPLE],
  alert_resolved: ['An alert was resolved.', ALERT, ALERT_EXAMPLE],
  step_init: ['A step was begun.', STEP, STEP_EXAMPLE],
  step_submit: ['A step was submitted.', STEP, STEP_EXAMPLE],
  customer_tag_add: tag('add'),
  customer_tag_remove: tag('remove'),
  customer_status_changed: [
    'The status of a customer has changed.', closed({ oldStatus: any, newStatus: any, customerName: any, userId: any, processId: any, processName: any }),
    { oldStatus: 'new', newStatus: 'active', customerName: 'Ada', userId: 'u-1', processId: null, processName: null },
  ],
};
const RUN_END: JsonObject = { process_name: any, process_output: any, files: open({ clientFiles: any }, ['clientFiles']), fields: any };
const RUN_END_EXAMPLE: JsonObject = { process_name: 'Risk Assessment', process_output: 'approved', files: { clientFiles: [] }, fields: [] };

function spektr(type: (typeof SPEKTR_TYPES)[number]): BuiltInType {
  const [description, schema, example] = SPEKTR[type];
  const isEnd = type === 'process_run_end';
  return {
    type, kind: 'family', dialects: ['spektr'], description,
    schema: closed({ spektrId: orNull(idOf('rec')), ...(type === 'process_run_start' && { reference: any }), ...(isEnd && RUN_END), data: schema }, ['reference']),
    example: { spektrId: RECORD_ID, ...(isEnd && RUN_END_EXAMPLE), data: example },
  };
}

const FLOW_WORDS: Readonly<Record<(typeof FLOW_TYPES)[number], string>> = {
  'flow.start': 'A session of a flow was begun.', 'flow.end': 'A session of a flow is over.',
  'technology.start': 'A technology was begun within a session.', 'technology.end': 'A technology is over within a session.',
};

const flow = (type: (typeof FLOW_TYPES)[number]): BuiltInType => ({
  type, kind: 'family', dialects: ['flow'], description: FLOW_WORDS[type],
  schema: closed({ flow: any, session_id: idOf('prc'), success: { type: 'boolean' }, flow_name: any, metadata: any, data: any }),
  example: {
    flow: 'onboarding', session_id: PROCESS_ID, success: true, flow_name: 'Onboarding', metadata: { source: 'app' },
    data: type.startsWith('flow') ? {} : { technology_code: 'liveness' },
  },
});

/** Every type of event that Posthorn makes itself, in the order of their names. */
export const BUILT_IN_TYPES: readonly BuiltInType[] = [
  ...LIFECYCLE_TYPES.map(lifecycle), ...OPERATIONAL_TYPES.map(operational), ...INBOUND, ...SPEKTR_TYPES.map(spektr), ...FLOW_TYPES.map(flow),
].sort((a, b) => (a.type < b.type ? -1 : 1));

const BY_NAME: ReadonlyMap<string, BuiltInType> = new Map(BUILT_IN_TYPES.map((one) => [one.type, one]));

/** A built-in type; undefined where this is none. */
export const builtInType = (type: string): BuiltInType | undefined => BY_NAME.get(type);

/** How a type of the workspace is enforced when events of it are published. */
export const ENFORCEMENTS = ['off', 'warn', 'reject'] as const;

/** One of {@link ENFORCEMENTS}. */
export type Enforcement = (typeof ENFORCEMENTS)[number];

/** A type of a workspace's own, as it stands in its catalogue. */
export interface CataloguedType {
  readonly type: string;
  readonly description: string | null;
  /** JSON Schema 2020-12 of an event's `data`; null: any. */
  readonly schema: Json | null;
  readonly enforce: Enforcement;
  /** What an event's `data` may look like; undefined where none is given, since null is an example too. */
  readonly example: Json | undefined;
  readonly archived: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
