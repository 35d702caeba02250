import type { Deps } from '../deps';
import { isOperational } from '../domain/event';
import type { JsonObject } from '../domain/json';
import type { Sql } from '../store/db';
import { insertEvents, type NewEvent } from '../store/event-insert';
import type { FinishedAttempt, Recorded } from '../store/record';

/** An attempt whose end may be worth an operational event. */
type Ended = FinishedAttempt & { readonly eventType: string; readonly isResend: boolean };

/**
 * Announces deliveries that were given up (`delivery.exhausted`), and those that were delivered by a resend after an
 * earlier one was over (`delivery.recovered`), in the transaction of their record. The delivery of an operational event
 * announces nothing: two sick endpoints that watch one another would never be done.
 */
export async function announceDeliveries(
  deps: Pick<Deps, 'newId' | 'now'>, trx: Sql, attempts: readonly Ended[], recorded: readonly Recorded[],
): Promise<void> {
  const byDelivery = new Map(recorded.map((row) => [row.deliveryId, row]));
  const events = attempts.flatMap((attempt): NewEvent[] => {
    const row = byDelivery.get(attempt.deliveryId);
    const type = row?.status === 'EXHAUSTED' ? 'delivery.exhausted' : row?.status === 'DELIVERED' && attempt.isResend ? 'delivery.recovered' : null;
    return type === null || isOperational(attempt.eventType) ? [] : [announcement(deps, attempt, type)];
  });
  await insertEvents(trx, events);
}

function announcement({ newId, now }: Pick<Deps, 'newId' | 'now'>, attempt: Ended, type: string): NewEvent {
  const data: JsonObject = {
    deliveryId: attempt.deliveryId, eventId: attempt.eventId, eventType: attempt.eventType, endpointId: attempt.endpointId,
    attempts: attempt.number, outcome: attempt.outcome, statusCode: attempt.statusCode,
  };
  return {
    id: newId('event'), workspaceId: attempt.workspaceId, externalId: null, type, sequence: null, causedBy: attempt.eventId,
    objectKind: null, objectId: null, object: null, previous: null, changes: null, data: JSON.stringify(data), actor: null, occurredAt: now(),
  };
}
