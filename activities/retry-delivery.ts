import { retryDelivery } from '../src/engine/retry';
import type { DeliveryKey } from '../src/store/attempts';
import type { RetryStep } from '../workflows/contract';
import { beating } from './beating';
import type { ActivityParts } from './index';

/**
 * Makes the next attempt of a delivery, if it is due. Runs twice: the second finds the first's attempt under way and
 * answers when to look again, or takes it over when its lease is over.
 */
export const createRetryDelivery = (parts: ActivityParts) => (key: DeliveryKey): Promise<RetryStep> => beating(retryDelivery(parts, key));
