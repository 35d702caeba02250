import type { Deps } from '../deps';
import { effectivePolicy } from '../domain/dialect';
import { NOTHING_RECOVERED, type Job } from '../domain/job';
import { recoveryOf, type Recovery } from '../domain/recovery';
import { isDatabaseAway } from '../store/db';
import { findEndpoint, type StoredEndpoint } from '../store/endpoints';
import { insertFailed } from '../store/job-entries';
import { findJob, lockJob } from '../store/jobs';
import { countWaiting, saveWalked, touchJob } from '../store/recoveries';
import { countSteps, pastOf, type Past } from '../store/recovery-scan';
import { findOwed, owingOf, type Findings, type Owing } from './find-owed';
import { endWithout, handOver, mayGoOn } from './hand-over';

/** Most events of one page, and most deliveries that it hands over in one transaction. */
const MOST_LOOKED = 5_000;
const MOST_FOUND = 500;
/** Steps of one query. */
const STRETCH = 500;
/** Steps that are counted by one query. */
const COUNTED_AT_ONCE = 50_000;
/** No stretch is begun after this: a page is a second or so. */
const PAGE_MS = 2_000;
/** So many seconds of an endpoint's own rate may wait in its lane; so a cancelled recovery leaves little behind, and a lane is never long. */
const WAITING_SECONDS = 10;
const LEAST_WAITING = 100;
/** Until a full lane is looked at again: while it is served, and while the endpoint's breaker is open. */
const REST_MS = 2_000;
const FAILING_REST_MS = 10_000;

/** Which job, and how its page is to be done. */
export interface PageOrder {
  readonly workspaceId: string;
  readonly jobId: string;
  /** The page has failed before: each event by itself, so that one that can't be looked at stops nothing; it is counted as failed. */
  readonly isLastTry: boolean;
}

/**
 * Does the next page of a recovery or a backfill: first counts what there is to look at, then looks, and hands what it finds
 * over to the endpoint's lane. Does nothing where the job may not go on.
 * @returns how long to wait before the next page, in ms.
 */
export async function recoverPage(deps: Deps, { workspaceId, jobId, isLastTry }: PageOrder, signal: AbortSignal): Promise<number> {
  const job = await findJob(deps.db, workspaceId, jobId);
  if (!job || !mayGoOn(job)) return 0;
  const recovery = recoveryOf(job.parameters);
  const past = pastOf({ ...recovery, workspaceId, madeBy: job.createdAt });
  if (job.result === null) {
    await countAll(deps, job, past, signal);
    return 0;
  }
  const endpoint = await findEndpoint(deps.db, workspaceId, recovery.endpointId);
  if (!endpoint) return end(deps, job, `the endpoint ${recovery.endpointId} was deleted`);
  const owing = await owingOf(deps.db, endpoint, recovery.ruleId).catch((fault: unknown) => {
    if (isDatabaseAway(fault) || !isLastTry) throw fault;
    deps.log.error({ err: fault, jobId }, 'job.rules_failed');
    return 'fault' as const;
  });
  if (owing === 'fault') return end(deps, job, 'a fault on our side: the rules of now can not be read; the log says which');
  if (!owing) return end(deps, job, `the rule ${recovery.ruleId ?? ''} was deleted, or names the endpoint no more`);

  const room = await roomAt(deps, endpoint, recovery);
  if (room.most === 0) {
    await touchJob(deps.db, jobId);
    return room.restMs;
  }
  if (isLastTry) return oneByOne(deps, job, { recovery, past, owing }, signal);
  const findings = await lookOn(deps, job, { recovery, past, owing }, room.most, signal);
  const count = await deps.db.transaction((trx) => handOver(deps, trx, job, findings));
  return count === null || findings.isEnd || recovery.ratePerSecond === null ? 0 : Math.ceil((count / recovery.ratePerSecond) * 1_000);
}

interface Way {
  readonly recovery: Recovery;
  readonly past: Past;
  readonly owing: Owing;
}

