import type { Deps } from '../deps';
import type { EndedDelivery } from '../domain/delivery';
import { isOperational } from '../domain/event';
import type { JsonObject } from '../domain/json';
import { addAudits } from '../store/audit';
import type { Sql } from '../store/db';
import { insertEvents, type NewEvent } from '../store/event-insert';
import type { FinishedAttempt, Recorded } from '../store/record';

/** What these commands need. */
type AnnounceDeps = Pick<Deps, 'newId' | 'now'>;

/** How it ended, by whose doing, as the audit trail says it. */
type End = 'exhausted' | 'recovered' | 'expired';
const ENDS = {
  exhausted: { type: 'delivery.exhausted', action: 'delivery.exhaust', actor: 'schedule', reason: 'schedule_used_up' },
  expired: { type: 'delivery.exhausted', action: 'delivery.exhaust', actor: 'hold', reason: 'hold_expired' },
  recovered: { type: 'delivery.recovered', action: 'delivery.recover', actor: 'resend', reason: null },
} as const satisfies Record<End, object>;

/** An attempt whose end may be worth an operational event. */
type Ended = FinishedAttempt & { readonly eventType: string; readonly isResend: boolean };

/**
 * Announces deliveries that were given up (`delivery.exhausted`), and those that were delivered by a resend after an
 * earlier one was over (`delivery.recovered`), in the transaction of their record.
 */
export async function announceDeliveries(deps: AnnounceDeps, trx: Sql, attempts: readonly Ended[], recorded: readonly Recorded[]): Promise<void> {
  const byDelivery = new Map(recorded.map((row) => [row.deliveryId, row]));
  const endedAs = (end: End, isIt: (attempt: Ended, status: string | undefined) => boolean): Promise<void> =>
    announceEnds(deps, trx, end, attempts.flatMap((attempt) =>
      isIt(attempt, byDelivery.get(attempt.deliveryId)?.status) ? [{ ...attempt, attempts: attempt.number }] : []));
  await endedAs('exhausted', (_, status) => status === 'EXHAUSTED');
  await endedAs('recovered', ({ isResend }, status) => isResend && status === 'DELIVERED');
}

/**
 * Tells whoever asked for it, and the audit trail, how deliveries ended, in the transaction in which they did. The
 * delivery of an operational event announces nothing: two sick endpoints that watch one another would never be done.
 */
export async function announceEnds(deps: AnnounceDeps, trx: Sql, end: End, deliveries: readonly EndedDelivery[]): Promise<void> {
  const told = deliveries.filter(({ eventType }) => !isOperational(eventType));
  if (told.length === 0) return;
  const { type, action, actor, reason } = ENDS[end];
  await insertEvents(trx, told.map((delivery): NewEvent => ({
    id: deps.newId('event'), workspaceId: delivery.workspaceId, externalId: null, type, sequence: null, causedBy: delivery.eventId,
    objectKind: null, objectId: null, object: null, previous: null, changes: null, data: JSON.stringify({ ...dataOf(delivery), reason }), actor: null,
    occurredAt: deps.now(),
  })));
  await addAudits(trx, told.map((delivery) => ({
    id: deps.newId('audit'), workspaceId: delivery.workspaceId, actor, action, subjectId: delivery.deliveryId,
    detail: { eventId: delivery.eventId, endpointId: delivery.endpointId, attempts: delivery.attempts, reason },
  })));
}

const dataOf = ({ deliveryId, eventId, eventType, endpointId, attempts, outcome, statusCode }: EndedDelivery): JsonObject =>
  ({ deliveryId, eventId, eventType, endpointId, attempts, outcome, statusCode });
