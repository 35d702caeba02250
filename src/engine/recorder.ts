import { UNREACHABLE } from '../domain/attempt';
import type { Policy } from '../domain/policy';
import { announceDeliveries } from '../commands/announce-deliveries';
import { deactivateEndpoint } from '../commands/switch-endpoint';
import type { Deps } from '../deps';
import { createGroupCommit } from '../group-commit';
import type { Metrics } from '../metrics/metrics';
import { isLostRace, type Sql } from '../store/db';
import { lockEndpoint } from '../store/endpoints';
import type { OnOutbox } from '../store/outbox';
import { recordAttempts, withdrawAttempts, type FinishedAttempt, type Recorded, type UnbegunAttempt } from '../store/record';
import { recordHealth, type HealthDelta } from '../store/record-health';

/** A finished attempt with what its endpoint's policy has to say about it. */
export interface Finished extends FinishedAttempt {
  /** The receiver asked not to be called again, and the policy honours it: the endpoint is deactivated with the record. */
  readonly gone: boolean;
  readonly eventType: string;
  /** The delivery sends an event again that an earlier one was over with. */
  readonly isResend: boolean;
  readonly deactivate: Policy['deactivate'];
}

/** Writes down what came of attempts; many at once share a statement. */
export interface Recorder {
  /** Null where the attempt had been recorded before (this process was fenced) or its delivery had ended meanwhile. */
  record(attempt: Finished): Promise<Recorded | null>;
  /** Takes an attempt back that was planned but not begun. */
  withdraw(attempt: UnbegunAttempt): Promise<void>;
  drain(): Promise<void>;
}

// One: while a batch is written the next one grows, and fewer, larger statements cost less.
const WRITERS = 1;
const LARGEST = 400;
/** Deactivations at once. */
const GONE_WRITERS = 2;
const TRIES = 5;

/** A recorder of this process; `onOutbox` is told where a batch may have left something. */
export function createRecorder(deps: Deps, onOutbox: OnOutbox): Recorder {
  const writeDown = async (batch: readonly Finished[]): Promise<readonly (Recorded | null)[]> => {
    const isPlain = batch.every(isOneStatement);
    const { recorded, hasSignals } = await write(deps, batch, isPlain);
    countFinished(deps.metrics.worker, recorded);
    if (!isPlain || hasSignals || batch.some((attempt) => attempt.outcome !== 'ok' || attempt.byRetry)) onOutbox(!isPlain);
    return recorded;
  };
  const finished = createGroupCommit({ writers: WRITERS, largest: LARGEST }, writeDown);
  // Apart: an endpoint that is gone may have hundreds of thousands of deliveries to be held, and nobody else waits for that.
  const gone = createGroupCommit({ writers: GONE_WRITERS, largest: 1 }, writeDown);
  const unbegun = createGroupCommit<UnbegunAttempt, null>({ writers: 1, largest: LARGEST }, async (batch) => {
    await withdrawAttempts(patient(deps.db), batch);
    onOutbox();
    return batch.map(() => null);
  });
  return {
    record: (attempt) => (attempt.gone ? gone : finished).add(attempt),
    async withdraw(attempt) {
      await unbegun.add(attempt);
    },
    async drain() {
      await Promise.all([finished.drain(), gone.drain(), unbegun.drain()]);
    },
  };
}

function countFinished({ finished }: Metrics['worker'], recorded: readonly (Recorded | null)[]): void {
  for (const one of recorded) {
    if (one?.status === 'DELIVERED') finished.delivered.add();
    else if (one?.status === 'EXHAUSTED') finished.exhausted.add();
    else if (one?.status === 'CANCELLED') finished.cancelled.add();
  }
}

interface Written<R> {
  readonly recorded: readonly R[];
  /** Whether a watcher is to be told of a change of its endpoint's health. */
  readonly hasSignals: boolean;
}

// Most batches are one statement each; what is announced or switched with the record shares its transaction.
const isOneStatement = ({ gone, next, isResend }: Finished): boolean => !gone && next !== 'EXHAUSTED' && !isResend;

