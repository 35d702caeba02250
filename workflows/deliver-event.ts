import { proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities';
import { SHOWN_DELIVERIES, type DeliverEventInput, type DeliverEventResult, type DeliveryLine } from './contract';

// Local: with a head start they only join what this process is doing already. Without a limit in time: an attempt that
// a lost process left open is waited for until its lease is over.
const { planEvents, attemptFirst } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '2m',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** Most lines of a result. */
const LINES = 1_000;

/**
 * Decides what the events of one fold are owed to and makes the first attempts; or joins both where the relay has
 * begun them. What needs a retry goes on in a `deliver` workflow, what waits in its endpoint's watcher.
 */
export async function deliverEvent({ workspaceId, eventIds }: DeliverEventInput): Promise<DeliverEventResult> {
  const owed = await planEvents.executeWithOptions({ summary: eventIds.length === 1 ? `plan ${eventIds[0]}` : `plan ${eventIds.length} events` }, [{ workspaceId, eventIds }]);
  const isShown = eventIds.length === 1 && owed.length <= SHOWN_DELIVERIES;
  const groups = isShown ? owed.map((delivery) => [delivery]) : owed.length > 0 ? [owed] : [];
  const lines = (await Promise.all(groups.map((group) =>
    attemptFirst.executeWithOptions({ summary: summaryOf(group) }, [group.map(({ eventId, id }) => ({ eventId, id }))]),
  ))).flat();
  return count(lines);
}

const summaryOf = (group: readonly { readonly eventId: string; readonly host: string }[]): string => {
  const [first] = group;
  return group.length === 1 && first ? `${first.eventId} to ${first.host}` : `${group.length} deliveries`;
};

function count(lines: readonly DeliveryLine[]): DeliverEventResult {
  const of = (...statuses: string[]): number => lines.filter(({ status }) => statuses.includes(status)).length;
  const failuresFirst = [...lines].sort((a, b) => Number(a.status === 'DELIVERED') - Number(b.status === 'DELIVERED'));
  return {
    owed: lines.length,
    delivered: of('DELIVERED'),
    retrying: of('RETRYING'),
    waiting: of('PENDING'),
    held: of('HELD'),
    ...(lines.length > 0 && { deliveries: failuresFirst.slice(0, LINES) }),
  };
}
