import type { Deps } from '../deps';
import type { EnvelopeFacts } from '../domain/envelope-facts';
import type { TransformFault } from '../domain/transform';
import { findKeptBody, keepBody } from '../store/transformed';
import { renderBody } from '../wire/envelope';
import { requestHeaders } from '../wire/request';
import type { BegunAttempt } from './sender';

/** What an attempt sends, or why it sends nothing. */
export type AttemptRequest =
  | { readonly request: { readonly headers: Record<string, string>; readonly body: Buffer }; readonly fault: null }
  | { readonly request: null; readonly fault: TransformFault };

/**
 * Makes the request of an attempt at an endpoint. One that has, or had an expression gets the bytes that were made for the
 * delivery before, else what the expression makes of them now, which is kept before they leave.
 */
export async function makeRequest(deps: Deps, attempt: BegunAttempt, facts: EnvelopeFacts, startedAt: Date): Promise<AttemptRequest> {
  const { event, target } = attempt;
  const rendered = renderBody(target.dialect, event, facts);
  if (!target.hasTransformed) return { request: { body: rendered, headers: requestHeaders(target, event, rendered, startedAt) }, fault: null };
  const body = await transformedBody(deps, attempt, rendered);
  if (!Buffer.isBuffer(body)) return { request: null, fault: body };
  // An expression may have taken a while: the signature tells when it was made.
  return { request: { body, headers: requestHeaders(target, event, body, deps.now()) }, fault: null };
}

async function transformedBody({ db, transformer }: Deps, { event, target, deliveryId, isFirst }: BegunAttempt, rendered: Buffer): Promise<Buffer | TransformFault> {
  const key = { eventId: event.id, id: deliveryId };
  const { body, wasSentPlain } = isFirst ? { body: null, wasSentPlain: false } : await findKeptBody(db, key);
  if (body !== null) return Buffer.from(body, 'utf8');
  if (target.transform === null || wasSentPlain) return rendered;
  const made = await transformer.transform({ workspaceId: event.workspaceId, key: target.id }, target.transform, rendered.toString('utf8'));
  return 'fault' in made ? made : Buffer.from(await keepBody(db, event.workspaceId, key, made.body), 'utf8');
}