/** Writes a batch down; answers what was recorded of each, in its place. */
async function write(deps: Deps, batch: readonly Finished[], isPlain: boolean): Promise<Written<Recorded | null>> {
  const gone = new Map(batch.filter((attempt) => attempt.gone).map(({ endpointId, workspaceId }) => [endpointId, workspaceId]));
  const { recorded, hasSignals } = isPlain ? await writeBatch(patient(deps.db), batch) : await retried(() => deps.db.transaction((trx) => writeAnnounced(deps, trx, batch, gone)));
  const byDelivery = new Map(recorded.map((row) => [row.deliveryId, row]));
  return { recorded: batch.map((attempt) => byDelivery.get(attempt.deliveryId) ?? null), hasSignals };
}

/**
 * The batch, what is to be told of its deliveries, and the deactivation of those that asked for it. Endpoints are locked
 * before deliveries, as everywhere.
 */
async function writeAnnounced(deps: Deps, trx: Sql, batch: readonly Finished[], gone: ReadonlyMap<string, string>): Promise<Written<Recorded>> {
  const there: { workspaceId: string; endpointId: string }[] = [];
  for (const [endpointId, workspaceId] of [...gone].sort()) {
    if (await lockEndpoint(trx, workspaceId, endpointId)) there.push({ workspaceId, endpointId });
  }
  // Before the record: from that on others that record attempts of the endpoint wait for this transaction.
  for (const endpoint of there) await deactivateEndpoint(deps, trx, { ...endpoint, reason: 'gone', actor: 'receiver' });
  const written = await writeBatch(trx, batch);
  await announceDeliveries(deps, trx, batch, written.recorded);
  return written;
}

async function writeBatch(sql: Sql, batch: readonly Finished[]): Promise<Written<Recorded>> {
  const { recorded, isHealthNews } = await recordAttempts(sql, batch);
  const deltas = isHealthNews ? healthDeltas(batch.filter((attempt) => attempt.counts && attempt.outcome !== 'transform_error')) : [];
  return { recorded, hasSignals: (await recordHealth(sql, deltas)) > 0 };
}

/** How a batch, in its order, bears on each endpoint's health; sorted by endpoint. */
export function healthDeltas(batch: readonly Finished[]): HealthDelta[] {
  const byEndpoint = new Map<string, Finished[]>();
  for (const attempt of batch) {
    const others = byEndpoint.get(attempt.endpointId);
    if (others) others.push(attempt);
    else byEndpoint.set(attempt.endpointId, [attempt]);
  }
  return [...byEndpoint].map(([endpointId, attempts]): HealthDelta => {
    const lastSuccess = attempts.findLastIndex((attempt) => attempt.outcome === 'ok');
    const trailing = attempts.slice(lastSuccess + 1);
    const reachable = trailing.findLastIndex((attempt) => !UNREACHABLE.has(attempt.outcome));
    const last = attempts[attempts.length - 1] as Finished;
    return {
      endpointId,
      workspaceId: last.workspaceId,
      succeeded: lastSuccess >= 0,
      trailingFailures: trailing.length,
      trailingUnreachable: trailing.length - 1 - reachable,
      allUnreachable: reachable < 0,
      trailingExhausted: trailing.filter((attempt) => attempt.next === 'EXHAUSTED').length,
      lastFailure: trailing.at(-1)?.outcome ?? null,
      consecutiveLimit: last.deactivate.afterConsecutiveFailures,
      exhaustedLimit: last.deactivate.afterExhausted,
    };
  }).sort((a, b) => (a.endpointId < b.endpointId ? -1 : 1));
}

/** Tries each statement again by itself: a batch done anew would find what its first statements have closed, and answer nothing of it. */
const patient = (sql: Sql): Sql => ({ query: (statement) => retried(() => sql.query(statement)) });

async function retried<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (tries >= TRIES || !isLostRace(error)) throw error;
    }
  }
}
