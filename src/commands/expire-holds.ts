import type { Deps } from '../deps';
import type { EndedDelivery } from '../domain/delivery';
import { expireHolds } from '../store/hold-expiry';
import { announceEnds } from './announce-deliveries';

/** Deliveries of one transaction: few enough to be over in a moment. */
const PAGE = 500;

/**
 * Gives up what was held for longer than it may be (EXHAUSTED, `hold_expired`) and says so, page by page: each is a
 * transaction of its own. Several processes may do it at once. Answers how many; `onExpired` is told of each page that is committed.
 */
export async function expireAllHolds(
  deps: Pick<Deps, 'db' | 'newId' | 'now'>, onExpired: (page: readonly EndedDelivery[]) => void = () => undefined,
): Promise<number> {
  for (let count = 0; ;) {
    const expired = await deps.db.transaction(async (trx) => {
      const page = await expireHolds(trx, PAGE);
      await announceEnds(deps, trx, 'expired', page);
      return page;
    });
    onExpired(expired);
    count += expired.length;
    if (expired.length < PAGE) return count;
  }
}
