import { isAutomatic } from '../src/domain/endpoint';
import type { HealthFacts } from '../src/domain/health';
import type { Policy } from '../src/domain/policy';
import { lookAtFifoLane, lookAtLane, type LaneCounts } from '../src/store/lane';
import { keepRetries } from '../src/store/lane-moves';
import { RETRIES_WHILE_FAILING } from '../src/store/record';
import { loadTarget } from '../src/store/routing';
import { holdStragglers, readHealthFacts, releaseStragglers } from '../src/store/watch';
import type { ActivityParts } from './index';

/** While its breaker is open an endpoint is probed from this on, doubling to the second. */
const BREAKER_PROBE_MS = 30_000;
const BREAKER_PROBE_MAX_MS = 3_600_000;

/** An endpoint as its watcher sees it. */
export interface EndpointLook {
  readonly health: HealthFacts;
  readonly reason: string | null;
  readonly deactivate: Policy['deactivate'];
  readonly lane: LaneCounts;
  readonly probe: { readonly isProbed: boolean; readonly probeEveryMs: number; readonly probeMaxMs: number };
}

/** Reads an endpoint's health and lane; null where it is gone. Runs twice: it only reads, holds what should be held, and releases what should not. */
export const createLookAtEndpoint = ({ deps }: ActivityParts) => async ({ endpointId }: { readonly workspaceId: string; readonly endpointId: string }): Promise<EndpointLook | null> => {
  const [facts, target] = await Promise.all([readHealthFacts(deps.db, endpointId), loadTarget(deps.db, deps.keyRing, endpointId)]);
  if (!facts || !target) return null;
  const { policy } = target;
  if (facts.status === 'DEACTIVATED') await holdStragglers(deps.db, endpointId, { holdForMs: policy.holdForMs, discard: policy.discardWhileDeactivated });
  else if (!facts.drainPaused) await releaseStragglers(deps.db, endpointId);
  // Records that were written while the breaker opened did not know of it yet.
  if (facts.status === 'FAILING') await keepRetries(deps.db, endpointId, RETRIES_WHILE_FAILING);
  const { reason, drainPaused: _, ...health } = facts;
  return {
    health,
    reason,
    deactivate: policy.deactivate,
    lane: policy.fifo && facts.status !== 'DEACTIVATED' ? await lookAtFifoLane(deps.db, endpointId) : await lookAtLane(deps.db, endpointId),
    probe: facts.status === 'DEACTIVATED'
      ? { isProbed: policy.probe !== null && isAutomatic(reason), probeEveryMs: policy.probe?.everyMs ?? 0, probeMaxMs: policy.probe?.maxMs ?? 0 }
      // An endpoint whose own probes are more frequent than the breaker's is probed as often as it says.
      : { isProbed: true, probeEveryMs: Math.min(BREAKER_PROBE_MS, policy.probe?.everyMs ?? BREAKER_PROBE_MS), probeMaxMs: Math.min(BREAKER_PROBE_MAX_MS, policy.probe?.maxMs ?? BREAKER_PROBE_MAX_MS) },
  };
};
