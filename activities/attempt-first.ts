import { cancellationSignal } from '@temporalio/activity';
import { settle } from '../src/engine/settle';
import type { DeliveryLook } from '../src/store/attempts';
import type { DeliveryLine, FirstAttemptsResult } from '../workflows/contract';
import type { ActivityParts } from './index';

/** Most deliveries that a result names. */
const LINES = 1_000;

/**
 * Sees the first attempts of one delivery, or of all of a fold, through: joins those that this process makes, waits for
 * those of another while their lease runs, makes those anew whose process is gone. Runs twice: see {@link settle}.
 */
export const createAttemptFirst = (parts: ActivityParts) => async ({ eventIds, deliveryId }: {
  readonly eventIds: readonly string[]; readonly deliveryId?: string;
}): Promise<FirstAttemptsResult> => {
  const [eventId = ''] = eventIds;
  const looks = await settle(parts, deliveryId === undefined ? { eventIds } : { eventId, id: deliveryId }, cancellationSignal());
  const of = (status: string): number => looks.filter((look) => look.status === status).length;
  const failuresFirst = looks.map(lineOf).sort((a, b) => Number(a.status === 'DELIVERED') - Number(b.status === 'DELIVERED'));
  return {
    owed: looks.length,
    delivered: of('DELIVERED'),
    retrying: of('RETRYING'),
    waiting: of('PENDING'),
    held: of('HELD'),
    deliveries: failuresFirst.slice(0, LINES),
  };
};

const lineOf = (look: DeliveryLook): DeliveryLine => ({
  eventId: look.eventId, deliveryId: look.id, endpointId: look.endpointId, status: look.status, ms: look.attempt?.durationMs ?? 0,
});
