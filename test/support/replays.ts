import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from './temporal';

/** Most workflows of a run that are replayed: its newest. */
const MOST = 400;

/** Replays what ran in a namespace from its histories, by the workflows as they are now; answers each with what kept it from that. */
export async function replayRun({ workflow }: Client): Promise<{ workflowId: string; fault: string | null }[]> {
  const histories = (async function* () {
    let count = 0;
    for await (const { workflowId, runId } of workflow.list()) {
      if (count === MOST) return;
      count += 1;
      yield { workflowId, history: await workflow.getHandle(workflowId, runId).fetchHistory() };
    }
  })();
  const replays: { workflowId: string; fault: string | null }[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: await workflowBundle() }, histories)) {
    replays.push({ workflowId, fault: error ? error.message : null });
  }
  return replays;
}
