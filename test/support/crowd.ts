import { readFileSync } from 'node:fs';
import { makeEvents } from './make';
import type { Service } from './service';
import { until } from './wait';

/** Events of one statement. */
const PAGE = 1_000;

/** The workspace that a service has from its start. */
export async function firstWorkspace({ db }: Service): Promise<string> {
  const [row] = await db.query<{ id: string }>({ text: 'select id from workspaces order by created_at limit 1' });
  return row?.id ?? '';
}

/** Stores custom events with their outbox rows as the API does, without its requests; answers nothing, for there are many. */
export async function storeEvents(service: Service, workspaceId: string, count: number, type: string): Promise<void> {
  for (let stored = 0; stored < count; stored += PAGE) await makeEvents(service.db, workspaceId, Math.min(PAGE, count - stored), type);
}

/** How many events are planned, of a workspace or of these. */
export async function countPlans({ db }: Service, of: string | readonly string[]): Promise<number> {
  const condition = typeof of === 'string' ? 'workspace_id = $1' : 'event_id = any($1)';
  const [row] = await db.query<{ count: number }>({ text: `select count(*) from plans where ${condition}`, values: [of] });
  return Number(row?.count);
}

/** Waits until so many events are planned, of a workspace or of these. */
export async function untilPlanned(service: Service, of: string | readonly string[], count: number, deadlineMs: number): Promise<void> {
  await until(async () => (await countPlans(service, of)) >= count, { what: `the plans of ${count} events`, deadlineMs });
}

/** How many `deliver` workflows run for an endpoint, as Temporal lists them. */
export async function runningRetries({ temporal }: Service, endpointId: string): Promise<number> {
  const { count } = await temporal.workflow.count(`WorkflowType = "deliver" and ExecutionStatus = "Running" and PosthornEndpoint = "${endpointId}"`);
  return count;
}

/** Counts again and again what runs for endpoints until it is stopped; answers the most that was seen of any of them. */
export function watchRetries(service: Service, endpointIds: readonly string[]): { stop(): Promise<number> } {
  let isStopped = false;
  const watching = (async () => {
    let most = 0;
    while (!isStopped) for (const id of endpointIds) most = Math.max(most, await runningRetries(service, id));
    return most;
  })();
  return {
    stop() {
      isStopped = true;
      return watching;
    },
  };
}

/** The longest history of all runs of an endpoint's watcher, and how many runs there were. */
export async function watcherHistory({ temporal }: Service, endpointId: string): Promise<{ readonly runs: number; readonly longest: number }> {
  const lengths: number[] = [];
  for await (const run of temporal.workflow.list({ query: `WorkflowId = "endpoint/${endpointId}"` })) {
    lengths.push((await temporal.workflow.getHandle(run.workflowId, run.runId).describe()).historyLength);
  }
  return { runs: lengths.length, longest: Math.max(0, ...lengths) };
}

/** What the workers hold of memory, in MiB; 0 where the system does not say. */
export const workersMemory = (service: Service): number => service.workers().reduce((sum, { pid }) => sum + residentMiB(pid), 0);

/** What a process holds of memory, in MiB; 0 where the system does not say. */
export function residentMiB(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
