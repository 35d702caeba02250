import { z } from 'zod';
import { DIALECT_NAMES } from '../../domain/dialect';
import { AUTOMATIC_REASONS, ENDPOINT_STATUSES } from '../../domain/endpoint';
import { OUTCOMES } from '../../domain/attempt';
import { MAX_EXPRESSION } from '../../domain/transform';
import { authIn, authOut, tlsIn, tlsOut } from './endpoint-auth';
import { policyIn, policyOut } from './policy';
import { anyJson, eventPattern, eventType, idOf, jsonObject, nameText, timeOut } from './shared';

/** Characters of metadata as JSON. */
const METADATA_LIMIT = 16_384;

const url = z.string().min(1).max(2048).meta({ pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^\\s]+$', examples: ['https://api.example.com/hooks'] });
const host = z.string().max(2048)
  .regex(/^(https?:\/\/)?[^\s/?#@\\]+$/i, 'must be a host such as "api.example.com", with a port or a scheme where needed ("http://10.1.2.3:8080")');
const path = z.string().max(2048).regex(/^\/[^\s#]*$/, 'must begin with "/" and hold neither white space nor "#"');
const events = z.array(eventPattern).max(100).describe('subscribes to these types directly; [] leaves it to rules');
const scope = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'must be 1 to 128 characters of A-Z a-z 0-9 _ . : -').describe('such as "flow:onboarding"');
const metadata = jsonObject.refine((value) => JSON.stringify(value).length <= METADATA_LIMIT, `must be at most ${METADATA_LIMIT} characters as JSON`);
const headerMap = <V extends z.ZodType<string | null>>(value: V) =>
  z.record(z.string().min(1).max(128), value).refine((map) => Object.keys(map).length <= 50, 'must have at most 50 headers')
    .meta({ maxProperties: 50, propertyNames: { type: 'string', pattern: '^[A-Za-z0-9-]{1,64}$' } });
const headerValue = z.string().max(8192);
const secret = z.string().min(1).max(256);
const verifyToken = z.string().min(1).max(256).describe('sent in the body by the dialect chative; shown as "[redacted]"');
const signature = z.enum(['v1', 'v1a']).describe('what is generated where no secret is given: v1 a shared one (HMAC), v1a a key pair (ed25519)');

const expression = z.string().min(1, 'must not be empty').max(MAX_EXPRESSION, `may have at most ${MAX_EXPRESSION} characters`);
const transform = z.strictObject({
  language: z.enum(['jsonata']), expression, enabled: z.boolean().default(true).describe('false: it is kept and does nothing'),
}).nullable().describe('makes another body of the one that the dialect would send; not with the dialects chative, spektr and meta');

/** The body of a new endpoint: its address is `url`, or `host` and `path`. */
export const endpointCreate = z.strictObject({
  name: nameText.nullable().optional(),
  url: url.optional(),
  host: host.optional(),
  path: path.optional(),
  dialect: z.enum(DIALECT_NAMES).default('standard'),
  events: events.default([]),
  headers: headerMap(headerValue).default({}),
  scope: scope.nullable().default(null),
  secret: secret.optional(),
  signature: signature.optional(),
  verifyToken: verifyToken.nullish(),
  auth: authIn.nullish(),
  tls: tlsIn.nullish(),
  policy: policyIn.default({}),
  metadata: metadata.default({}),
  transform: transform.default(null),
}).superRefine((body, context) => {
  if ((body.url === undefined) === (body.host === undefined)) {
    context.addIssue({ code: 'custom', path: ['url'], message: 'must be given, or host (with path) instead of it, but not both' });
  }
  if (body.path !== undefined && body.host === undefined) context.addIssue({ code: 'custom', path: ['path'], message: 'goes with host; with url it is part of that' });
  if (body.secret !== undefined && body.signature !== undefined) {
    context.addIssue({ code: 'custom', path: ['signature'], message: 'says what is generated; with a secret of your own leave it out' });
  }
}).meta({
  oneOf: [{ required: ['url'], properties: { host: false, path: false } }, { required: ['host'], properties: { url: false } }],
  not: { required: ['secret', 'signature'] },
});

/** The body of a change: what is absent stays. */
export const endpointChange = z.strictObject({
  name: nameText.nullable(),
  url,
  host,
  path,
  dialect: z.enum(DIALECT_NAMES).describe('can not be changed: only the one it has is taken'),
  events,
  headers: headerMap(headerValue.nullable()).describe('replaces all headers; "[redacted]" keeps a value, null removes a header'),
  scope: scope.nullable(),
  verifyToken: verifyToken.nullable().describe('"[redacted]" keeps it, null removes it'),
  auth: authIn.nullable().describe('replaces the whole; "[redacted]" keeps a secret, null removes it all'),
  tls: tlsIn.nullable().describe('replaces the whole; "[redacted]" keeps the key, null removes it all'),
  policy: policyIn,
  metadata,
  transform: transform.describe('replaces the one that is there; null takes it away'),
}).partial().superRefine((body, context) => {
  if (body.url !== undefined && (body.host !== undefined || body.path !== undefined)) {
    context.addIssue({ code: 'custom', path: ['url'], message: 'must not stand beside host and path' });
  }
}).meta({ not: { anyOf: [{ required: ['url', 'host'] }, { required: ['url', 'path'] }] } });

/** An endpoint as it is answered. */
export const endpointOut = z.strictObject({
  id: idOf('endpoint'),
  name: z.string().nullable(),
  url: z.string(),
  dialect: z.enum(DIALECT_NAMES),
  events: z.array(z.string()),
  scope: z.string().nullable(),
  status: z.enum(ENDPOINT_STATUSES),
  statusReason: z.string().nullable(),
  statusSince: timeOut,
  headers: z.record(z.string(), z.literal('[redacted]')),
  verifyToken: z.literal('[redacted]').nullable(),
  auth: authOut.nullable(),
  tls: tlsOut.nullable(),
  policy: policyOut,
  metadata: jsonObject,
  transform: z.strictObject({ language: z.enum(['jsonata']), expression: z.string(), enabled: z.boolean() }).nullable(),
  createdAt: timeOut,
  updatedAt: timeOut,
});

/** An endpoint with the secret it signs with now: answered when it is made and when its secret is. */
export const endpointWithSecret = endpointOut.extend({ secret: z.string().nullable(), publicKey: z.string().nullable() });

/** The secret alone. */
export const secretOut = z.strictObject({ secret: z.string().nullable(), publicKey: z.string().nullable() });

/** The body of a rotation. */
export const rotateBody = z.strictObject({
  graceSeconds: z.int('must be a whole number of seconds from 0 to 604800').min(0).max(604_800).default(86_400)
    .describe('how long the old secret signs beside the new one'),
  secret: secret.optional(),
  signature: signature.optional(),
}).default({ graceSeconds: 86_400 });

/** The body of a test call: what the sample event is. */
export const testBody = z.strictObject({
  event: z.strictObject({
    type: eventType.default('endpoint.test'),
    data: anyJson.optional().describe('left out: the sample of the type in the catalogue, else {"test": true}'),
  }).optional(),
}).default({});

/** What a test call came to. */
export const testOut = z.strictObject({
  statusCode: z.int().nullable(),
  durationMs: z.number(),
  outcome: z.enum(OUTCOMES),
  error: z.string().nullable(),
  responseBody: z.string(),
});

/** A flow's name: what follows `flow:` in a scope. */
export const flowName = z.string().regex(/^[A-Za-z0-9_.:-]{1,123}$/, 'must be 1 to 123 characters of A-Z a-z 0-9 _ . : -');

/** The body of a new webhook of a flow. */
export const webhookCreate = z.strictObject({ url });

/** The body of a refresh. */
export const refreshBody = z.strictObject({
  rotateSecret: z.boolean().default(false).describe('gives a new secret, which signs beside the old one for a day'),
}).default({ rotateSecret: false });

/** A refreshed webhook, what its test came to, and its new secret where it has one. */
export const refreshOut = endpointOut.extend({ test: testOut, secret: z.string().optional(), publicKey: z.string().nullable().optional() });

/** The body of a deactivation. */
export const deactivateBody = z.strictObject({
  reason: z.string().min(1).max(200).refine((text) => !AUTOMATIC_REASONS.includes(text), `must not be one of ${AUTOMATIC_REASONS.join(', ')}: those are Posthorn's own`)
    .default('manual'),
}).default({ reason: 'manual' });

/** The body of a reactivation. */
export const reactivateBody = z.strictObject({ drain: z.boolean().describe('whether what is held is sent now; else it stays held until the drain is started') });

/** The body of a drain's switch. */
export const drainBody = z.strictObject({ action: z.enum(['start', 'pause', 'drop']) });

/** An endpoint's health. */
export const healthOut = z.strictObject({
  status: z.enum(ENDPOINT_STATUSES),
  reason: z.string().nullable(),
  since: timeOut,
  consecutiveFailures: z.int(),
  lastSuccessAt: timeOut.nullable(),
  lastFailure: z.strictObject({ at: timeOut, outcome: z.string().nullable() }).nullable(),
  held: z.int(),
  pending: z.int(),
  drainPaused: z.boolean(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
  successRate: z.strictObject({ lastHour: z.number().nullable(), lastDay: z.number().nullable() }),
  workflow: z.strictObject({ id: z.string(), url: z.string() }),
});
