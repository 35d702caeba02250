import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../errors';
import { readExamples, withExample } from './examples';
import { route, type Route } from './route';

type JsonSchema = Record<string, unknown>;

/** An error as every route may answer it (RFC 9457). */
const problem = z.strictObject({
  type: z.string(), title: z.string(), status: z.int(), code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]), detail: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(), requestId: z.string(),
}).meta({ id: 'Problem' });

/** The OpenAPI 3.1 document of these routes, made from the schemas that guard them. */
export function openapiDocument(routes: readonly Route[]): JsonSchema {
  const components: Record<string, JsonSchema> = {};
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => toSchema(schema, io, components);
  const paths: Record<string, JsonSchema> = {};
  const examples = readExamples();
  for (const one of routes) {
    const path = one.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: withExample(operationOf(one, schemaOf), examples[`${one.method} ${one.path}`]) };
  }
  schemaOf(problem, 'output');
  return {
    openapi: '3.1.0',
    info: { title: 'Posthorn', version: 'v1', description: 'Durable webhook delivery: objects, events, rules, endpoints and deliveries.' },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: sorted(components), headers: HEADERS,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key.' } },
    },
  };
}

/** The route that answers the document of these routes, and of itself. */
export function openapiRoute(routes: readonly Route[]): Route {
  let document: JsonSchema | null = null;
  const own: Route = route({
    method: 'GET', path: '/openapi.json', role: null, tag: 'operations', summary: 'This document',
    replies: { 200: z.looseObject({ openapi: z.string() }) },
    handle: () => Promise.resolve({ status: 200, body: (document ??= openapiDocument([...routes, own])) }),
  });
  return own;
}

function operationOf(one: Route, schemaOf: (schema: z.ZodType, io: 'input' | 'output') => JsonSchema): JsonSchema {
  const names = [...one.path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
  const params = one.params ? schemaOf(one.params, 'input') : {};
  const parameters = [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: propertyOf(params, name) ?? { type: 'string' } })),
    ...(one.query ? queryParameters(schemaOf(one.query, 'input')) : []),
    ...headerParameters(one),
  ];
  return {
    operationId: operationId(one),
    tags: [one.tag],
    summary: one.summary,
    ...(one.role === null ? { security: [] } : { 'x-role': one.role }),
    ...(parameters.length > 0 && { parameters }),
    ...requestBodyOf(one, schemaOf),
    responses: { ...repliesOf(one, schemaOf), ...problemsOf(one) },
  };
}

function requestBodyOf(one: Route, schemaOf: (schema: z.ZodType, io: 'input' | 'output') => JsonSchema): JsonSchema {
  if (one.rawBody) return { requestBody: { required: true, content: { [one.rawBody]: { schema: one.rawBody === 'application/json' ? {} : { type: 'string', format: 'binary', minLength: 1 } } } } };
  if (!one.body) return {};
  return { requestBody: { required: !one.body.safeParse(undefined).success, content: { 'application/json': { schema: schemaOf(one.body, 'input') } } } };
}

/** What answers say in their headers. */
const HEADERS: Readonly<Record<string, JsonSchema>> = {
  'X-Request-Id': { required: true, description: 'Stands in each line of our log; the one of the request where it has a plain one.', schema: { type: 'string', pattern: '^[\\w.:-]{1,128}$' } },
  'Cache-Control': { required: true, schema: { type: 'string', const: 'no-store' } },
  'X-Content-Type-Options': { required: true, schema: { type: 'string', const: 'nosniff' } },
  'Retry-After': { required: true, description: 'Seconds to wait before the request is made again.', schema: { type: 'integer', minimum: 1 } },
  'WWW-Authenticate': { schema: { type: 'string' } },
  ETag: { description: 'The version of the object, for `If-Match`.', schema: { type: 'string', pattern: '^"\\d+"$' } },
  'Idempotent-Replayed': { description: 'The answer is that of an earlier request with this Idempotency-Key.', schema: { type: 'string', const: 'true' } },
};

const ALWAYS = ['X-Request-Id', 'Cache-Control', 'X-Content-Type-Options'];

