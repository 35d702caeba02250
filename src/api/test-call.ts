import { judge, type Outcome } from '../domain/attempt';
import { attemptFacts, NOTHING_SENT } from '../domain/envelope-facts';
import type { EndpointTarget } from '../domain/endpoint';
import type { Json } from '../domain/json';
import type { TransformFault } from '../domain/transform';
import type { Sql } from '../store/db';
import { describeFault } from '../transform/transformer';
import { renderBody } from '../wire/envelope';
import { createFileLinker } from '../wire/file-link';
import { createRedactor } from '../wire/redact';
import { requestHeaders } from '../wire/request';
import { catalogueSample, newCustomSample } from './probe-event';
import type { ApiDeps } from './route';

/** What came of a test call, as it is answered. */
export interface TestResult {
  readonly statusCode: number | null;
  readonly durationMs: number;
  readonly outcome: Outcome;
  readonly error: string | null;
  readonly responseBody: string;
}

/**
 * Sends one real signed request now, through the guarded client; nothing is stored or counted. `given` is what the sample is to
 * be: without data that of its type in the catalogue.
 */
export async function testCall(
  deps: ApiDeps, sql: Sql, target: EndpointTarget, given: Asked | undefined,
): Promise<TestResult> {
  const now = deps.now();
  const sample = given && { type: given.type, data: given.data === undefined ? await sampleData(sql, target, given) : given.data };
  const event = newCustomSample(deps.newId('event'), target, sample, now);
  const facts = { ...attemptFacts(NOTHING_SENT, 1, now), verifyToken: target.verifyToken, fileLink: createFileLinker(deps) };
  const rendered = renderBody(target.dialect, event, facts);
  const made = target.transform === null ? rendered : await transformed(deps, target, target.transform, rendered);
  if (!Buffer.isBuffer(made)) return { statusCode: null, durationMs: 0, outcome: 'transform_error', error: describeFault(made), responseBody: '' };
  const body = made;
  const request = {
    endpointId: target.id, url: target.url, headers: requestHeaders(target, event, body, now), body,
    timeoutMs: target.policy.timeoutMs, connectTimeoutMs: target.policy.connectTimeoutMs, auth: target.auth, tls: target.tls,
  };
  const first = await deps.poster.post(request);
  // A delivery's next attempt comes at once then; here is nobody who would make it.
  const reply = first.isTokenStale ? await deps.poster.post(request) : first;
  return {
    statusCode: reply.statusCode,
    durationMs: Math.round(reply.durationMs),
    outcome: judge(reply, target.policy.success, deps.now()).outcome,
    error: reply.error,
    responseBody: createRedactor(target, reply.token)(Buffer.from(reply.body).toString('utf8'), reply.truncated),
  };
}

async function transformed({ transformer }: ApiDeps, { id, workspaceId }: EndpointTarget, expression: string, rendered: Buffer): Promise<Buffer | TransformFault> {
  const made = await transformer.transform({ workspaceId, key: `test|${id}` }, expression, rendered.toString('utf8'));
  return 'fault' in made ? made : Buffer.from(made.body, 'utf8');
}

/** What a caller wants to be told of. */
export interface Asked {
  readonly type: string;
  readonly data?: Json | undefined;
}

const sampleData = async (sql: Sql, { workspaceId }: EndpointTarget, { type }: Asked): Promise<Json> =>
  (await catalogueSample(sql, workspaceId, type)) ?? { test: true };
