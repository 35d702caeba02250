import type { Deps } from '../deps';
import { effectivePolicy } from '../domain/dialect';
import type { RecoveryResult } from '../domain/job';
import { countSteps, pastOf, startOf } from '../store/recovery-scan';
import type { Sql } from '../store/db';
import { readRecovery, type AskedRecovery, type RecoveryBy } from './accept-recovery';
import { findOwed, owingOf } from './find-owed';

/** What a recovery or a backfill would do now. */
export interface RecoveryEstimate {
  /** What it would look at; null where counting takes too long. */
  readonly total: number | null;
  /** What was looked at for this answer, and what of it would be made or woken. */
  readonly looked: number;
  readonly found: RecoveryResult;
  /** Whether everything was looked at. */
  readonly isComplete: boolean;
  /** Deliveries that would be made; where not all was looked at an estimate from the part that was, null without a total. */
  readonly deliveries: number | null;
  /** How long the endpoint's rate, or the one asked for, makes them take at least. */
  readonly atLeastSeconds: number | null;
}

/** How long is looked, at least for one stretch, and how long is then counted, both in ms. */
export interface Patience {
  readonly lookMs: number;
  readonly countMs: number;
}

const PATIENCE: Patience = { lookMs: 1_500, countMs: 500 };
const STRETCH = 500;
const COUNTED_AT_ONCE = 20_000;

/**
 * Looks at what a recovery or a backfill would do, for two seconds or so; changes nothing.
 * @throws AppError as {@link readRecovery} does.
 */
export async function estimateRecovery(
  deps: Pick<Deps, 'now'>, sql: Sql, by: RecoveryBy, asked: AskedRecovery, { lookMs, countMs }: Patience = PATIENCE,
): Promise<RecoveryEstimate> {
  const { recovery, endpoint } = await readRecovery(deps, sql, by, asked);
  const owing = await owingOf(sql, endpoint, recovery.ruleId);
  if (!owing) throw new Error('A rule changed while it was looked at');
  const past = pastOf({ ...recovery, workspaceId: by.workspaceId, madeBy: deps.now() });
  const sum = { resend: 0, add: 0, wake: 0 };
  let looked = 0;
  let place = startOf(past, recovery.since);
  let isComplete = false;
  const lookUntil = performance.now() + lookMs;
  do {
    const next = await findOwed(sql, { recovery, past, owing, after: place, steps: STRETCH, most: STRETCH });
    for (const { remedy } of next.found) sum[remedy] += 1;
    looked += next.looked;
    ({ place, isEnd: isComplete } = next);
  } while (!isComplete && performance.now() < lookUntil);

  let total: number | null = looked;
  let isCounted = isComplete;
  const countUntil = performance.now() + countMs;
  while (!isCounted && performance.now() < countUntil) {
    const { count, last } = await countSteps(sql, past, place, COUNTED_AT_ONCE);
    total += count;
    isCounted = count < COUNTED_AT_ONCE;
    place = last ?? place;
  }
  if (!isCounted) total = null;
  const deliveries = total === null ? null : Math.round(((sum.resend + sum.add) * total) / Math.max(1, looked));
  const rate = Math.min(effectivePolicy(endpoint.dialect, endpoint.policyOverrides).ratePerSecond, recovery.ratePerSecond ?? Infinity);
  return {
    total, looked, isComplete, deliveries, found: { resent: sum.resend, added: sum.add, woken: sum.wake },
    atLeastSeconds: deliveries === null ? null : Math.ceil(deliveries / rate),
  };
}
