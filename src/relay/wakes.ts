import type { Deps } from '../deps';
import { recoveryOf } from '../domain/recovery';
import { lastOf } from '../engine/retry';
import { lookAtDeliveries, type DeliveryLook } from '../store/attempts';
import { findJob } from '../store/jobs';
import { passToLane } from '../store/lane-moves';
import type { OnOutbox } from '../store/outbox';
import { finishClaims, type ClaimedWake } from '../store/outbox-claim';
import type { Workflows } from '../temporal';
import { DELIVER_SIGNALS } from '../../workflows/contract';
import { createRetryTurns } from './retry-turns';
import { createTokens } from './tokens';

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
/** What is due by so much sooner than it was, was asked for meanwhile. */
const SOONER_MS = 100;
/** A retry's workflow is started before it is due, or so much later; and within so long, so that what waits for that stays little. */
const LATE_MS = 250;
const LONGEST_TURN_MS = 5_000;

/** What is to be done for some rows of the outbox: again, where it fails. */
type Task = () => Promise<void>;

/** Passes on what the outbox holds besides events; tries again until Temporal has taken it. */
export function createWakes(deps: Deps, workflows: Workflows, onOutbox: OnOutbox): Wakes {
  const { db, metrics } = deps;
  const turns = createRetryTurns(createTokens(deps.config));
  const lastSignal = new Map<string, number>();
  /** Rows of watchers that are signalled when their time has come. */
  const later = new Map<string, number[]>();
  const due: Task[] = [];
  const idle: (() => void)[] = [];
  const waiting = new Set<number>();
  let active = 0;
  let isStopping = false;

  async function run(task: Task): Promise<void> {
    active += 1;
    try {
      await task();
    } catch (error) {
      deps.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'relay.wake_failed');
      setTimeout(() => add(task), RETRY_MS);
    } finally {
      active -= 1;
      if (active === 0) idle.splice(0).forEach((done) => done());
      pump();
    }
  }

  function pump(): void {
    for (let task = isStopping ? undefined : due[0]; task && active < CONCURRENT; task = due[0]) {
      due.shift();
      void run(task);
    }
  }

  function add(task: Task): void {
    due.push(task);
    pump();
  }

  async function finish(kind: ClaimedWake['kind'], rows: readonly number[]): Promise<void> {
    await finishClaims(db, rows);
    rows.forEach((row) => waiting.delete(row));
    metrics.worker.wakes[kind].add(rows.length);
  }

  const signalTask = (wake: ClaimedWake, rows: readonly number[]): Task => async () => {
    if (wake.deliveryId !== null) await workflows.signalDeliver(wake.deliveryId, wake.signal ?? 'wake');
    else if (wake.jobId !== null) await wakeJob(deps, workflows, wake.workspaceId, wake.jobId);
    else if (wake.endpointId !== null) await wakeWatcher(wake.workspaceId, wake.endpointId);
    await finish(wake.kind, rows);
  };

  // Whatever the outbox says was done, the watcher is only told to look: what was done stands in PostgreSQL.
  async function wakeWatcher(workspaceId: string, endpointId: string): Promise<void> {
    lastSignal.set(endpointId, performance.now());
    await workflows.wakeWatcher({ workspaceId, endpointId });
  }

  function passSignal(key: string, { wake, rows }: Group): void {
    const joined = later.get(key);
    if (joined) return void joined.push(...rows);
    const task = signalTask(wake, rows);
    const waitMs = (lastSignal.get(wake.endpointId ?? '') ?? -Infinity) + WATCHER_EVERY_MS - performance.now();
    if (waitMs <= 0) return add(task);
    later.set(key, rows);
    setTimeout(() => {
      later.delete(key);
      add(task);
    }, waitMs);
  }

  /** Looks at retries, and has each ask for its turn. */
  const retriesTask = (wakes: readonly ClaimedWake[]): Task => async () => {
    const looks = new Map((await lookAtDeliveries(db, wakes.map(({ eventId, deliveryId }) => ({ eventId: eventId ?? '', id: deliveryId ?? '' })))).map((look) => [look.id, look]));
    const retries = wakes.map((wake) => ({ wake, look: looks.get(wake.deliveryId ?? '') }));
    // One may have ended, or been held, since its row was written.
    await finish('retry', retries.filter((retry) => !isOpen(retry)).map(({ wake }) => wake.outboxId));
    for (const { wake, look } of retries.filter(isOpen)) {
      const dueInMs = Math.max(0, look.dueInMs ?? 0);
      const dueAt = performance.now() + dueInMs;
      turns.ask(Math.min(LONGEST_TURN_MS, dueInMs + LATE_MS), (isGranted) => add(isGranted ? startTask(wake, look, dueAt) : laneTask(wake, look)));
    }
  };

  const startTask = (wake: ClaimedWake, look: DeliveryLook, dueAt: number): Task => async () => {
    const afterMs = Math.max(0, Math.round(dueAt - performance.now()));
    await workflows.startDeliver(
      { eventId: look.eventId, deliveryId: look.id, endpointId: look.endpointId, afterMs, number: look.attemptCount + 1, last: lastOf(look) },
      look.workspaceId,
      wake.eventType ?? 'unknown',
    );
    metrics.worker.workflowsStarted.deliver.add();
    // Whoever asked for it, or cancelled it, since it was looked at had a signal sent that found no workflow.
    if (afterMs > 0 && await isOtherwise(look, dueAt)) await workflows.signalDeliver(look.id, DELIVER_SIGNALS.wake);
    await finish('retry', [wake.outboxId]);
  };

  async function isOtherwise({ eventId, id }: DeliveryLook, dueAt: number): Promise<boolean> {
    const [now] = await lookAtDeliveries(db, [{ eventId, id }]);
    return now?.status !== 'RETRYING' || performance.now() + (now.dueInMs ?? 0) < dueAt - SOONER_MS;
  }

  const laneTask = (wake: ClaimedWake, look: DeliveryLook): Task => async () => {
    await passToLane(db, look, 'rate_limited');
    onOutbox();
    await finish('retry', [wake.outboxId]);
  };

  return {
    pass(claimed) {
      claimed.forEach((wake) => waiting.add(wake.outboxId));
      const retries = claimed.filter(({ kind }) => kind === 'retry');
      if (retries.length > 0) add(retriesTask(retries));
      for (const [key, group] of grouped(claimed.filter(({ kind }) => kind !== 'retry'))) passSignal(key, group);
      forgetOld(lastSignal);
    },
    waiting: () => waiting.size,
    held: () => waiting,
    async stop() {
      isStopping = true;
      turns.stop();
      if (active > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}

interface OpenRetry {
  readonly wake: ClaimedWake;
  readonly look: DeliveryLook;
}

const isOpen = (one: { readonly wake: ClaimedWake; readonly look: DeliveryLook | undefined }): one is OpenRetry =>
  one.look?.way === 'retry' && one.look.status === 'RETRYING';

/** Rows of the outbox that are one signal, and the first of them. */
interface Group {
  readonly wake: ClaimedWake;
  readonly rows: number[];
}

/** Signals to one watcher or job are one signal. */
function grouped(claimed: readonly ClaimedWake[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const wake of claimed) {
    const key = keyOf(wake);
    const group = groups.get(key);
    if (group) group.rows.push(wake.outboxId);
    else groups.set(key, { wake, rows: [wake.outboxId] });
  }
  return groups;
}

function keyOf({ kind, deliveryId, endpointId, jobId, outboxId }: ClaimedWake): string {
  if (kind === 'job') return `job ${jobId}`;
  return deliveryId === null ? `watcher ${endpointId}` : `row ${outboxId}`;
}

function forgetOld(lastSignal: Map<string, number>): void {
  if (lastSignal.size < 1_000) return;
  for (const [id, at] of lastSignal) if (performance.now() - at > WATCHER_EVERY_MS) lastSignal.delete(id);
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
