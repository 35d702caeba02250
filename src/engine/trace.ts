import type { Outcome } from '../domain/attempt';
import type { Event } from '../domain/event';
import type { EventPlan } from '../store/plan';
import type { Span, Tracing } from '../tracing/tracing';
import type { BegunAttempt } from './sender';

/** Begins the span of an attempt, a child of what made its event, however long ago; null where nothing is traced. */
export function traceAttempt(tracing: Tracing | null, { event, target, deliveryId, number }: BegunAttempt, startedAt: Date): Span | null {
  if (!tracing) return null;
  // Of the address no more than whose it is: paths and queries of webhooks are often secrets.
  const { hostname, port, protocol } = new URL(target.url);
  return tracing.begin({
    name: 'attempt', kind: 'client', parent: event.traceparent, startedAt,
    attributes: {
      'http.request.method': 'POST', 'server.address': hostname, 'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      'posthorn.workspace.id': event.workspaceId, 'posthorn.event.id': event.id, 'posthorn.event.type': event.type,
      'posthorn.delivery.id': deliveryId, 'posthorn.endpoint.id': target.id, 'posthorn.attempt.number': number,
    },
  });
}

/** Ends it with what came of it; any outcome but `ok` is its fault. */
export function endAttempt(span: Span | null, outcome: Outcome, statusCode: number | null): void {
  span?.end(statusCode === null ? {} : { 'http.response.status_code': statusCode }, outcome === 'ok' ? undefined : outcome);
}

/** Tells of the plan of each event that is traced. */
export function tracePlans(tracing: Tracing | null, events: readonly Event[], plans: readonly EventPlan[], startedAt: Date): void {
  if (!tracing) return;
  const owed = new Map(plans.map((plan) => [plan.eventId, plan.deliveries.length]));
  for (const { id, type, workspaceId, traceparent: parent } of events) {
    if (parent === undefined) continue;
    const attributes = { 'posthorn.workspace.id': workspaceId, 'posthorn.event.id': id, 'posthorn.event.type': type, 'posthorn.owed': owed.get(id) ?? 0 };
    tracing.begin({ name: 'plan', kind: 'internal', parent, startedAt, attributes }).end();
  }
}

/** Tells of the start of the workflow that events share, or that one has, as part of each event's trace. */
export function traceStart(tracing: Tracing | null, events: readonly Event[], workflowId: string, startedAt: Date): void {
  if (!tracing) return;
  for (const { id, traceparent: parent } of events) {
    if (parent === undefined) continue;
    tracing.begin({ name: 'start workflow', kind: 'producer', parent, startedAt, attributes: { 'posthorn.event.id': id, 'posthorn.workflow.id': workflowId } }).end();
  }
}
