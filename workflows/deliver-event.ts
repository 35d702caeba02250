import { proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import type { DeliverEventInput, DeliverEventResult } from './contract';

// Local: with a head start they only join what this process is doing already. Without a limit in time: an attempt that
// a lost process left open is waited for until its lease is over.
const { planEvents, attemptFirst } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2m',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/**
 * Decides what the events of one fold are owed to and makes the first attempts; or joins both where the relay has
 * begun them. What needs a retry goes on in a `deliver` workflow, what waits in its endpoint's watcher.
 */
export async function deliverEvent({ workspaceId, eventIds }: DeliverEventInput): Promise<DeliverEventResult> {
  const [first] = eventIds;
  const plan = await planEvents.executeWithOptions({ summary: eventIds.length === 1 ? `plan ${first}` : `plan ${eventIds.length} events` }, [{ workspaceId, eventIds }]);
  if (plan.owed === 0) return NOTHING;
  if (plan.shown.length === 0) {
    return countsOf([await attemptFirst.executeWithOptions({ summary: `${plan.owed} deliveries` }, [{ eventIds }])]);
  }
  return countsOf(await Promise.all(plan.shown.map(({ id, host }) =>
    attemptFirst.executeWithOptions({ summary: `${first} to ${host}` }, [{ eventIds, deliveryId: id }]),
  )));
}

const NOTHING: DeliverEventResult = { owed: 0, delivered: 0, retrying: 0, waiting: 0, held: 0 };

const countsOf = (results: readonly DeliverEventResult[]): DeliverEventResult => results.reduce((sum, result) => ({
  owed: sum.owed + result.owed,
  delivered: sum.delivered + result.delivered,
  retrying: sum.retrying + result.retrying,
  waiting: sum.waiting + result.waiting,
  held: sum.held + result.held,
}), NOTHING);
