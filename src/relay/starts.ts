import type { Deps } from '../deps';
import { createGroupCommit } from '../group-commit';
import type { Workflows } from '../temporal';
import { finishClaims, readFold, saveFold, type ClaimedEvent } from '../store/outbox-claim';
import { failpoint } from '../failpoint';
import { traceStart } from '../engine/trace';
import { deliverEventId } from '../../workflows/contract';
import { createTokens } from './tokens';

/** Starts `deliverEvent` for claimed events, at a pace that leaves the processor to the deliveries. */
export interface Starts {
  add(events: readonly ClaimedEvent[]): void;
  /** How many claimed events have a workflow that is not acknowledged yet. */
  waiting(): number;
  /** Their rows of the outbox. */
  held(): Iterable<number>;
  /** Starts no more; answers the rows that were not started, when those under way are over. */
  stop(): Promise<number[]>;
}

/** Starts under way at once where the pace does not limit them. */
const CONCURRENT_STARTS = 40;
/**
 * Where it does: as many as keep the pace while Temporal answers within this time. When it takes longer it has too much to
 * do, and retries, whose workflows are there already, would wait behind the new ones: then more events share a workflow.
 */
const START_TAKES_MS = 250;
const FEWEST_STARTS = 4;
const RETRY_MS = 500;

/** Queues of claimed events by workspace, and the bucket that paces their starts. */
export function createStarts(deps: Deps, workflows: Workflows): Starts {
  const { config, db, log } = deps;
  const { stages, workflowsStarted, foldEvents } = deps.metrics.worker;
  const pace = createTokens(config);
  const most = config.EVENTS_PER_WORKFLOW === 1 ? CONCURRENT_STARTS : Math.max(FEWEST_STARTS, Math.ceil((config.WORKFLOW_STARTS_PER_SECOND * START_TAKES_MS) / 1000));
  const queues = new Map<string, ClaimedEvent[]>();
  let queued = 0;
  let underWay = 0;
  const unacknowledged = new Set<number>();
  let isStopping = false;
  let timer: NodeJS.Timeout | null = null;
  const idle: (() => void)[] = [];
  const finishing = createGroupCommit<readonly number[], null>({ writers: 1, largest: 50 }, async (batches) => {
    await finishClaims(db, batches.flat());
    return batches.map(() => null);
  });

  function pump(): void {
    timer = null;
    while (!isStopping && queued > 0 && underWay < most) {
      const waitMs = pace.waitMs();
      if (waitMs > 0) {
        timer ??= setTimeout(pump, waitMs);
        return;
      }
      const fold = nextFold();
      pace.spend(tokensOf(fold.length, config.EVENTS_PER_WORKFLOW, queues.size === 0));
      void run(fold);
    }
  }

  /** The next events that share a workflow: one while there are tokens for all that wait, else as many as may. Workspaces take turns. */
  function nextFold(): ClaimedEvent[] {
    const [first] = queues;
    if (!first) return [];
    const [workspaceId, queue] = first;
    const size = pace.saved() >= queued - 1 ? 1 : config.EVENTS_PER_WORKFLOW;
    const fold = takeFold(queue, size);
    queues.delete(workspaceId);
    if (queue.length > 0) queues.set(workspaceId, queue);
    queued -= fold.length;
    return fold;
  }

  async function run(events: readonly ClaimedEvent[]): Promise<void> {
    underWay += 1;
    try {
      const startedAt = performance.now();
      const started = await startFold(deps, workflows, events);
      stages.workflow_start.observeMs(performance.now() - startedAt);
      workflowsStarted.deliverEvent.add();
      foldEvents.observe(started.length);
      failpoint('after-start');
      await finishing.add(started);
      events.forEach((claimed) => unacknowledged.delete(claimed.outboxId));
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.message : String(error), events: events.length }, 'relay.start_failed');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      enqueue(events);
    } finally {
      underWay -= 1;
      if (underWay === 0) idle.splice(0).forEach((done) => done());
      pump();
    }
  }

  function enqueue(events: readonly ClaimedEvent[]): void {
    for (const claimed of events) {
      const queue = queues.get(claimed.event.workspaceId);
      if (queue) queue.push(claimed);
      else queues.set(claimed.event.workspaceId, [claimed]);
    }
    queued += events.length;
  }

  return {
    add(events) {
      events.forEach((claimed) => unacknowledged.add(claimed.outboxId));
      enqueue(events);
      if (!timer) pump();
    },
    waiting: () => unacknowledged.size,
    held: () => unacknowledged,
    async stop() {
      isStopping = true;
      if (timer) clearTimeout(timer);
      if (underWay > 0) await new Promise<void>((resolve) => idle.push(resolve));
      return [...queues.values()].flat().map((claimed) => claimed.outboxId);
    },
  };
}

/** Up to `size` events from the front; events that were folded by a lost worker are started as they were folded. */
function takeFold(queue: ClaimedEvent[], size: number): ClaimedEvent[] {
  const foldId = queue[0]?.foldId ?? null;
  if (foldId === null) {
    const end = queue.findIndex((claimed, index) => index >= size || claimed.foldId !== null);
    return queue.splice(0, end < 0 ? queue.length : end);
  }
  const fold = queue.filter((claimed) => claimed.foldId === foldId);
  const rest = queue.filter((claimed) => claimed.foldId !== foldId);
  queue.splice(0, queue.length, ...rest);
  return fold;
}

/** Starts the workflow of a fold; answers the rows that are done with it. */
async function startFold({ db, now, tracing }: Deps, workflows: Workflows, claimed: readonly ClaimedEvent[]): Promise<number[]> {
  const [first] = [...claimed].sort((a, b) => (a.event.id < b.event.id ? -1 : 1));
  if (!first) return [];
  const foldId = first.foldId ?? first.event.id;
  const saved = first.foldId === null ? await saveFold(db, foldId, claimed.map((one) => one.outboxId)) : [];
  // Where a part of it was folded before, or claimed by another, what the rows say is started, not what was claimed here.
  const fold = saved.length === claimed.length
    ? claimed.map(({ outboxId, event }) => ({ outboxId, eventId: event.id })).sort((a, b) => (a.eventId < b.eventId ? -1 : 1))
    : await readFold(db, foldId);
  if (fold.length > 0) {
    const startedAt = now();
    await workflows.startDeliverEvent(
      { workspaceId: first.event.workspaceId, eventIds: fold.map(({ eventId }) => eventId) },
      { types: claimed.map(({ event }) => event.type), objectId: fold.length === 1 ? first.event.objectId : null },
    );
    traceStart(tracing, claimed.map(({ event }) => event), deliverEventId(fold.map(({ eventId }) => eventId)), startedAt);
  }
  return fold.map(({ outboxId }) => outboxId);
}

/**
 * What a start takes from the bucket: one token for a lone event or a full fold, more for one that is hardly filled, and never
 * more than its events would take one by one. Folds are for when the processor is short: then few and full ones leave more of it
 * to the deliveries. They fill up while they wait, so that a dear one pays; but not by what waits for other workspaces.
 */
function tokensOf(events: number, most: number, isLast: boolean): number {
  const empty = isLast ? EMPTY_FOLD : EMPTY_FOLD_AMONG_OTHERS;
  return Math.max(1, Math.min(events, empty - (empty - 1) * (events / most)));
}

/** Tokens of a fold of nearly none: at 100 events a second some 5 workflows start a second, of 20 events each. */
const EMPTY_FOLD = 4;
const EMPTY_FOLD_AMONG_OTHERS = 2;