async function lookOn(deps: Deps, job: Job, way: Way, most: number, signal: AbortSignal): Promise<Findings> {
  const endsAt = performance.now() + PAGE_MS;
  let sum: Findings = { found: [], looked: 0, place: job.cursor ?? '', isEnd: false };
  do {
    const next = await findOwed(deps.db, { ...way, after: sum.place, steps: STRETCH, most: most - sum.found.length });
    sum = { ...next, found: [...sum.found, ...next.found], looked: sum.looked + next.looked };
  } while (!sum.isEnd && sum.found.length < most && sum.looked < MOST_LOOKED && performance.now() < endsAt && !signal.aborted);
  return sum;
}

/** A page in which each event has a transaction of its own: a fault of ours costs only its own event. */
async function oneByOne(deps: Deps, before: Job, way: Way, signal: AbortSignal): Promise<number> {
  for (let n = 0; n < STRETCH && !signal.aborted; n++) {
    const job = await findJob(deps.db, before.workspaceId, before.id);
    if (!job || !mayGoOn(job)) return 0;
    try {
      const findings = await findOwed(deps.db, { ...way, after: job.cursor ?? '', steps: 1, most: 1 });
      if ((await deps.db.transaction((trx) => handOver(deps, trx, job, findings))) === null) return 0;
    } catch (fault) {
      if (isDatabaseAway(fault)) throw fault;
      deps.log.error({ err: fault, jobId: job.id, after: job.cursor }, 'job.event_failed');
      await skipOne(deps, job, way.past);
    }
  }
  return 0;
}

const ERROR = JSON.stringify({ code: 'internal', status: 500, detail: 'A fault on our side; it is logged under the job and the place before this one.' });

async function skipOne(deps: Deps, { workspaceId, id, cursor }: Job, past: Past): Promise<void> {
  const { last } = await countSteps(deps.db, past, cursor ?? '', 1);
  await deps.db.transaction(async (trx) => {
    const job = await lockJob(trx, workspaceId, id);
    if (!job || !mayGoOn(job) || job.cursor !== cursor) return;
    if (last !== null) await insertFailed(trx, id, job.done + job.failed, last, ERROR);
    await saveWalked(trx, { ...job, failed: job.failed + (last === null ? 0 : 1), cursor: last, result: job.result ?? NOTHING_RECOVERED });
  });
}

async function countAll({ db }: Deps, job: Job, past: Past, signal: AbortSignal): Promise<void> {
  let total = 0;
  let place = job.cursor ?? '';
  for (;;) {
    const { count, last } = await countSteps(db, past, place, COUNTED_AT_ONCE);
    total += count;
    if (last === null || count < COUNTED_AT_ONCE || signal.aborted) break;
    place = last;
  }
  if (signal.aborted) return;
  await db.transaction(async (trx) => {
    const locked = await lockJob(trx, job.workspaceId, job.id);
    if (locked?.result === null && mayGoOn(locked)) await saveWalked(trx, { ...locked, total, result: NOTHING_RECOVERED });
  });
}

async function end({ db }: Deps, { workspaceId, id }: Job, why: string): Promise<number> {
  await db.transaction(async (trx) => {
    const job = await lockJob(trx, workspaceId, id);
    if (job && mayGoOn(job)) await endWithout(trx, job, why);
  });
  return 0;
}

/** How much may be handed over now; where that is nothing, when to ask again. What is held has room: it does not leave before it is drained. */
async function roomAt({ db }: Deps, endpoint: StoredEndpoint, { ratePerSecond }: Recovery): Promise<{ most: number; restMs: number }> {
  const most = Math.min(MOST_FOUND, ratePerSecond ?? Infinity);
  if (endpoint.status === 'DEACTIVATED' || endpoint.drainPaused) return { most, restMs: 0 };
  const own = effectivePolicy(endpoint.dialect, endpoint.policyOverrides).ratePerSecond;
  const window = Math.max(LEAST_WAITING, WAITING_SECONDS * Math.min(own, ratePerSecond ?? Infinity));
  const isFailing = endpoint.status === 'FAILING';
  const room = window - (await countWaiting(db, endpoint.id, isFailing, window));
  if (room < Math.min(most, window / 2)) return { most: 0, restMs: isFailing ? FAILING_REST_MS : REST_MS };
  return { most: Math.min(most, room), restMs: 0 };
}
