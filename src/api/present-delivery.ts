import { createHash } from 'node:crypto';
import { deliverId, watchEndpointId } from '../../workflows/contract';
import type { Config } from '../config';
import type { Delivery } from '../domain/delivery';
import { DIALECT_NAMES, DIALECTS, type DialectName } from '../domain/dialect';
import { attemptFacts, type EnvelopeFacts, type SendHistory } from '../domain/envelope-facts';
import type { Event } from '../domain/event';
import type { StoredAttempt } from '../store/deliveries-read';
import { workflowUrl } from '../temporal-links';
import { renderBody } from '../wire/envelope';
import { REDACTED } from '../wire/redact';

/** A delivery as the API shows it. */
export const presentDelivery = (delivery: Delivery) => ({
  id: delivery.id,
  eventId: delivery.eventId,
  endpointId: delivery.endpointId,
  status: delivery.status,
  reason: delivery.reason ?? (delivery.status === 'HELD' ? 'endpoint_deactivated' : null),
  attemptCount: delivery.attemptCount,
  nextAttemptAt: delivery.nextAttemptAt?.toISOString() ?? null,
  resendOf: delivery.resendOf,
  createdAt: delivery.createdAt.toISOString(),
  updatedAt: delivery.updatedAt.toISOString(),
});

/** Finds the bytes of an attempt's request again; null where the event is gone or is rendered differently now. */
export type FindBody = (attempt: StoredAttempt) => string | null;

/** What a body is rendered from for display. */
export interface RenderedFrom {
  readonly event: Event | null;
  /** What an expression made of it; null: nothing. */
  readonly transformed: string | null;
  /** Null: the endpoint is gone, any dialect may have been its. */
  readonly dialect: DialectName | null;
  readonly history: SendHistory;
  readonly verifyToken: string | null;
  readonly fileLink: EnvelopeFacts['fileLink'];
}

/** Renders an event for display as it was sent, and compares its SHA-256 with what was stored; a verify token is not shown. */
export function bodyFinder({ event, transformed, dialect, history, verifyToken, fileLink }: RenderedFrom): FindBody {
  return (attempt) => {
    if (transformed !== null && sha256(transformed) === attempt.request?.bodySha256) return transformed;
    if (!event) return null;
    const facts = { ...attemptFacts(history, attempt.number, attempt.startedAt), verifyToken, fileLink };
    for (const name of dialect ? [dialect] : DIALECT_NAMES) {
      const bytes = renderBody(name, event, facts);
      if (sha256(bytes) !== attempt.request?.bodySha256) continue;
      const isShown = verifyToken === null || !DIALECTS[name].verifyToken;
      return (isShown ? bytes : renderBody(name, event, { ...facts, verifyToken: REDACTED })).toString('utf8');
    }
    return null;
  };
}

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An attempt as the API shows it. */
export const presentAttempt = (attempt: StoredAttempt, findBody: FindBody) => ({
  id: attempt.id,
  number: attempt.number,
  startedAt: attempt.startedAt.toISOString(),
  durationMs: attempt.durationMs,
  statusCode: attempt.statusCode,
  outcome: attempt.outcome,
  error: attempt.error,
  request: attempt.request && {
    url: attempt.request.url, headers: JSON.parse(attempt.request.headers) as unknown, body: findBody(attempt),
  },
  response: attempt.response && {
    headers: JSON.parse(attempt.response.headers) as unknown, body: attempt.response.body, truncated: attempt.response.truncated,
  },
});

/** The workflow that a delivery is in the hands of: its own, its endpoint's watcher, or the event's; null before that runs. */
export function presentWorkflow(
  config: Pick<Config, 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>, delivery: Delivery, run: { readonly id: string; readonly runId: string | null } | null,
): { id: string; runId: string | null; url: string } | null {
  const owner = {
    retry: { id: deliverId(delivery.id), runId: null },
    lane: { id: watchEndpointId(delivery.endpointId), runId: null },
    fast: run,
  }[delivery.way];
  return owner && { ...owner, url: workflowUrl(config, owner.id, owner.runId) };
}
