import { cancellationSignal } from '@temporalio/activity';
import { settle } from '../src/engine/settle';
import type { DeliveryKey } from '../src/store/attempts';
import type { DeliveryLine } from '../workflows/contract';
import type { ActivityParts } from './index';

/**
 * Sees the first attempts of deliveries through: joins those that this process makes, waits for those of another while
 * their lease runs, makes those anew whose process is gone. Runs twice: see {@link settle}.
 */
export const createAttemptFirst = (parts: ActivityParts) => async (keys: readonly DeliveryKey[]): Promise<DeliveryLine[]> => {
  const looks = await settle(parts, keys, cancellationSignal());
  return looks.map((look) => ({
    eventId: look.eventId,
    deliveryId: look.id,
    endpointId: look.endpointId,
    status: look.status,
    ms: look.attempt?.durationMs ?? 0,
  }));
};
