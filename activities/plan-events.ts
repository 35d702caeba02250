import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { readEvents } from '../src/store/attempts';
import { deliveriesOf, saveRun } from '../src/store/plan';
import { readRevision } from '../src/store/routing';
import { SHOWN_DELIVERIES, type DeliverEventInput, type FoldPlan } from '../workflows/contract';
import type { ActivityParts } from './index';

/**
 * Decides what events are owed to, or finds that decided, and writes which run shows them. Runs twice: an event is
 * planned once, whoever comes second reads what the first decided.
 */
export const createPlanEvents = (parts: ActivityParts) => async ({ workspaceId, eventIds }: DeliverEventInput): Promise<FoldPlan> => {
  const { deps, firstAttempts } = parts;
  await Promise.all(eventIds.map((eventId) => firstAttempts.underWay(eventId)?.planned));
  const owed = await plan(parts, workspaceId, eventIds);
  const isShown = eventIds.length === 1 && owed > 0 && owed <= SHOWN_DELIVERIES;
  return { owed, shown: isShown ? (await deliveriesOf(deps.db, eventIds)).map(({ id, url }) => ({ id, host: hostOf(url) })) : [] };
};

/** Plans those that are not planned yet, and writes the run on all; answers how many deliveries they are owed together. */
async function plan({ deps, firstAttempts }: ActivityParts, workspaceId: string, eventIds: readonly string[]): Promise<number> {
  const { workflowExecution } = activityInfo();
  const save = (ids: readonly string[]): Promise<ReadonlyMap<string, number>> =>
    saveRun(deps.db, ids, workflowExecution?.workflowId ?? '', workflowExecution?.runId ?? '');
  const planned = new Map(await save(eventIds));
  const missing = eventIds.filter((eventId) => !planned.has(eventId));
  if (missing.length > 0) {
    const revision = await readRevision(deps.db, workspaceId);
    const events = await readEvents(deps.db, missing);
    await Promise.all(firstAttempts.begin(events, revision).map((run) => run.planned));
    for (const [eventId, owed] of await save(missing)) planned.set(eventId, owed);
    if (events.some((event) => !planned.has(event.id))) throw ApplicationFailure.retryable('events of this fold are not planned yet', 'not_planned');
  }
  return [...planned.values()].reduce((sum, owed) => sum + owed, 0);
}

/** The host alone, never the whole address: it may hold a token. */
const hostOf = (url: string | null): string => (url === null ? 'a deleted endpoint' : new URL(url).host);
