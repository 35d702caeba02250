import type { Deps } from '../deps';
import { recoveryOf } from '../domain/recovery';
import { lastOf } from '../engine/retry';
import { lookAtDeliveries } from '../store/attempts';
import { findJob } from '../store/jobs';
import { finishClaims, type ClaimedWake } from '../store/outbox-claim';
import type { Workflows } from '../temporal';

/** Starts `deliver` workflows and passes signals on. */
export interface Wakes {
  /** Takes claimed rows; each is tried until Temporal has acknowledged it, then taken out of the outbox. */
  pass(claimed: readonly ClaimedWake[]): void;
  /** How many rows are claimed and not passed on yet. */
  waiting(): number;
  /** These rows. */
  held(): Iterable<number>;
  /** Resolves when what is under way is over. */
  stop(): Promise<void>;
}

/** A watcher is signalled at most this often; what comes sooner goes with the next signal. */
const WATCHER_EVERY_MS = 250;
const RETRY_MS = 500;
const CONCURRENT = 20;

/** Passes on what the outbox holds besides events; tries again until Temporal has taken it. */
export function createWakes(deps: Deps, workflows: Workflows): Wakes {
  const lastSignal = new Map<string, number>();
  const due: ClaimedWake[][] = [];
  const idle: (() => void)[] = [];
  const waiting = new Set<number>();
  let active = 0;
  let isStopping = false;

  async function passGroup(group: readonly ClaimedWake[]): Promise<void> {
    const [wake] = group;
    if (!wake) return;
    if (wake.kind === 'retry') await startDeliver(deps, workflows, wake);
    else if (wake.deliveryId !== null) await workflows.signalDeliver(wake.deliveryId, wake.signal ?? 'wake');
    else if (wake.jobId !== null) await wakeJob(deps, workflows, wake.workspaceId, wake.jobId);
    else if (wake.endpointId !== null) await wakeWatcher(wake.workspaceId, wake.endpointId);
    deps.metrics.worker.wakes[wake.kind].add(group.length);
    await finishClaims(deps.db, group.map((row) => row.outboxId));
  }

  // Whatever the outbox says was done, the watcher is only told to look: what was done stands in PostgreSQL.
  async function wakeWatcher(workspaceId: string, endpointId: string): Promise<void> {
    lastSignal.set(endpointId, performance.now());
    await workflows.wakeWatcher({ workspaceId, endpointId });
  }

  async function run(group: ClaimedWake[]): Promise<void> {
    active += 1;
    try {
      await passGroup(group);
      group.forEach((wake) => waiting.delete(wake.outboxId));
    } catch (error) {
      deps.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'relay.wake_failed');
      setTimeout(() => {
        due.push(group);
        pump();
      }, RETRY_MS);
    } finally {
      active -= 1;
      if (active === 0) idle.splice(0).forEach((done) => done());
      pump();
    }
  }

  function pump(): void {
    while (!isStopping && active < CONCURRENT && due.length > 0) void run(due.shift() ?? []);
  }

  function waitOf(group: readonly ClaimedWake[]): number {
    const [wake] = group;
    if (!wake || wake.kind === 'retry' || wake.endpointId === null) return 0;
    return Math.max(0, (lastSignal.get(wake.endpointId) ?? -Infinity) + WATCHER_EVERY_MS - performance.now());
  }

  return {
    pass(claimed) {
      claimed.forEach((wake) => waiting.add(wake.outboxId));
      for (const group of grouped(claimed)) {
        const waitMs = waitOf(group);
        const later = (): void => {
          due.push(group);
          pump();
        };
        if (waitMs > 0) setTimeout(later, waitMs);
        else later();
      }
      forgetOld(lastSignal);
    },
    waiting: () => waiting.size,
    held: () => waiting,
    async stop() {
      isStopping = true;
      if (active > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}

/** Signals to one watcher or job are one signal. */
function grouped(claimed: readonly ClaimedWake[]): ClaimedWake[][] {
  const groups = new Map<string, ClaimedWake[]>();
  for (const wake of claimed) {
    const key = keyOf(wake);
    const group = groups.get(key);
    if (group) group.push(wake);
    else groups.set(key, [wake]);
  }
  return [...groups.values()];
}

function keyOf({ kind, deliveryId, endpointId, jobId, outboxId }: ClaimedWake): string {
  if (kind === 'job') return `job ${jobId}`;
  return kind === 'signal' && deliveryId === null ? `watcher ${endpointId}` : `row ${outboxId}`;
}

function forgetOld(lastSignal: Map<string, number>): void {
  if (lastSignal.size < 1_000) return;
  for (const [id, at] of lastSignal) if (performance.now() - at > WATCHER_EVERY_MS) lastSignal.delete(id);
}

async function startDeliver({ db, metrics }: Deps, workflows: Workflows, wake: ClaimedWake): Promise<void> {
  if (wake.eventId === null || wake.deliveryId === null || wake.endpointId === null) return;
  const [look] = await lookAtDeliveries(db, [{ eventId: wake.eventId, id: wake.deliveryId }]);
  // It may have ended, or been held, since the row was written.
  if (!look || look.way !== 'retry' || look.status !== 'RETRYING') return;
  await workflows.startDeliver(
    {
      eventId: look.eventId, deliveryId: look.id, endpointId: look.endpointId,
      afterMs: Math.max(0, Math.round(look.dueInMs ?? 0)), number: look.attemptCount + 1, last: lastOf(look),
    },
    look.workspaceId,
    wake.eventType ?? 'unknown',
  );
  metrics.worker.workflowsStarted.deliver.add();
}

async function wakeJob({ db }: Deps, workflows: Workflows, workspaceId: string, jobId: string): Promise<void> {
  const job = await findJob(db, workspaceId, jobId);
  if (!job) return;
  // Of a job that is paused or over nothing is to be done: only a workflow that lives needs to hear of it.
  if (job.status !== 'QUEUED' && job.status !== 'RUNNING') return workflows.signalJob(jobId);
  const { kind, parameters, total } = job;
  if (kind === 'bulk_create' || kind === 'bulk_update') return workflows.wakeJob({ workspaceId, jobId }, kind, `${kind.replace('_', ' ')}, ${total} entries`, null);
  const { only, ruleId, endpointId, since } = recoveryOf(parameters);
  const what = ruleId === null ? `recover ${only} deliveries` : `backfill ${ruleId}`;
  await workflows.wakeJob({ workspaceId, jobId }, kind, `${what} of ${endpointId} since ${since.toISOString()}`, endpointId);
}
