import { judge, type Outcome } from '../domain/attempt';
import { attemptFacts, NOTHING_SENT } from '../domain/envelope-facts';
import type { EndpointTarget } from '../domain/endpoint';
import { renderBody } from '../wire/envelope';
import { createFileLinker } from '../wire/file-link';
import { requestHeaders } from '../wire/request';
import { newCustomSample } from './probe-event';
import type { ApiDeps } from './route';

/** What came of a test call, as it is answered. */
export interface TestResult {
  readonly statusCode: number | null;
  readonly durationMs: number;
  readonly outcome: Outcome;
  readonly error: string | null;
  readonly responseBody: string;
}

/** Sends one real signed request now, through the guarded client; nothing is stored or counted. `given` is what the sample is to be. */
export async function testCall(
  deps: ApiDeps, target: EndpointTarget, given: { readonly type: string; readonly data: unknown } | undefined,
): Promise<TestResult> {
  const now = deps.now();
  const event = newCustomSample(deps.newId('event'), target, given, now);
  const facts = { ...attemptFacts(NOTHING_SENT, 1, now), verifyToken: target.verifyToken, fileLink: createFileLinker(deps) };
  const body = renderBody(target.dialect, event, facts);
  const reply = await deps.poster.post({
    endpointId: target.id, url: target.url, headers: requestHeaders(target, event, body, now), body,
    timeoutMs: target.policy.timeoutMs, connectTimeoutMs: target.policy.connectTimeoutMs,
  });
  return {
    statusCode: reply.statusCode,
    durationMs: Math.round(reply.durationMs),
    outcome: judge(reply, target.policy.success, deps.now()).outcome,
    error: reply.error,
    responseBody: Buffer.from(reply.body).toString('utf8'),
  };
}
