import { createHash } from 'node:crypto';
import { deliverId, watchEndpointId } from '../../workflows/contract';
import type { Config } from '../config';
import type { Delivery } from '../domain/delivery';
import { DIALECT_NAMES, type DialectName } from '../domain/dialect';
import type { Event } from '../domain/event';
import type { StoredAttempt } from '../store/deliveries-read';
import { workflowUrl } from '../temporal-links';
import { renderBody } from '../wire/envelope';

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

/** Finds the bytes of a request again by their SHA-256; null where the event is gone or is rendered differently now. */
export type FindBody = (bodySha256: string) => string | null;

/** Renders an event for display as it was sent: in the endpoint's dialect, or in any where the endpoint is gone. */
export function bodyFinder(event: Event | null, dialect: DialectName | null): FindBody {
  const bodies = new Map<string, string>();
  for (const name of event ? (dialect ? [dialect] : DIALECT_NAMES) : []) {
    const bytes = renderBody(name, event as Event);
    bodies.set(createHash('sha256').update(bytes).digest('hex'), bytes.toString('utf8'));
  }
  return (bodySha256) => bodies.get(bodySha256) ?? null;
}

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
    url: attempt.request.url, headers: JSON.parse(attempt.request.headers) as unknown, body: findBody(attempt.request.bodySha256),
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