const headersOf = (...names: readonly string[]): JsonSchema =>
  Object.fromEntries([...ALWAYS, ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const isIdempotent = (one: Route): boolean => one.method === 'POST' && one.role !== null && !one.noIdempotency;

/** Of a 2xx. */
const ownHeadersOf = (one: Route, schema: z.ZodType | null): readonly string[] => [
  ...(isIdempotent(one) ? ['Idempotent-Replayed'] : []),
  ...(one.etag === true && schema ? ['ETag'] : []),
];

const PROBLEM_HEADERS: Readonly<Record<number, readonly string[]>> = { 401: ['WWW-Authenticate'], 429: ['Retry-After'], 503: ['Retry-After'] };

function repliesOf(one: Route, schemaOf: (schema: z.ZodType, io: 'input' | 'output') => JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(one.replies).map(([status, schema]) => [
    status,
    { description: WORDS[status] ?? 'The answer', headers: headersOf(...ownHeadersOf(one, schema)), ...(schema && { content: { [one.replyType ?? 'application/json']: { schema: schemaOf(schema, 'output') } } }) },
  ]));
}

const WORDS: Readonly<Record<string, string>> = { 200: 'Done', 201: 'Created', 202: 'Taken', 204: 'Done; no body', 503: 'Not ready' };

/** The problems that a route can answer: those of what it takes, of its key, and of its own. */
function problemsOf(one: Route): JsonSchema {
  const statuses = new Set([400, 408, 429, 431, 500, 503, ...(one.problems ?? [])]);
  if (one.role !== null) [401, 403, 404].forEach((status) => statuses.add(status));
  if (one.path.includes(':')) statuses.add(404);
  if (one.method !== 'GET') [400, 409, 412, 413, 415].forEach((status) => statuses.add(status));
  statuses.add(422);
  const declared = new Set(Object.keys(one.replies));
  return Object.fromEntries([...statuses].sort().filter((status) => !declared.has(String(status))).map((status) => [
    String(status),
    {
      description: Object.values(ERRORS).filter(([at]) => at === status).map(([, title]) => title).join('; '),
      headers: headersOf(...(PROBLEM_HEADERS[status] ?? [])),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]));
}

function queryParameters(schema: JsonSchema): JsonSchema[] {
  const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as string[]) : []);
  return Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).map(([name, property]) => ({
    name, in: 'query', required: required.has(name), schema: property,
  }));
}

function headerParameters(one: Route): JsonSchema[] {
  const text = (name: string, description: string, pattern?: string): JsonSchema =>
    ({ name, in: 'header', required: false, description, schema: { type: 'string', ...(pattern && { pattern }) } });
  return [
    ...(isIdempotent(one) ? [text('Idempotency-Key', 'The same request with it is done once in 24 h.', '^[!-~]{1,255}$')] : []),
    ...(one.role !== null ? [text('Posthorn-Workspace', 'The root key only: id or name of the workspace; else `default`.')] : []),
    ...(one.ifMatch === true ? [text('If-Match', 'The ETag that the object must still have, else 412.')] : []),
  ];
}

const operationId = (one: Route): string =>
  `${one.method.toLowerCase()} ${one.path.replace(/^\/(v1\/)?/, '').replace(/:(\w+)/g, 'by $1')}`
    .replace(/[^A-Za-z0-9]+(.)/g, (_, next: string) => next.toUpperCase()).replace(/[^A-Za-z0-9]/g, '');

const propertyOf = (schema: JsonSchema, name: string): unknown => (schema['properties'] as JsonSchema | undefined)?.[name];

/** One schema; those within it that have a name of their own go to the components. */
function toSchema(schema: z.ZodType, io: 'input' | 'output', components: Record<string, JsonSchema>): JsonSchema {
  const made = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  const { $schema: _dialect, $defs, ...own } = pointedAtComponents(made) as JsonSchema;
  for (const [name, definition] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) {
    const { id: _id, ...rest } = definition;
    components[name] = rest;
  }
  return own;
}

function pointedAtComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pointedAtComponents);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [
    key,
    key === '$ref' && typeof inner === 'string' ? inner.replace('#/$defs/', '#/components/schemas/') : pointedAtComponents(inner),
  ]));
}

const sorted = (schemas: Record<string, JsonSchema>): Record<string, JsonSchema> =>
  Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
