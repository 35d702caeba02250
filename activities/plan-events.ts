import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { readEvents } from '../src/store/attempts';
import { readPlans, saveRun } from '../src/store/plan';
import { readRevision } from '../src/store/routing';
import type { DeliverEventInput } from '../workflows/contract';
import type { ActivityParts } from './index';

/** A delivery that was decided on, and where it goes: the host alone, never the whole address. */
export interface OwedLine {
  readonly eventId: string;
  readonly id: string;
  readonly host: string;
}

/**
 * Decides what events are owed to, or finds that decided, and writes which run shows them. Runs twice: an event is
 * planned once, whoever comes second reads what the first decided.
 */
export const createPlanEvents = ({ deps, firstAttempts }: ActivityParts) => async ({ workspaceId, eventIds }: DeliverEventInput): Promise<OwedLine[]> => {
  await Promise.all(eventIds.map((eventId) => firstAttempts.underWay(eventId)?.planned));
  let found = await readPlans(deps.db, eventIds);
  const missing = eventIds.filter((eventId) => !found.planned.has(eventId));
  if (missing.length > 0) {
    const revision = await readRevision(deps.db, workspaceId);
    const events = await readEvents(deps.db, missing);
    await Promise.all(firstAttempts.begin(events, revision).map(({ planned }) => planned));
    found = await readPlans(deps.db, eventIds);
    if (events.some((event) => !found.planned.has(event.id))) throw ApplicationFailure.retryable('events of this fold are not planned yet', 'not_planned');
  }
  const { workflowExecution } = activityInfo();
  await saveRun(deps.db, eventIds, workflowExecution?.workflowId ?? '', workflowExecution?.runId ?? '');
  return found.deliveries.map(({ eventId, id, url }) => ({ eventId, id, host: url === null ? 'a deleted endpoint' : new URL(url).host }));
};
